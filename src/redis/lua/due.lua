-- What has fallen due.
--
-- KEYS    sorted set, by milliseconds
-- ARGV    how many at most
-- returns milliseconds until something else falls due, -1 if nothing waits;
--         then members

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0,
                       ARGV[1])
local wait = 0

if #due == 0 then
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]

    wait = first and math.ceil(first - now) or -1
end

table.insert(due, 1, wait)

return due
