-- Leases a block of ids, rising for ever, also when the counter was lost: no
-- id is below 4096 times the milliseconds since 2020 by Redis' clock.
--
-- KEYS    counter
-- ARGV    how many
-- returns the first one, in decimal

local time = redis.call('TIME')
local floor = ((time[1] - 1577836800) * 1000 + math.floor(time[2] / 1000))
              * 4096
local first = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, floor)

-- first what needs no memory

redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f', first + ARGV[1] - 1))

return string.format('%.0f', first)
