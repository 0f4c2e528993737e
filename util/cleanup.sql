-- The clean-up by hand, or by cron where the module does not do it: deletes
-- some rows that are kept no longer, and prints how many; 0 means that all
-- are gone.
--
--     mysql DATABASE < util/cleanup.sql
--
-- Connections are kept for 24 hours and events for 30 days, as by
-- websocket_retention; the same rows twice are no problem.

SET time_zone = '+00:00';

DELETE FROM websocket_connections
WHERE status = 'disconnected' AND updated_at < NOW() - INTERVAL 24 HOUR
ORDER BY status, updated_at LIMIT 1000;
SET @deleted = ROW_COUNT();

DELETE FROM websocket_connections
WHERE status = 'connected' AND updated_at < NOW() - INTERVAL 24 HOUR
ORDER BY status, updated_at LIMIT 1000;
SET @deleted = @deleted + ROW_COUNT();

UPDATE websocket_events
SET status = 'failed', error_message = 'expired', updated_at = NOW()
WHERE status = 'pending' AND created_at < NOW() - INTERVAL 30 DAY
ORDER BY status, created_at LIMIT 1000;

DELETE FROM websocket_events
WHERE status = 'delivered' AND created_at < NOW() - INTERVAL 30 DAY
ORDER BY status, created_at LIMIT 1000;
SET @deleted = @deleted + ROW_COUNT();

DELETE FROM websocket_events
WHERE status = 'failed' AND created_at < NOW() - INTERVAL 30 DAY
ORDER BY status, created_at LIMIT 1000;
SET @deleted = @deleted + ROW_COUNT();

DELETE FROM websocket_typing_indicators
WHERE expires_at < NOW() - INTERVAL 10 SECOND
ORDER BY expires_at LIMIT 1000;
SET @deleted = @deleted + ROW_COUNT();

SELECT @deleted;
