-- A step of the clean-up: events made before a time, in seconds.

DELETE FROM websocket_events
WHERE status = :status AND created_at < FROM_UNIXTIME(:before)
ORDER BY created_at
LIMIT 1000
