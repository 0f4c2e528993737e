-- Who is typing in which conversation, and until when.

CREATE TABLE IF NOT EXISTS websocket_typing_indicators (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    tenant_id bigint UNSIGNED NULL,
    user_id bigint UNSIGNED NULL,
    conversation_id varchar(255) COLLATE utf8mb4_bin NULL,
    conversation_type varchar(50) NULL,
    is_typing boolean NULL DEFAULT true,
    started_at timestamp NULL DEFAULT NULL,
    expires_at timestamp NULL DEFAULT NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY websocket_typing_indicators_who_where_unique
        (tenant_id, user_id, conversation_id),
    KEY websocket_typing_indicators_conversation_id_expires_at_index
        (conversation_id, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
