-- The counts of a tenant; each reads only the part of an index that it
-- counts, never the rows.

SELECT
    (SELECT COUNT(*) FROM websocket_connections
        WHERE tenant_id = :tenant_id) AS total_connections,
    (SELECT COUNT(*) FROM websocket_connections
        WHERE tenant_id = :tenant_id AND status = 'connected')
        AS active_connections,
    (SELECT COUNT(DISTINCT user_id) FROM websocket_connections
        WHERE tenant_id = :tenant_id AND status = 'connected')
        AS unique_users,
    (SELECT COUNT(*) FROM websocket_events
        WHERE tenant_id = :tenant_id AND status = 'pending')
        AS pending_events,
    (SELECT COUNT(*) FROM websocket_events
        WHERE tenant_id = :tenant_id AND status = 'failed')
        AS failed_events
