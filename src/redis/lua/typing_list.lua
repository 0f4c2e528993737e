-- Who types in a conversation.
--
-- KEYS    typing of the conversation
-- returns user_id, when it began, what is to be known of it; for each

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local list = {}

for i = 1, #all, 2 do
    local began, ends, rest = string.match(all[i + 1], '^(%d+) (%d+) (.*)$')
    if tonumber(ends) > now then
        list[#list + 1] = all[i]
        list[#list + 1] = began
        list[#list + 1] = rest
    end
end

return list
