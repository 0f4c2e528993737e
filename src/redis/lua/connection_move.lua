-- A connection's live socket has moved to another worker.
--
-- KEYS    connection, events
-- ARGV    connection_id, owner that was, socket, owner that is
-- returns its channels, a JSON array; nil: the connection has ended, or has
--         another socket

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket',
                       'subscribed_channels')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return false
end

redis.call('HSET', KEYS[1], 'owner', ARGV[4])

return was[3] or '[]'
