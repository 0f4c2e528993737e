-- A connection's live socket has moved to another worker.
--
-- KEYS    connection, events
-- ARGV    connection_id, owner that was, socket, owner that is,
--         prefix of the keys of owners' sockets
-- returns its channels, a JSON array; nil: the connection has ended, or has
--         another socket

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket',
                       'subscribed_channels')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return false
end

redis.call('HSET', KEYS[1], 'owner', ARGV[4])

local note = redis.call('HGET', ARGV[5] .. ARGV[2], ARGV[1])

if note then
    redis.call('HDEL', ARGV[5] .. ARGV[2], ARGV[1])
    redis.call('HSET', ARGV[5] .. ARGV[4], ARGV[1], note)
end

return was[3] or '[]'
