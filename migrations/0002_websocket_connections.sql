-- Connections. Their ids are compared byte by byte, as Redis does.

CREATE TABLE IF NOT EXISTS websocket_connections (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    tenant_id bigint UNSIGNED NULL,
    user_id bigint UNSIGNED NULL,
    connection_id varchar(255) COLLATE utf8mb4_bin NULL,
    session_id varchar(255) NULL,
    browser varchar(50) NULL,
    device_type varchar(50) NULL,
    ip_address varchar(45) NULL,
    subscribed_channels json NULL,
    status varchar(20) NULL DEFAULT 'connected',
    connected_at timestamp NULL DEFAULT NULL,
    last_activity_at timestamp NULL DEFAULT NULL,
    disconnected_at timestamp NULL DEFAULT NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY websocket_connections_connection_id_unique (connection_id),
    UNIQUE KEY websocket_connections_tenant_id_connection_id_unique
        (tenant_id, connection_id),
    KEY websocket_connections_user_id_status_index (user_id, status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
