-- Events. One that is there already stays as it is if it is the same event;
-- another one under the same id is an error, as id can't be NULL. Times are
-- milliseconds.

INSERT INTO websocket_events
    (id, tenant_id, user_id, event_type, channel, payload, status,
     created_at, updated_at)
VALUES (:id, :tenant_id, :user_id, :event_type, :channel, :payload, :status,
    FROM_UNIXTIME(:created_at DIV 1000), FROM_UNIXTIME(:created_at DIV 1000))
ON DUPLICATE KEY UPDATE
    id = IF(tenant_id <=> VALUES(tenant_id)
            AND user_id <=> VALUES(user_id)
            AND event_type <=> VALUES(event_type)
            AND channel <=> VALUES(channel)
            AND payload <=> VALUES(payload)
            AND created_at <=> VALUES(created_at),
        id, NULL)
