-- A step of the clean-up: events made before a time, in seconds.
-- The order is all of the index, else the server would sort.

DELETE FROM websocket_events
WHERE status = :status AND created_at < FROM_UNIXTIME(:before)
ORDER BY status, created_at
LIMIT 1000
