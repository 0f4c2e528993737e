-- Somebody types in a conversation no more.
--
-- KEYS    typing of the conversation, all typing, conversation
-- ARGV    user_id, member of all typing, 1: only if it has expired
-- returns when it began, what was to be known of it, then who has taken part
--         in the conversation; nil if it is not so, or not expired

local was = redis.call('HGET', KEYS[1], ARGV[1])

if not was then
    redis.call('ZREM', KEYS[2], ARGV[2])
    return false
end

local began, ends, rest = string.match(was, '^(%d+) (%d+) (.*)$')

if ARGV[3] == '1' then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    if tonumber(ends) > now then
        return false
    end
end

redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[2])

return { began, rest, unpack(redis.call('ZRANGE', KEYS[3], 0, -1)) }
