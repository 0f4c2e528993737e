-- A socket has ended, and its connection with it, unless another socket has
-- taken it over; whoever sits in its channels is told.
--
-- KEYS    connection, events, leases by their ends, channels that it counts in
-- ARGV    connection_id, owner, socket, tenant_id, user_id, prefix of all keys,
--         the time as text
-- returns 1 if it has ended, else 0

--@ members

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket', 'keep')
local ends = was[1] == ARGV[2] and was[2] == ARGV[3]

if ends then
    local time = redis.call('TIME')
    local now = string.format('%.0f',
                              time[1] * 1000 + math.floor(time[2] / 1000))

    redis.call('HDEL', KEYS[1], 'owner', 'socket')
    redis.call('HSET', KEYS[1], 'status', 'disconnected',
               'disconnected_at', now, 'last_activity_at', now)
    redis.call('PEXPIRE', KEYS[1], was[3])
    redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
               'connection_id', ARGV[1], 'updated_at', now,
               unpack(redis.call('HGETALL', KEYS[1])))
end

members({ KEYS[1], KEYS[4] }, { ARGV[6], ARGV[4], ARGV[5], ARGV[7], '' })

return ends and 1 or 0
