-- What became of events; the same for all of them. The number of tries stays
-- where none is given. Times are milliseconds.

UPDATE websocket_events
SET status = :status,
    retry_count = COALESCE(:retry_count, retry_count),
    error_message = :error_message,
    updated_at = FROM_UNIXTIME(:updated_at DIV 1000)
WHERE id IN (:ids)
