-- Rows that event_status has made because their events were put aside.

DELETE FROM websocket_events
WHERE status IN ('pending', 'delivered', 'failed') AND created_at IS NULL
    AND event_type IS NULL AND payload IS NULL
