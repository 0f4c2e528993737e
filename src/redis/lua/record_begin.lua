-- Where the record goes on: the group's position is what MySQL has.
--
-- KEYS    stream
-- ARGV    group
-- returns id of the last entry that MySQL has
--
-- A version that read as the group's consumer may have left entries that it
-- had not acknowledged: they come again, with what is behind them.

local call, stream, name = redis.call, KEYS[1], ARGV[1]

-- unless it is there

redis.pcall('XGROUP', 'CREATE', stream, name, 0, 'MKSTREAM')

local function as_table(list)
    local t = {}

    for i = 1, #list, 2 do
        t[list[i]] = list[i + 1]
    end

    return t
end

local function group()
    for _, info in ipairs(call('XINFO', 'GROUPS', stream)) do
        local g = as_table(info)

        if g['name'] == name then
            return g
        end
    end
end

local g = group()
local last, read = g['last-delivered-id'], g['entries-read']

if g['pending'] > 0 then
    local first = call('XPENDING', stream, name)[2]
    local ms, n = string.match(first, '^(%d+)-(%d+)$')

    read = read and read - #call('XRANGE', stream, first, last)
    last = n == '0' and string.format('%.0f-18446744073709551615', ms - 1)
                    or string.format('%s-%.0f', ms, n - 1)

    call('XGROUP', 'DELCONSUMER', stream, name, name)

elseif last == '0-0' then
    local s = as_table(call('XINFO', 'STREAM', stream))

    read = s['entries-added'] and s['entries-added'] - s['length']

else
    return last
end

-- Redis before 7 doesn't count

if read then
    call('XGROUP', 'SETID', stream, name, last, 'ENTRIESREAD', read)
else
    call('XGROUP', 'SETID', stream, name, last)
end

return last
