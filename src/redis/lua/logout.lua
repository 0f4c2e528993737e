-- A socket has ended, and its connection with it, unless another socket has
-- taken it over.
--
-- KEYS    connection, events, channels that the connection counts in,
--         4-7 user's presence, who is online, what falls due, tenant's channel,
--         8 sockets of the owner, 9 edges not yet told
-- ARGV    connection_id, owner, socket, 4 tenant_id, 5 user_id,
--         6 prefix of all keys, 7 grace in milliseconds,
--         8 id of an event, 9 its time as text, 10 member of what falls due
-- returns 1 if the connection has ended, else 0

--@ members
--@ presence

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket', 'keep')
local ends = was[1] == ARGV[2] and was[2] == ARGV[3]

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

if ends then
    -- first what needs no memory

    redis.call('HDEL', KEYS[1], 'owner', 'socket')
    redis.call('HSET', KEYS[1], 'status', 'disconnected',
               'disconnected_at', now, 'last_activity_at', now)
    redis.call('PEXPIRE', KEYS[1], was[3])
    redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
               'connection_id', ARGV[1], 'updated_at', now,
               unpack(redis.call('HGETALL', KEYS[1])))
end

members({ KEYS[1], KEYS[3] }, { ARGV[6], ARGV[4], ARGV[5], ARGV[9], '' })

presence({ KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[2], KEYS[1], KEYS[8],
           KEYS[9] },
         { 'leave', ARGV[4], ARGV[5], '', ARGV[1], '0', '', '', '', '0',
           ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[2], ARGV[3], now })

return ends and 1 or 0
