-- A socket has ended, and its connection with it, unless another socket has
-- taken it over.
--
-- KEYS    connection, events
-- ARGV    connection_id, owner, socket
-- returns 1 if it has ended, else 0

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket', 'keep')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return 0
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

redis.call('HSET', KEYS[1], 'status', 'disconnected', 'disconnected_at', now,
           'last_activity_at', now)
redis.call('HDEL', KEYS[1], 'owner', 'socket')
redis.call('PEXPIRE', KEYS[1], was[3])
redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
           'connection_id', ARGV[1], 'updated_at', now,
           unpack(redis.call('HGETALL', KEYS[1])))

return 1
