-- Messages that are on their way to somebody's sockets wait for him.
--
-- KEYS    on their way, their texts, who has taken them
-- ARGV    some of those that are on their way
-- returns nothing
--
-- What is on its way is "pending seq", that key of its recipient and its place
-- in the order: whoever listens to the recipient's channel has got it. All
-- that are sent at once come here, and go again, by one command.

for _, member in ipairs(ARGV) do
    local pending, seq = string.match(member, '^(.*) (%d+)$')
    local text = redis.call('HGET', KEYS[2], member)
    local owner = redis.call('HGET', KEYS[3], member)

    -- first what needs no memory

    redis.call('ZREM', KEYS[1], member)
    redis.call('HDEL', KEYS[2], member)

    if text then
        redis.call('ZADD', pending, seq, text)
        redis.call('PEXPIRE', pending, '2678400000')
    end

    if owner then
        local taken = string.gsub(pending, ':pending:(%d+)$', ':taken:%1')
        redis.call('HDEL', KEYS[3], member)
        redis.call('HSET', taken, seq, owner)
        redis.call('PEXPIRE', taken, '2592000000')
    end
end
