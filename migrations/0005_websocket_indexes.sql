-- Indexes for statistics and clean-up. Rows are read and written while they
-- are built. MySQL cannot add one only where there is none.

-- strict, but zero dates, which old servers have for defaults, may stay
SET sql_mode = 'STRICT_TRANS_TABLES';

SET @sql = (SELECT IF(COUNT(*), 'DO 0', 'ALTER TABLE websocket_connections
    ADD INDEX websocket_connections_tenant_id_status_user_id_index
        (tenant_id, status, user_id), ALGORITHM=INPLACE, LOCK=NONE')
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_connections'
        AND INDEX_NAME =
            'websocket_connections_tenant_id_status_user_id_index');
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*), 'DO 0', 'ALTER TABLE websocket_connections
    ADD INDEX websocket_connections_status_updated_at_index
        (status, updated_at), ALGORITHM=INPLACE, LOCK=NONE')
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_connections'
        AND INDEX_NAME = 'websocket_connections_status_updated_at_index');
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*), 'DO 0', 'ALTER TABLE websocket_events
    ADD INDEX websocket_events_tenant_id_status_index
        (tenant_id, status), ALGORITHM=INPLACE, LOCK=NONE')
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'websocket_events'
        AND INDEX_NAME = 'websocket_events_tenant_id_status_index');
PREPARE s FROM @sql;
EXECUTE s;

SET @sql = (SELECT IF(COUNT(*), 'DO 0', 'ALTER TABLE
    websocket_typing_indicators
    ADD INDEX websocket_typing_indicators_expires_at_index
        (expires_at), ALGORITHM=INPLACE, LOCK=NONE')
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE()
        AND TABLE_NAME = 'websocket_typing_indicators'
        AND INDEX_NAME = 'websocket_typing_indicators_expires_at_index');
PREPARE s FROM @sql;
EXECUTE s;

DEALLOCATE PREPARE s;
