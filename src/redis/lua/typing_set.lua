-- Somebody types in a conversation, or still does.
--
-- KEYS    typing of the conversation, all typing, conversation
-- ARGV    user_id, member of all typing, milliseconds until it expires,
--         what is to be known of it: JSON
-- returns whether it has begun now, when it began, when it expires, then who
--         has taken part in the conversation

local day = 86400000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = now + ARGV[3]
local since = now
local fresh = 1

local was = redis.call('HGET', KEYS[1], ARGV[1])

if was then
    local began, ends = string.match(was, '^(%d+) (%d+) ')
    if tonumber(ends) > now then
        since = tonumber(began)
        fresh = 0
    end
end

redis.call('HSET', KEYS[1], ARGV[1],
           string.format('%.0f %.0f %s', since, expires, ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 4)
redis.call('ZADD', KEYS[2], expires, ARGV[2])

redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - day)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -101)
redis.call('PEXPIRE', KEYS[3], day)

return { fresh, string.format('%.0f', since), string.format('%.0f', expires),
         unpack(redis.call('ZRANGE', KEYS[3], 0, -1)) }
