-- A connection's live socket has moved to another worker.
--
-- KEYS    connection, events
-- ARGV    connection_id, owner that was, socket, owner that is
-- returns 1; 0: the connection has ended, or has another socket

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return 0
end

redis.call('HSET', KEYS[1], 'owner', ARGV[4])

return 1
