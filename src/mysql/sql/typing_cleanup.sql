-- A step of the clean-up: typing that ended before a time, in seconds.

DELETE FROM websocket_typing_indicators
WHERE expires_at < FROM_UNIXTIME(:before)
ORDER BY expires_at
LIMIT 1000
