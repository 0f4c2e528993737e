-- A step of the clean-up: connections of which nothing was heard since a
-- time, in seconds.
-- The order is all of the index, else the server would sort.

DELETE FROM websocket_connections
WHERE status = :status AND updated_at < FROM_UNIXTIME(:before)
ORDER BY status, updated_at
LIMIT 1000
