-- An incarnation lives on; those that do no longer are noticed. Nobody is
-- dead by this as long as Redis has not been reachable for one full lease.
--
-- KEYS    leases by their ends, what is known of the watch, the dead
-- ARGV    1 incarnation, 2 milliseconds of a lease, 3 "1": it begins
--         4 prefix of workers' channels
--         5 milliseconds after which one that listens no more, and has not
--         renewed, is dead
--         6 milliseconds between two looks at the others, 7 milliseconds
--         without any of them after which Redis was away, and nobody has to
--         care for a dead one any more
-- returns 1, or 0: it was given up; then the dead that are left to the caller

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[2])

if redis.call('ZSCORE', KEYS[3], ARGV[1])
   or ARGV[3] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1])
then
    return { 0 }
end

-- first what needs no memory

redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + lease, ARGV[1])

local watch = redis.call('HMGET', KEYS[2], 'at', 'since', 'run')
local at = tonumber(watch[1] or '0')
local since = tonumber(watch[2] or '0')

if at <= now and now - at < tonumber(ARGV[6]) then
    return { 1 }
end

-- it may be forbidden to ask

local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''

if at > now or now - at > tonumber(ARGV[7]) or run ~= watch[3] then
    since = now
end

redis.call('HSET', KEYS[2], 'at', string.format('%.0f', now),
           'since', string.format('%.0f', since), 'run', run)

local list = { 1 }

if now - since >= lease then
    local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')

    for i = 1, #all, 2 do
        local ends = tonumber(all[i + 1])
        if ends <= now
           or now - (ends - lease) > tonumber(ARGV[5])
              and redis.call('PUBSUB', 'NUMSUB', ARGV[4] .. all[i])[2] == 0
        then
            redis.call('ZREM', KEYS[1], all[i])
            redis.call('ZADD', KEYS[3], 0, all[i])
        end
    end
end

for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf',
                                 now - ARGV[7], 'LIMIT', 0, 100)) do
    redis.call('ZADD', KEYS[3], now, dead)
    list[#list + 1] = dead
end

return list
