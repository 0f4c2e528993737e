-- A step of the clean-up: events that wait for somebody since before a time,
-- in seconds: Redis has let go of them.

UPDATE websocket_events
SET status = 'failed', error_message = 'expired', updated_at = NOW()
WHERE status = 'pending' AND created_at < FROM_UNIXTIME(:before)
ORDER BY status, created_at
LIMIT 1000
