-- MySQL has the next entries of the record, but for those that it refuses:
-- they are put aside, with the reason.
--
-- KEYS    stream, stream of the refused
-- ARGV    1 group, 2 id of the last entry that MySQL had, 3 of the last one
--         that it has now, 4 how many there are between,
--         then for each that it refuses: its id, number of the error, its
--         text, which row of the entry, beginning with 1
-- returns 1; 0 when somebody else has been there

local call, stream, name, last = redis.call, KEYS[1], ARGV[1], ARGV[3]
local group = {}

for _, info in ipairs(call('XINFO', 'GROUPS', stream)) do
    local g = {}

    for i = 1, #info, 2 do
        g[info[i]] = info[i + 1]
    end

    if g['name'] == name then
        group = g
    end
end

if group['last-delivered-id'] ~= ARGV[2] then
    return 0
end

-- first what needs no memory; Redis before 7 thinks that the second does

call('XACK', stream, name, last)

local read = group['entries-read']

if read then
    call('XGROUP', 'SETID', stream, name, last, 'ENTRIESREAD', read + ARGV[4])
else
    call('XGROUP', 'SETID', stream, name, last)
end

for i = 5, #ARGV, 4 do
    local entry = call('XRANGE', stream, ARGV[i], ARGV[i])[1]

    if entry then
        call('XADD', KEYS[2], 'MAXLEN', '~', 100000, '*',
             'entry', ARGV[i], 'errno', ARGV[i + 1], 'error', ARGV[i + 2],
             'row', ARGV[i + 3], unpack(entry[2]))
    end
end

return 1
