-- Somebody's connection comes, goes or says how things are, or time has passed;
-- what that makes of the user is published, recorded and listed.
--
-- KEYS    user's presence, who is online, what falls due, tenant's channel,
--         events, connection, sockets of the owner, edges not yet told
-- ARGV    1 what: join, leave, touch, set, look, or tell: all edges of the
--           tenant
--         2 tenant_id, 3 user_id, 4 name
--         5 connection_id, empty for the user as a whole
--         6 milliseconds that the connection counts without a sign of life;
--           0: as long as its socket
--         7 status: online, away, busy, offline; empty: as before
--         8 device, empty: as before
--         9 last_message; 10: 1 if it is given
--         11 grace in milliseconds
--         12 id of an event, 13 its time as text, 14 member of what falls due
--         15 owner and 16 number of the socket that leaves
--         17 the time in milliseconds, if a script calls that knows it
-- returns status, device, last_message, away_since, last_seen_at
--
-- Fields of the presence: status, device, last_message, away_since,
-- last_seen_at, override, leaving (until when), and for each connection
-- "c:connection_id", its "status device expires".
--
-- In a crowd, what follows another edge within a moment waits for its end, in a
-- field for each user: lines to publish. The end falls due as user 0. The more
-- are told of it the longer it is, for as much work a second.

local key, what, id = KEYS[1], ARGV[1], ARGV[5]
local now = tonumber(ARGV[17])

if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local text = string.format('%.0f', now)

local crowd, ending = 16, ARGV[2] .. ' 0 '

local function moment(online)
    local length = math.max(200, math.min(1000, math.floor(online / 2)))
    redis.call('ZADD', KEYS[3], now + length, ending)
end

local function publish(lines)
    if #lines > 0 then
        redis.call('PUBLISH', KEYS[4], '*' .. table.concat(lines, '\n'))
    end
end

