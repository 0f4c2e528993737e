-- For tables that an application's own migration has made: what may be
-- unknown may be NULL, rows number themselves, ids are compared byte by byte,
-- and texts may have any characters. A table that is so already is left alone.
--
-- The first one may be large: its ALTER is done in place while rows are read
-- and written, but for a channel that is not utf8mb4. The others, which have
-- the rows of a day, are copied where rows do not number themselves or ids
-- are compared otherwise, and can only be read meanwhile.

-- strict, but zero dates may stay
SET sql_mode = 'STRICT_TRANS_TABLES';

SET @channel = (SELECT CONCAT('CHARACTER SET utf8mb4 COLLATE ',
        IF(CHARACTER_SET_NAME = 'utf8mb4', COLLATION_NAME, 'utf8mb4_bin'))
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_events'
        AND COLUMN_NAME = 'channel');

SET @sql = (SELECT IF(COUNT(*) = 0, 'DO 0', CONCAT('ALTER TABLE websocket_events
    MODIFY tenant_id bigint UNSIGNED NULL,
    MODIFY user_id bigint UNSIGNED NULL,
    MODIFY event_type varchar(50) NULL,
    MODIFY channel varchar(255) ', @channel, ' NULL,
    MODIFY payload json NULL,
    MODIFY status varchar(20) NULL DEFAULT ''pending'',
    MODIFY retry_count int NULL DEFAULT 0,
    MODIFY error_message text NULL,
    MODIFY created_at timestamp NULL DEFAULT NULL,
    MODIFY updated_at timestamp NULL DEFAULT NULL'))
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_events'
        AND (COLUMN_NAME = 'channel' AND CHARACTER_SET_NAME <> 'utf8mb4'
            OR IS_NULLABLE = 'NO' AND COLUMN_NAME IN ('tenant_id', 'user_id',
                'event_type', 'channel', 'payload', 'status', 'retry_count',
                'error_message', 'created_at', 'updated_at')));
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*) = 0, 'DO 0', 'ALTER TABLE websocket_connections
    MODIFY id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    MODIFY tenant_id bigint UNSIGNED NULL,
    MODIFY user_id bigint UNSIGNED NULL,
    MODIFY connection_id varchar(255)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    MODIFY session_id varchar(255)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL,
    MODIFY browser varchar(50)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL,
    MODIFY device_type varchar(50) NULL,
    MODIFY ip_address varchar(45) NULL,
    MODIFY subscribed_channels json NULL,
    MODIFY status varchar(20) NULL DEFAULT ''connected'',
    MODIFY connected_at timestamp NULL DEFAULT NULL,
    MODIFY last_activity_at timestamp NULL DEFAULT NULL,
    MODIFY disconnected_at timestamp NULL DEFAULT NULL,
    MODIFY created_at timestamp NULL DEFAULT NULL,
    MODIFY updated_at timestamp NULL DEFAULT NULL')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_connections'
        AND (COLUMN_NAME = 'connection_id' AND COLLATION_NAME <> 'utf8mb4_bin'
            OR COLUMN_NAME IN ('session_id', 'browser')
                AND CHARACTER_SET_NAME <> 'utf8mb4'
            OR COLUMN_NAME = 'id' AND EXTRA NOT LIKE '%auto_increment%'
            OR IS_NULLABLE = 'NO' AND COLUMN_NAME IN ('tenant_id', 'user_id',
                'connection_id', 'session_id', 'browser', 'device_type',
                'ip_address', 'subscribed_channels', 'status', 'connected_at',
                'last_activity_at', 'disconnected_at', 'created_at',
                'updated_at')));
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*) = 0, 'DO 0', 'ALTER TABLE
    websocket_typing_indicators
    MODIFY id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    MODIFY tenant_id bigint UNSIGNED NULL,
    MODIFY user_id bigint UNSIGNED NULL,
    MODIFY conversation_id varchar(255)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    MODIFY conversation_type varchar(50) NULL,
    MODIFY is_typing boolean NULL DEFAULT true,
    MODIFY started_at timestamp NULL DEFAULT NULL,
    MODIFY expires_at timestamp NULL DEFAULT NULL,
    MODIFY created_at timestamp NULL DEFAULT NULL,
    MODIFY updated_at timestamp NULL DEFAULT NULL')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE()
        AND TABLE_NAME = 'websocket_typing_indicators'
        AND (COLUMN_NAME = 'conversation_id'
                AND COLLATION_NAME <> 'utf8mb4_bin'
            OR COLUMN_NAME = 'id' AND EXTRA NOT LIKE '%auto_increment%'
            OR IS_NULLABLE = 'NO' AND COLUMN_NAME IN ('tenant_id', 'user_id',
                'conversation_id', 'conversation_type', 'is_typing',
                'started_at', 'expires_at', 'created_at', 'updated_at')));
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*) = 0, 'DO 0', 'ALTER TABLE websocket_presence
    MODIFY id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    MODIFY tenant_id bigint UNSIGNED NULL,
    MODIFY user_id bigint UNSIGNED NULL,
    MODIFY status varchar(20) NULL DEFAULT ''online'',
    MODIFY device varchar(50) NULL,
    MODIFY last_message text
        CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL,
    MODIFY away_since timestamp NULL DEFAULT NULL,
    MODIFY last_seen_at timestamp NULL DEFAULT NULL,
    MODIFY created_at timestamp NULL DEFAULT NULL,
    MODIFY updated_at timestamp NULL DEFAULT NULL')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_presence'
        AND (COLUMN_NAME = 'last_message' AND CHARACTER_SET_NAME <> 'utf8mb4'
            OR COLUMN_NAME = 'id' AND EXTRA NOT LIKE '%auto_increment%'
            OR IS_NULLABLE = 'NO' AND COLUMN_NAME IN ('tenant_id', 'user_id',
                'status', 'device', 'last_message', 'away_since',
                'last_seen_at', 'created_at', 'updated_at')));
PREPARE s FROM @sql;
EXECUTE s;

DEALLOCATE PREPARE s;
