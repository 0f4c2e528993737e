-- One row a user: the presence that was last known.

CREATE TABLE IF NOT EXISTS websocket_presence (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    tenant_id bigint UNSIGNED NULL,
    user_id bigint UNSIGNED NULL,
    status varchar(20) NULL DEFAULT 'online',
    device varchar(50) NULL,
    last_message text NULL,
    away_since timestamp NULL DEFAULT NULL,
    last_seen_at timestamp NULL DEFAULT NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY websocket_presence_tenant_id_user_id_unique
        (tenant_id, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
