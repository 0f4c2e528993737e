-- Messages that have been on their way for long wait for their recipients;
-- looks at some of them.
--
-- KEYS    of pending_land
-- ARGV    1 the last one that was looked at, empty at the beginning,
--         2 how many, 3 how long that is, in microseconds
-- returns the last one that was looked at, empty at the end

--@ pending_land

local time = redis.call('TIME')
local before = time[1] * 1000000 + time[2] - ARGV[3]
local some = redis.call('ZRANGEBYLEX', KEYS[1],
                        ARGV[1] == '' and '-' or '(' .. ARGV[1], '+',
                        'LIMIT', 0, ARGV[2])
local old = {}

for _, member in ipairs(some) do
    if tonumber(string.match(member, '%d+$')) < before then
        old[#old + 1] = member
    end
end

pending_land(KEYS, old)

return #some == tonumber(ARGV[2]) and some[#some] or ''
