-- Counts a request against a user's limit: a fixed window from its first hit.
-- One that only goes on typing, where the user does so, is not counted.
--
-- KEYS    throttle, typing of the conversation, if the request says so
-- ARGV    limit, milliseconds of the window, user_id
-- returns 1, or 0 if it is one too many; how many remain; milliseconds until
--         the window ends, 0 where there is none

local limit = tonumber(ARGV[1])
local hits = tonumber(redis.call('GET', KEYS[1]) or 0)
local left = math.max(redis.call('PTTL', KEYS[1]), 0)
local was = KEYS[2] and redis.call('HGET', KEYS[2], ARGV[3])

if was then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    if tonumber(string.match(was, '^%d+ (%d+) ')) > now then
        return { 1, math.max(limit - hits, 0), left }
    end
end

if hits >= limit then
    return { 0, 0, left }
end

hits = redis.call('INCR', KEYS[1])

if hits == 1 then
    left = tonumber(ARGV[2])
    redis.call('PEXPIRE', KEYS[1], left)
end

return { 1, limit - hits, left }
