-- Connections as they are at a time, in milliseconds: the latest one wins.
-- The assignments are made in this order, so updated_at comes last.

INSERT INTO websocket_connections
    (tenant_id, user_id, connection_id, session_id, browser, device_type,
     ip_address, subscribed_channels, status, connected_at, last_activity_at,
     disconnected_at, created_at, updated_at)
VALUES (:tenant_id, :user_id, :connection_id, :session_id, :browser,
    :device_type, :ip_address, :subscribed_channels, :status,
    FROM_UNIXTIME(:connected_at DIV 1000),
    FROM_UNIXTIME(:last_activity_at DIV 1000),
    FROM_UNIXTIME(:disconnected_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000))
ON DUPLICATE KEY UPDATE
    tenant_id = IF(VALUES(updated_at) < updated_at,
        tenant_id, VALUES(tenant_id)),
    user_id = IF(VALUES(updated_at) < updated_at,
        user_id, VALUES(user_id)),
    session_id = IF(VALUES(updated_at) < updated_at,
        session_id, VALUES(session_id)),
    browser = IF(VALUES(updated_at) < updated_at,
        browser, VALUES(browser)),
    device_type = IF(VALUES(updated_at) < updated_at,
        device_type, VALUES(device_type)),
    ip_address = IF(VALUES(updated_at) < updated_at,
        ip_address, VALUES(ip_address)),
    subscribed_channels = IF(VALUES(updated_at) < updated_at,
        subscribed_channels, VALUES(subscribed_channels)),
    status = IF(VALUES(updated_at) < updated_at,
        status, VALUES(status)),
    connected_at = IF(VALUES(updated_at) < updated_at,
        connected_at, VALUES(connected_at)),
    last_activity_at = IF(VALUES(updated_at) < updated_at,
        last_activity_at, VALUES(last_activity_at)),
    disconnected_at = IF(VALUES(updated_at) < updated_at,
        disconnected_at, VALUES(disconnected_at)),
    updated_at = IF(VALUES(updated_at) < updated_at,
        updated_at, VALUES(updated_at))