local function tell()
    local lines, size = {}, 0
    for _, edges in ipairs(redis.call('HVALS', KEYS[8])) do
        if size > 65536 then
            publish(lines)
            lines, size = {}, 0
        end
        lines[#lines + 1] = edges
        size = size + #edges
    end
    publish(lines)
    if redis.call('DEL', KEYS[8]) == 1 then
        moment(redis.call('HLEN', KEYS[2]))
    else
        redis.call('ZREM', KEYS[3], ending)
    end
end

if what == 'tell' then
    tell()
    return false
end

local rank = { offline = 1, away = 2, online = 3, busy = 4 }
local was, conns, live = {}, {}, 0

-- whether the key is kept for good, and whether something of it falls due

local lasting, pending = false, false

local all = redis.call('HGETALL', key)

for i = 1, #all, 2 do
    local conn = string.match(all[i], '^c:(.*)$')
    if conn then
        local status, device, ends = string.match(all[i + 1],
                                                  '^(%S*) (%S*) (%d+)$')
        conns[conn] = { status, device, tonumber(ends) }
        lasting = true
        pending = pending or ends ~= '0'
    end
    was[all[i]] = all[i + 1]
end

if (was.leaving or '0') ~= '0' then
    lasting, pending = true, true
end

if what == 'look' then
    redis.call('ZREM', KEYS[3], ARGV[14])
    if #all == 0 then return false end
end

local before = was.status or 'offline'
local override = was.override or ''
local device = was.device or ''
local last = was.last_message or ''
local ends = tonumber(ARGV[6])
ends = ends > 0 and now + ends or 0

-- what has happened

if what == 'join' then
    local old = conns[id]
    if old and old[3] == 0 then ends = 0 end
    conns[id] = { old and old[1] or 'online',
                  ARGV[8] ~= '' and ARGV[8] or old and old[2] or '', ends }
    override = ''

elseif what == 'leave' then
    local at = redis.call('HMGET', KEYS[6], 'status', 'owner', 'socket')
    local note = redis.call('HGET', KEYS[7], id)
    if note and string.match(note, '^%d+') == ARGV[16] then
        redis.call('HDEL', KEYS[7], id)
    end
    if at[1] == 'connected' and (at[2] ~= ARGV[15] or at[3] ~= ARGV[16]) then
        -- another socket has taken the connection over
        return false
    end
    conns[id] = nil
    redis.call('HDEL', key, 'c:' .. id)

elseif what == 'touch' and conns[id] and conns[id][3] > 0
       and redis.call('HGET', KEYS[6], 'status') == 'connected'
then
    conns[id][3] = ends

elseif what == 'set' then
    if conns[id] then
        if ARGV[7] ~= '' then conns[id][1] = ARGV[7] end
        if ARGV[8] ~= '' then conns[id][2] = ARGV[8] end
        if conns[id][3] > 0 then conns[id][3] = ends end
        if ARGV[7] == 'online' then override = '' end
    elseif ARGV[7] ~= '' then
        -- who has no connection, or only this one, counts for a while
        if next(conns) == nil or conns['*'] then
            conns['*'] = { ARGV[7], ARGV[8], ends }
        end
        override = ARGV[7] ~= 'online' and ARGV[7] or ''
    end
    if ARGV[8] ~= '' then device = ARGV[8] end
    if ARGV[10] == '1' then last = ARGV[9] end
end

-- a connection without a socket, which has fallen silent, ends

local function disconnect(conn)
    local at = string.sub(KEYS[6], 1, #KEYS[6] - #id) .. conn
    local is = redis.call('HMGET', at, 'status', 'owner', 'keep')

    if is[1] == 'connected' and not is[2] then
        redis.call('HSET', at, 'status', 'disconnected',
                   'disconnected_at', text)
        redis.call('PEXPIRE', at, is[3])
        redis.call('XADD', KEYS[5], '*', 'kind', 'connection',
                   'connection_id', conn, 'updated_at', text,
                   unpack(redis.call('HGETALL', at)))
    end
end

-- what that makes of the user; what has changed is written at once

local status, due, best, set = 'offline', 0, 0, {}

local function write(field, value, default)
    if value ~= (was[field] or default) then
        set[#set + 1] = field
        set[#set + 1] = value
    end
end

for conn, c in pairs(conns) do
    if c[3] > 0 and c[3] <= now then
        redis.call('HDEL', key, 'c:' .. conn)
        disconnect(conn)
    else
        live = live + 1
        if c[3] > 0 and (due == 0 or c[3] < due) then due = c[3] end
        if rank[c[1]] > best then
            best = rank[c[1]]
            status = c[1]
            if c[2] ~= '' and what ~= 'set' then device = c[2] end
        end
        write('c:' .. conn,
              c[1] .. ' ' .. c[2] .. ' ' .. string.format('%.0f', c[3]))
    end
end

local leaving = 0

if live == 0 and before ~= 'offline' and override ~= 'offline' then
    leaving = tonumber(was.leaving or '0')
    if leaving == 0 then leaving = now + ARGV[11] end
    if leaving > now then
        status = before
        due = leaving
    else
        leaving = 0
    end
elseif live > 0 and override ~= '' then
    status = override
end

local away = was.away_since or ''

if status ~= 'away' then
    away = ''
elseif before ~= 'away' or away == '' then
    away = text
end

if live == 0 then override = '' end

local name = ARGV[4] ~= '' and ARGV[4] or was.name or ''

write('status', status)
write('device', device, '')
write('last_message', last, '')
write('away_since', away, '')
write('override', override, '')
write('leaving', string.format('%.0f', leaving), '0')
write('name', name, '')

if what ~= 'look' then
    write('last_seen_at', text)
end

if #set > 0 then
    redis.call('HSET', key, unpack(set))
end

if due > 0 then
    redis.call('ZADD', KEYS[3], due, ARGV[14])
elseif pending then
    redis.call('ZREM', KEYS[3], ARGV[14])
end

if live > 0 or leaving > 0 then
    if not lasting and #all > 0 then
        redis.call('PERSIST', key)
    end
else
    redis.call('PEXPIRE', key, 2592000000)
end

-- what others see of it

local changed = status ~= before or device ~= (was.device or '')
                or last ~= (was.last_message or '')
local seen = what == 'look' and was.last_seen_at or text

if status == 'offline' then
    redis.call('HDEL', KEYS[2], ARGV[3])
elseif changed or what == 'join' then
    local entry = cjson.encode({ status = status, device = device,
                                 name = name, away_since = away })
    if before == 'offline'
       or redis.call('HGET', KEYS[2], ARGV[3]) ~= entry
    then
        redis.call('HSET', KEYS[2], ARGV[3], entry)
    end
end

local function data(event)
    local text = '{"userId":' .. ARGV[3] .. ',"status":"' .. status .. '"'
    if event == 'user:presence' then
        text = text .. ',"device":' .. (device == '' and 'null'
                                        or cjson.encode(device))
               .. ',"lastMessage":' .. (last == '' and 'null'
                                        or cjson.encode(last))
    end
    return text .. ',"timestamp":"' .. ARGV[13] .. '"}'
end

local function line(event)
    return '0 0 0 ' .. event .. ' ' .. data(event)
end

-- what is out of date cancels: statuses, and edges with their opposites, but
-- for a first pair, since somebody may have looked at the list in between

local function collect(event)
    local lines = {}
    for old in string.gmatch(redis.call('HGET', KEYS[8], ARGV[3]) or '',
                             '[^\n]+')
    do
        if not string.find(old, '^0 0 0 user:presence ') then
            lines[#lines + 1] = old
        end
    end
    if event ~= 'user:presence' and #lines == 2 then
        lines = {}
    end
    lines[#lines + 1] = line(event)
    redis.call('HSET', KEYS[8], ARGV[3], table.concat(lines, '\n'))
end

if changed and (status ~= 'offline' or before ~= 'offline') then
    local event = before == 'offline' and 'user:online'
                  or status == 'offline' and 'user:offline' or 'user:presence'

    local ends = redis.call('ZSCORE', KEYS[3], ending)

    if not ends then
        redis.call('PUBLISH', KEYS[4], line(event))
        local online = redis.call('HLEN', KEYS[2])
        if online >= crowd then
            moment(online)
        end
    else
        collect(event)
        if tonumber(ends) <= now then
            tell()
        end
    end

    redis.call('XADD', KEYS[5], '*', 'kind', 'event', 'id', ARGV[12],
               'tenant_id', ARGV[2], 'user_id', ARGV[3], 'created_at', text,
               'event_type', 'online_status', 'channel', 'broadcast',
               'payload', '{"event":"' .. event .. '","data":' .. data(event)
               .. '}', 'status', 'delivered')
end

if changed or what == 'join' or what == 'leave' or what == 'set' then
    local row = { 'kind', 'presence', 'tenant_id', ARGV[2], 'user_id', ARGV[3],
                  'status', status, 'updated_at', text, 'last_seen_at', seen }
    if device ~= '' then
        row[#row + 1] = 'device'
        row[#row + 1] = device
    end
    if last ~= '' then
        row[#row + 1] = 'last_message'
        row[#row + 1] = last
    end
    if away ~= '' then
        row[#row + 1] = 'away_since'
        row[#row + 1] = away
    end
    redis.call('XADD', KEYS[5], '*', unpack(row))
end

return { status, device, last, away, seen }
