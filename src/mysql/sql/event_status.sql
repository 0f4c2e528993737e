-- What became of events, whose rows were written before.

INSERT INTO websocket_events
    (id, status, retry_count, error_message, updated_at)
VALUES (:id, :status, :retry_count, :error_message,
    FROM_UNIXTIME(:updated_at DIV 1000))
ON DUPLICATE KEY UPDATE
    status = VALUES(status),
    retry_count = COALESCE(VALUES(retry_count), retry_count),
    error_message = VALUES(error_message),
    updated_at = VALUES(updated_at)
