-- Drops the entries that MySQL has and that are old, and tells how much there
-- is to do. Nothing that is not acknowledged is ever dropped.
--
-- KEYS    stream
-- ARGV    group, age in milliseconds
-- returns how many entries are not acknowledged, length, age in milliseconds
--         of the oldest that is not acknowledged

local function less(a, b)
    local at, an = string.match(a, '(%d+)-(%d+)')
    local bt, bn = string.match(b, '(%d+)-(%d+)')

    at, an, bt, bn = tonumber(at), tonumber(an), tonumber(bt), tonumber(bn)

    return at < bt or (at == bt and an < bn)
end

if redis.call('EXISTS', KEYS[1]) == 0 then
    return {0, 0, 0}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local minid = string.format('%.0f-0', now - ARGV[2])

-- of the first entry from an id on

local function age(id)
    local entry = redis.call('XRANGE', KEYS[1], id, '+', 'COUNT', 1)[1]

    return entry and math.max(now - string.match(entry[1], '%d+'), 0) or 0
end

local length = redis.call('XLEN', KEYS[1])

for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = {}

    for i = 1, #info, 2 do
        group[info[i]] = info[i + 1]
    end

    if group['name'] == ARGV[1] then
        local first = group['last-delivered-id']
        local oldest = '(' .. first

        if group['pending'] > 0 then
            first = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
            oldest = first
        end

        oldest = age(oldest)

        if less(first, minid) then
            minid = first
        end

        -- whole nodes only, as many as there are

        length = length - redis.call('XTRIM', KEYS[1], 'MINID', '~', minid,
                                     'LIMIT', 0)

        -- Redis before 7 has no lag

        return {group['pending'] + (group['lag'] or length), length, oldest}
    end
end

return {length, length, age('-')}
