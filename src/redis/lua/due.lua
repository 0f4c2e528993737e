-- What has fallen due.
--
-- KEYS    sorted set, by milliseconds
-- ARGV    how many at most
-- returns members

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
