-- How users are, as of a time in milliseconds: the latest one wins.  The
-- assignments are made in this order, so updated_at comes last.

INSERT INTO websocket_presence
    (tenant_id, user_id, status, device, last_message, away_since,
     last_seen_at, created_at, updated_at)
VALUES (:tenant_id, :user_id, :status, :device, :last_message,
    FROM_UNIXTIME(:away_since DIV 1000),
    FROM_UNIXTIME(:last_seen_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000))
ON DUPLICATE KEY UPDATE
    status = IF(VALUES(updated_at) < updated_at,
        status, VALUES(status)),
    device = IF(VALUES(updated_at) < updated_at,
        device, VALUES(device)),
    last_message = IF(VALUES(updated_at) < updated_at,
        last_message, VALUES(last_message)),
    away_since = IF(VALUES(updated_at) < updated_at,
        away_since, VALUES(away_since)),
    last_seen_at = IF(VALUES(updated_at) < updated_at,
        last_seen_at, VALUES(last_seen_at)),
    updated_at = IF(VALUES(updated_at) < updated_at,
        updated_at, VALUES(updated_at))
