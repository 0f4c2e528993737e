-- Every event, for the audit trail and for delivery. The id is given by the
-- module: it is the event's messageId.

CREATE TABLE IF NOT EXISTS websocket_events (
    id bigint UNSIGNED NOT NULL,
    tenant_id bigint UNSIGNED NULL,
    user_id bigint UNSIGNED NULL,
    event_type varchar(50) NULL,
    channel varchar(255) COLLATE utf8mb4_bin NULL,
    payload json NULL,
    status varchar(20) NULL DEFAULT 'pending',
    retry_count int NULL DEFAULT 0,
    error_message text NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    KEY websocket_events_tenant_id_user_id_index (tenant_id, user_id),
    KEY websocket_events_event_type_channel_index (event_type, channel),
    KEY websocket_events_status_created_at_index (status, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
