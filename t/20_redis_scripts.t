#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The scripts that decide inside Redis: each with a real one.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;
use Test::Nginx::Process qw(slurp);
use Test::Nginx::RedisServer;
use Time::HiRes qw(sleep time);

my $redis = Test::Nginx::RedisServer->start;

my $dir = abs_path(dirname(__FILE__) . '/../src/redis');
my %scripts = map { basename($_, '.lua') => script($_) } glob "$dir/lua/*.lua";

my ($CONN, $EVENTS, $WORKERS) = ('ws:_:conn:c1', 'ws:_:events', 'ws:_:w:');
my ($LEASES, $SOCKETS) = ('ws:_:leases', 'ws:_:owned:');
my $JOINED = 'ws:_:joined:c1';


# a script with its parts put in, as util/embed.sh does

sub script {
    my ($file) = @_;

    return slurp($file)
           =~ s{^--\@ (\w+)\n}{"local function $1(KEYS, ARGV)\n"
                                . script(dirname($file) . "/$1.lua")
                                . "end\n"}gemr;
}


# run('name', [key, ...], argument, ...)

sub run {
    my ($name, $keys, @args) = @_;

    return $redis->command('EVAL', $scripts{$name}, scalar @$keys, @$keys,
                           @args);
}


sub fields { return {@{$redis->command('HGETALL', $_[0])}} }

sub entries { return $redis->command('XLEN', $EVENTS) }


# the fields of the last entry of the stream, or the last of a kind

sub last_entry {
    my ($kind) = @_;

    my $found = $redis->command('XREVRANGE', $EVENTS, '+', '-');

    for my $entry (map { {@{$_->[1]}} } @$found) {
        return $entry if !$kind || $entry->{kind} eq $kind;
    }
}


sub ttl { return $redis->command('PTTL', $_[0]) }


note 'all of them';

my $header = slurp("$dir/ngx_ws_redis_script.h");
my $source = slurp("$dir/ngx_ws_redis_script.c");

for my $name (sort keys %scripts) {
    my ($head) = $scripts{$name} =~ /\A((?:--.*\n)+)/;

    like($head, qr/^-- KEYS .*^-- returns /ms, "$name tells what it takes");
    ok(eval { $redis->command('SCRIPT', 'LOAD', $scripts{$name}) },
       "$name compiles");
    like($header, qr/^ +NGX_WS_REDIS_\U$name\E\b/m, "$name has a number");
    like($source,
         qr/\[NGX_WS_REDIS_\U$name\E\] =\s+\{ .*\bngx_ws_lua_$name\)/,
         "$name has a text");
}


note 'id_block';

my $floor = sub { int((time() - 1577836800) * 1000) * 4096 };

my $low = $floor->() - 4096 * 1000;
my $first = run('id_block', ['ids'], 100);

cmp_ok($first, '>=', $low, 'the clock is the floor');
cmp_ok($first, '<=', $floor->() + 4096 * 1000, 'and not exceeded');
cmp_ok($first, '<', 2 ** 53, 'below 2^53');

my $next = run('id_block', ['ids'], 100);
cmp_ok($next, '>=', $first + 100, 'blocks do not overlap');

$redis->command('SET', 'ids', 8_000_000_000_000_000);
is(run('id_block', ['ids'], 10), 8_000_000_000_000_001,
   'above what was given');
is(run('id_block', ['ids'], 10), 8_000_000_000_000_011, 'to the last digit');

$redis->command('DEL', 'ids');
sleep 0.02;
cmp_ok(run('id_block', ['ids'], 100), '>=', $next + 100,
       'none is given again when the counter was lost');


note 'lock and unlock';

$redis->command('ZADD', $LEASES, 1, 'a', 1, 'b');

is(run('lock', ['lock', $LEASES], 'a', 5000), 1, 'taken');
is(run('lock', ['lock', $LEASES], 'b', 5000), 0, 'somebody else does not get it');
is(run('unlock', ['lock'], 'b'), 0, 'nor can end it');
is($redis->command('GET', 'lock'), 'a', 'its owner has it');

sleep 0.05;
cmp_ok(ttl('lock'), '<', 5000, 'it will end');
is(run('lock', ['lock', $LEASES], 'a', 60000), 1, 'renewed');
cmp_ok(ttl('lock'), '>', 50000, 'for longer');

is(run('unlock', ['lock'], 'a'), 1, 'given back');
is(run('unlock', ['lock'], 'a'), 0, 'only once');
is(run('lock', ['lock', $LEASES], 'b', 30), 1, 'free for others');

sleep 0.1;
is(run('lock', ['lock', $LEASES], 'a', 5000), 1, 'free when its time is over');

$redis->command('ZREM', $LEASES, 'a');
is(run('lock', ['lock', $LEASES], 'b', 5000), 1, 'the dead have none');


note 'connection_register';

sub register {
    my ($tenant, $user, @rest) = @_;

    return run('connection_register', [$CONN, $EVENTS, $LEASES], 'c1',
               $tenant, $user, 100_000, 5_000, @rest, $SOCKETS, 4_000);
}

my @rest = ('', '', '127.0.0.1', 's1', 'Firefox', 'desktop');
my @socket = ('w1', 17, '127.0.0.2', '', 'Chrome', '');

my $since = register(1, 2, @rest);

cmp_ok(abs($since - time() * 1000), '<', 5000, 'created now');

my $conn = fields($CONN);

is($conn->{user_id}, 2, 'of its user');
is($conn->{status}, 'connected', 'connected');
is($conn->{browser}, 'Firefox', 'with what is known of it');
cmp_ok(ttl($CONN), '>', 90_000, 'kept for a while');
is(entries(), 1, 'recorded');
is((grep { $_ ne $since } map { register(1, 2, @rest) } 1 .. 100), 0,
   'and again, where nothing has changed within a millisecond');

my $entry = last_entry();

is($entry->{kind}, 'connection', 'as a connection');
is($entry->{connection_id}, 'c1', 'by its id');
is($entry->{status}, 'connected', 'with its state');
is($entry->{session_id}, 's1', 'and all the rest');

is(register(1, 2, @rest), $since, 'the same again is the same');
is(register(1, 3, @rest), undef, 'another user does not get it');
is(register(2, 2, @rest), undef, 'nor the user of another tenant');
is(fields($CONN)->{user_id}, 2, 'it is still whose it was');

ok(!eval { register(1, 2, @socket) }, 'no socket of a worker that is dead');

$redis->command('ZADD', $LEASES, 1, 'w1');
is(register(1, 2, @socket), $since, 'its socket comes');
is_deeply(fields("${SOCKETS}w1"), { c1 => '17 4000 1 2' },
          'the worker has it');

$conn = fields($CONN);

is("$conn->{owner} $conn->{socket}", 'w1 17', 'and is linked');
is($conn->{browser}, 'Firefox', 'what a socket guesses counts less');
is($conn->{ip_address}, '127.0.0.2', 'but not where it comes from');


note 'connection_touch';

sub touch {
    return run('connection_touch', [$CONN, $EVENTS], 'c1', @_, 200_000);
}

my $before = entries();

is(touch(1, 2), 1, 'in use');
cmp_ok(ttl($CONN), '>', 150_000, 'kept for longer');
is(entries(), $before + 1, 'recorded');
is(touch(1, 2), 1, 'again');
is(entries(), $before + 1, 'not recorded again so soon');
is(touch(1, 3), 0, "another's");
is(touch(2, 2), 0, "another tenant's");


note 'connection_channel';

sub channel {
    return run('connection_channel', [$CONN, $EVENTS, $LEASES, $JOINED], 'c1',
               @_[0 .. 3], 3, 'ws:', 'now', $_[4] // 1);
}

is(channel(1, 2, 'a/"b', 1), 1, 'added');
is(channel(1, 2, 'a/"b', 1), 0, 'only once');
is(channel(1, 2, 'b', 1), 1, 'another');
is(channel(1, 2, 'c', 1), 1, 'one more');
is(channel(1, 2, 'd', 1), 0, 'not more than are allowed');
is(channel(1, 3, 'd', 0), 0, "another's");

like(last_entry()->{subscribed_channels}, qr{^\["a\\?/\\"b","b","c"\]$},
     'recorded as JSON');

is(channel(1, 2, $_, 0), 1, 'removed') for 'a/"b', 'c', 'b';
is(channel(1, 2, 'b', 0), 0, 'only once');
is(fields($CONN)->{subscribed_channels}, '[]', 'an empty list stays a list');


note 'connection_disconnect';

my $listener = $redis->client;

$listener->command('SUBSCRIBE', "${WORKERS}w1");

sub disconnect {
    return run('connection_disconnect', [$CONN, $EVENTS], 'c1', @_, $WORKERS);
}

$before = entries();

is(disconnect(2, 2), 'not_found', 'of another tenant');
is(disconnect(1, 3), 'forbidden', 'of another user');
is(entries(), $before, 'nothing is recorded');
is(disconnect(1, 2), 'ok', 'ended');

is_deeply($listener->receive(5), ['message', "${WORKERS}w1", 'close 17 c1'],
          'its worker is told');

$conn = fields($CONN);

is($conn->{status}, 'disconnected', 'disconnected');
ok($conn->{disconnected_at}, 'with its time');
ok(!exists $conn->{owner}, 'and no worker');
cmp_ok(ttl($CONN), '<=', 5_000, 'kept not much longer');
is(last_entry()->{status}, 'disconnected', 'recorded');

$before = entries();

is(disconnect(1, 2), 'ok', 'ended before');
is(entries(), $before, 'not recorded again');
is($listener->receive(0.1), undef, 'and nobody is told');
is(touch(1, 2), 0, 'no longer in use');

cmp_ok(register(1, 2, @rest), '>=', $since, 'comes back');
is(fields($CONN)->{status}, 'connected', 'connected');
ok(!exists fields($CONN)->{disconnected_at}, 'and not disconnected');
is(register(1, 3, @rest), undef, 'still no one else gets it');

is(run('connection_disconnect', ['ws:_:conn:none', $EVENTS], 'none', 1, 2,
       $WORKERS),
   'not_found', 'an unknown one');


note 'logout';

my @USER = ('ws:{1}:status:2', 'ws:{1}:online', 'ws:_:presence',
            'ws:{1}:tenant');

sub logout {
    my ($owner, $socket) = @_;

    return run('logout', [$CONN, $EVENTS, $JOINED, @USER, "$SOCKETS$owner",
                          'ws:{1}:edges'],
               'c1', $owner, $socket, 1, 2, 'ws:', 4_000, 77, 'now', '1 2 ');
}

is(logout('w1', 17), 0, 'one without a socket');

register(1, 2, @socket);

is(logout('w2', 17), 0, "another worker's");
is(logout('w1', 16), 0, 'another socket');
is(fields($CONN)->{status}, 'connected', 'still connected');
is(logout('w1', 17), 1, 'its socket');
is(fields($CONN)->{status}, 'disconnected', 'disconnected');
is(last_entry('connection')->{status}, 'disconnected', 'recorded');
is(logout('w1', 17), 0, 'only once');


note 'connection_record';

my @pair = ('ws:_:conn:r1', 'ws:_:conn:r2');
my $before_rows = entries();

sub record { return run('connection_record', [$EVENTS, @pair, 'gone'], @_) }

$redis->command('HSET', $pair[0], qw(tenant_id 1 user_id 2 status connected));
$redis->command('HSET', $pair[1], qw(tenant_id 1 user_id 3 status connected));

is(record('r1', 'r2', 'gone'), 2, 'those that are there');
is(entries(), $before_rows + 1, 'in one entry');
is(join(' ', @{$redis->command('XREVRANGE', $EVENTS, '+', '-',
                               qw(COUNT 1))->[0][1]}) =~ s/\d{13}/N/gr,
   'kind connection connection_id r1 updated_at N tenant_id 1 user_id 2 '
   . 'status connected connection_id r2 updated_at N tenant_id 1 user_id 3 '
   . 'status connected', 'as two rows');

$redis->command('HSET', $pair[1], 'disconnected_at', 1);
record('r1', 'r2', 'gone');
is(entries(), $before_rows + 3, 'with other fields in one of its own');
$redis->command('DEL', @pair);


note 'login';

sub login {
    my ($user, $owner, $socket) = @_;

    return run('login', [$CONN, $EVENTS, $LEASES, $JOINED, @USER,
                         "$SOCKETS$owner", 'ws:{1}:edges', 'pending', 'flight'],
               'c1', 1, $user, 100_000, 5_000, $owner, $socket, '127.0.0.1',
               '', '', 'mobile', $SOCKETS, 4_000, 'ws:', 'Ann', 78, 'now',
               '1 2 ');
}

ok(!eval { login(2, 'w0', 17) }, 'not by a worker that is dead');
is(login(3, 'w1', 17), undef, "not to somebody else's connection");
is(fields($USER[0])->{status} // 'offline', 'offline', 'nobody is there');

is_deeply(login(2, 'w1', 17), [0, '[]'], 'logged in: nothing waits');
is(fields($CONN)->{status}, 'connected', 'the connection is there');
is(fields($USER[0])->{status}, 'online', 'the user is there');
is(fields($USER[0])->{'c:c1'}, 'online mobile 0', 'by this connection');
is(last_entry('presence')->{status}, 'online', 'which is recorded');
is(last_entry('connection')->{connection_id}, 'r2',
   'the connection itself is left to its worker');

channel(1, 2, 'b', 1, 0);
is(last_entry('connection')->{connection_id}, 'r2', 'with its channels');
is_deeply(fields('ws:{1}:members:b'), { 2 => 1 }, 'counts in a channel');
is(logout('w1', 17), 1, 'logged out');
is_deeply(fields('ws:{1}:members:b'), {}, 'counts no more');
is(fields($USER[0])->{'c:c1'}, undef, 'nor makes the user present');
cmp_ok(fields($USER[0])->{leaving}, '>', 0, 'who is leaving');
is_deeply(fields("${SOCKETS}w1"), {}, 'the worker has let go of it');

$redis->command('ZADD', 'pending', 1, '1 a b', 2, '2 a b');
$redis->command('ZADD', 'flight', 0, 'pending 3', 0, 'pending2 4');

is_deeply(login(2, 'w1', 18), [3, '["b"]'],
          'again: messages wait, and its channel is known');
$redis->command('DEL', 'flight');
is_deeply(fields('ws:{1}:members:b'), { 2 => 1 }, 'counts again');
is($redis->command('ZSCORE', $USER[2], '1 2 '), undef,
   'nothing of the user falls due');

is(logout('w1', 18), 1, 'logged out');
channel(1, 2, 'b', 0);
$redis->command('DEL', @USER);

$redis->command('HSET', $USER[0], 'status', 'offline', 'leaving', '0');
$redis->command('PEXPIRE', $USER[0], 100_000);
login(2, 'w1', 19);
is($redis->command('PTTL', $USER[0]), -1, 'who is there is not forgotten');

logout('w1', 19);
$redis->command('DEL', @USER);


note 'connection_move';

my ($PENDING, $TAKEN) = ('ws:{1}:pending:2', 'ws:{1}:taken:2');

sub move {
    my ($from, $socket, $to, @seqs) = @_;

    return run('connection_move',
               [$CONN, $PENDING, $TAKEN, 'flight', 'flight:text',
                'flight:taken'],
               'c1', $from, $socket, $to, $SOCKETS, join ' ', @seqs);
}

is(move('w1', 17, 'w2'), undef, 'one that has ended');

register(1, 2, @socket);
channel(1, 2, 'b', 1);

is(move('w2', 17, 'w3'), undef, "another worker's");
is(move('w1', 16, 'w3'), undef, 'another socket');
is(fields($CONN)->{owner}, 'w1', 'is where it was');
is(move('w1', 17, 'w2'), '["b"]', 'tells its channels');
is(fields($CONN)->{owner}, 'w2', 'is there');
is_deeply([map { fields("$SOCKETS$_") } 'w1', 'w2'],
          [{}, { c1 => '17 4000 1 2' }], 'and among its sockets');

$redis->command('ZADD', $PENDING, map { $_, "$_ x {}" } 1 .. 6);
$redis->command('HSET', $TAKEN, 1 => 'w1', 2 => 'w1 17', 3 => 'w9',
                4 => 'w1', 'r:2' => 1);
$redis->command('ZADD', 'flight', map { (0, "$PENDING $_") } 8, 9);
$redis->command('HSET', 'flight:text', map { ("$PENDING $_", "$_ x {}") } 8, 9);
$redis->command('HSET', 'flight:taken', "$PENDING 8", 'w1');

is(move('w1', 17, 'w2', 1, 2, 3, 5, 7, 8), undef, 'its connection has moved');
is_deeply(fields($TAKEN), { 1 => 'w2', 2 => 'w2 17', 3 => 'w9', 4 => 'w1',
                            5 => 'w2 17', 8 => 'w2', 'r:2' => 1 },
          'the messages of the socket move all the same, others do not');
cmp_ok(ttl($TAKEN), '>', 0, 'not for ever');
is_deeply([$redis->command('ZRANGE', 'flight', 0, -1),
           $redis->command('HLEN', 'flight:taken')],
          [["$PENDING 9"], 0], 'nor is one of them on its way any more');
$redis->command('DEL', $PENDING, $TAKEN, 'flight', 'flight:text');


note 'message_send';

# group(id, time, user): a message in a conversation, without a target's own

sub group {
    my ($id, $time, $user) = @_;

    return (1, $id, 1, $user, $time, 'message_group',
            "$id message:group {}", '', 'channel', '');
}


sub direct {
    my ($id, $user, $text) = @_;

    return (1, $id, 1, $user, 1761300000000, 'message_sent',
            "$id message:direct " . ($text // '{}'), '', 'private-user.1', '');
}


my @conv = ('', 'typing', 'conv', 'channel', '', '');
my @inbox = ('', '', '', 'channel', '', 'inbox');
my @kept = ('', '', '', 'channel', 'pending', '');
my @flight = ('flight', 'flight:text');

is_deeply(run('message_send', [$EVENTS, "sent$_", @flight, @conv], 20,
              group(1000 + $_, 1761300000000 + $_, $_)),
          [0], "message $_ is accepted")
    for 1 .. 3;

run('message_send', [$EVENTS, "sent$_", @flight, (@conv) x 2], 20,
    map { group(1000 + $_, 1761300000000 + $_, $_) } 2 * $_, 2 * $_ + 1)
    for 2 .. 65;

is($redis->command('ZCARD', 'conv'), 100,
   'of a conversation the last hundred are remembered');
is($redis->command('ZSCORE', 'conv', 130), 1761300000130, 'whoever was last');
is($redis->command('ZSCORE', 'conv', 31), undef, 'not who was first');
cmp_ok(ttl('conv'), '>', 86000_000, 'for a day');

$before = entries();
my @twice = ([$EVENTS, 'twice', @flight, 'dedup', @conv[1 .. 5], @conv], 20,
             group(2000, 1761300000000, 7), group(2001, 1761300000000, 7));

is_deeply(run('message_send', @twice), [0, 0], 'two are accepted');
is(entries(), $before + 1, 'by one entry');
is_deeply(run('message_send', @twice), [['2000', '1'], 0],
          'a repeat of the script has the answers again');
is_deeply(run('message_send',
              [$EVENTS, 'thrice', @flight, 'dedup', @conv[1 .. 5]], 20,
              group(2002, 1761300000000, 7)),
          [['2000', '1']], 'a repeat by the client the first id');
is(entries(), $before + 1, 'and they add nothing');
cmp_ok(ttl('twice'), '<', 20_001, 'for some seconds');
cmp_ok(ttl('dedup'), '>', 86000_000, 'or a day');

run('message_send', [$EVENTS, "inbox$_", @flight, @inbox], 20, direct($_, 7))
    for 5001 .. 6016;
run('message_send', [$EVENTS, 'inbox900', @flight, @inbox], 20,
    direct(900, 7));

cmp_ok($redis->command('LLEN', 'inbox'), '<', 1017,
       'a recipient has received the last thousand');
is($redis->command('LINDEX', 'inbox', -1), '900:7',
   'in the order of acceptance, the id is from an older block');
is($redis->command('LPOS', 'inbox', '5001:7'), undef, 'the first has gone');
cmp_ok(ttl('inbox'), '>', 2590000_000, 'for thirty days');

$redis->command('SET', 'pending', 'no sorted set');

my $refused = run('message_send',
                  [$EVENTS, 'wrong', @flight, (@kept) x 2, @inbox], 20,
                  map { direct($_, 7) } 7001 .. 7003);

like(join(' ', @$refused), qr/^\S*WRONGTYPE.* WRONGTYPE.* 0$/s,
     'one that can not be kept fails alone');
is(last_entry()->{text}, '7003 message:direct {}', 'the other is recorded');

$refused = run('message_send',
               [$EVENTS, 'wrong', @flight, (@kept) x 2, @inbox], 20,
               map { direct($_, 7) } 7001 .. 7003);

like(join(' ', @$refused), qr/^failed before failed before 0$/,
     'as a repeat says');

$redis->command('DEL', 'pending');

run('message_send', [$EVENTS, 'kept', @flight, (@kept) x 2], 20, direct(8002, 7),
    direct(8001, 8));

my @pending = @{$redis->command('ZRANGE', 'pending', 0, -1, 'WITHSCORES')};

is_deeply([@pending[0, 2]],
          ['8002 message:direct {}', '8001 message:direct {}'],
          'what is kept is kept in order');
is($pending[3], $pending[1] + 1, 'each has its place');
cmp_ok(ttl('pending'), '>', 30 * 86400_000, 'for more than thirty days');
is_deeply($redis->command('XREVRANGE', $EVENTS, '+', '-', 'COUNT', 1)->[0][1],
          [kind => 'event', text => '8002 message:direct {}', tenant_id => 1,
           user_id => 7, created_at => 1761300000000,
           event_type => 'message_sent', channel => 'private-user.1',
           status => 'pending', text => '8001 message:direct {}',
           user_id => 8],
          'an entry says of each what is not as before');

for my $n (1 .. 20) {
    run('message_send', [$EVENTS, "full$n", @flight, (@kept) x 50], 20,
        map { direct(10_000 + $n * 50 + $_, 7) } 1 .. 50);
}

is($redis->command('ZCARD', 'pending'), 1000, 'a thousand are kept');
is(last_entry()->{error_message}, 'queue full', 'others have failed');

is_deeply(run('message_send',
              [$EVENTS, 'many', @flight, '', '', '',
               map { ("channel$_", '', '') } 1, 2],
              20, 2, 9998, 1, 7, 1761300000000, 'notification_received',
              ' notification:received {"messageId":', '}',
              map { ("private-user.$_", '') } 1, 2),
          [0], 'one to several is accepted');
is_deeply([@{$redis->command('XREVRANGE', $EVENTS, '+', '-', 'COUNT', 1)
             ->[0][1]}[2, 3, -4 .. -1]],
          [text => '9998 notification:received {"messageId":9998}',
           text => '9999 notification:received {"messageId":9999}',
           channel => 'private-user.2'],
          'each of them has an id');


note 'due';

$redis->command('ZADD', 'due', 1, 'late', 9e15, 'later');

is_deeply(run('due', ['due'], 10), [0, 'late'], 'what is late');
$redis->command('ZREM', 'due', 'late');
$redis->command('ZADD', 'due', (time() + 10) * 1000, 'soon');

my $due = run('due', ['due'], 10);

cmp_ok($due->[0], '<=', 10_001, 'when the next one is');
is(@$due, 1, 'which is not yet');

$redis->command('DEL', 'due');
is_deeply(run('due', ['due'], 10), [-1], 'nothing waits');


note 'presence';

my ($ONLINE, $DUE, $EDGES) = ('ws:{1}:online', 'ws:_:presence',
                              'ws:{1}:edges');

sub presence {
    my ($what, $user, $status, $message) = @_;

    return run('presence',
               ["ws:{1}:status:$user", $ONLINE, $DUE, 'ws:{1}:tenant', $EVENTS,
                'ws:_:conn:p', "${SOCKETS}w1", $EDGES],
               $what, 1, $user, 'Ada', $what eq 'set' ? '' : "p$user", 0,
               $status // '', '', $message // '', defined $message ? 1 : 0, 0,
               4711, '2025-10-24T10:00:00.123Z', "1 $user ", 'w1', 17);
}

# what is told, as "user event", in its messages

my $feed = $redis->client;

$feed->command('SUBSCRIBE', 'ws:{1}:tenant');

sub told {
    my @told;

    while (defined(my $message = $feed->receive(0.1))) {
        push @told, [map { m/^0 0 0 (\S+) \{"userId":(\d+)/ ? "$2 $1" : $_ }
                     split /\n/, $message->[2] =~ s/^\*//r];
    }

    return \@told;
}

presence('join', 1);
presence('leave', 1);
presence('join', 2);
is_deeply(told(), [['1 user:online'], ['1 user:offline'], ['2 user:online']],
          'each at once among few');
is($redis->command('ZSCORE', $DUE, '1 0 '), undef, 'nothing else falls due');

$redis->command('HSET', $ONLINE, map { $_, '{}' } 101 .. 115);

presence('join', 1);
is_deeply(told(), [['1 user:online']], 'the first in a crowd at once');
cmp_ok($redis->command('ZSCORE', $DUE, '1 0 '), '<=', time() * 1000 + 200,
       'a moment begins');

$redis->command('ZADD', $DUE, 9e15, '1 0 ');

presence('join', 3);
presence('set', 3, 'away');
presence('set', 3, 'busy', "a\nb");
presence('leave', 1);
presence('join', 1);
presence('leave', 1);
presence('join', 4);
presence('leave', 4);
is_deeply(told(), [], 'the others wait');

presence('tell', 0);

my $told = told();

is(@$told, 1, 'and are told at once');
is_deeply([grep { /^1 / } @{$told->[0]}], ['1 user:offline'],
          'opposite ones have cancelled');
is_deeply([grep { /^3 / } @{$told->[0]}], ['3 user:online', '3 user:presence'],
          'the latest status after the edge');
is_deeply([grep { /^4 / } @{$told->[0]}], ['4 user:online', '4 user:offline'],
          'a first pair is told, in its order');
is($redis->command('EXISTS', $EDGES), 0, 'nothing waits');
cmp_ok($redis->command('ZSCORE', $DUE, '1 0 '), '<=', time() * 1000 + 200,
       'the next moment begins');

presence('tell', 0);
is($redis->command('ZSCORE', $DUE, '1 0 '), undef, 'and ends without a word');

presence('join', 5);
$redis->command('ZADD', $DUE, 1, '1 0 ');
presence('leave', 5);
is_deeply(told(), [['5 user:online'], ['5 user:offline']],
          'whoever comes when it is over tells, too');

$redis->command('ZADD', $DUE, 9e15, '1 0 ');
presence('join', $_) for 2001 .. 3000;

my $began = time();

presence('tell', 0);

my $moment = $redis->command('ZSCORE', $DUE, '1 0 ');

$told = told();
cmp_ok(@$told, '>', 1, 'a great many in several messages');
cmp_ok(@$told, '<', 4, 'but few');
is(scalar(map { @$_ } @$told), 1000, 'none is lost');

cmp_ok($moment - $began * 1000, '>', 200, 'where many are told the next moment is longer');
cmp_ok($moment - time() * 1000, '<=', 1000, 'but not by much');

note 'record_begin, record_done';

my @refused = (kind => 'event', id => 1, tenant_id => 1, id => 2);
my $POISON = 'poison';

sub position {
    my %group = @{$redis->command('XINFO', 'GROUPS', 'bad')->[0]};

    return [@group{qw(last-delivered-id pending lag)}];
}

sub done { run('record_done', ['bad', $POISON], 'record', @_) }

is(run('record_begin', ['bad'], 'record'), '0-0', 'nothing is there yet');
is_deeply(position(), ['0-0', 0, 0], 'but for the position');

my $bad = $redis->command('XADD', 'bad', '*', @refused);

is_deeply(position(), ['0-0', 0, 1], 'what comes is counted');

is(done('0-0', $bad, 1, $bad, 1366, 'why', 2), 1, 'one is refused');
is(done('0-0', $bad, 1, $bad, 1366, 'why', 2), 0, 'only once');

is_deeply([map { $_->[1] } @{$redis->command('XRANGE', $POISON, '-', '+')}],
          [[entry => $bad, errno => 1366, error => 'why', row => 2,
            @refused]],
          'it is put aside, and says which row it was');
is_deeply(position(), [$bad, 0, 0], 'and waits no longer');
is(run('record_begin', ['bad'], 'record'), $bad, 'it goes on behind it');

for my $id ('99999999999999-0', '99999999999999-7') {
    my ($ms, $n) = split /-/, $id;

    $redis->command('XADD', 'bad', $_, 'kind', 'event')
        for $id, '100000000000000-' . $n;
    $redis->command('XREADGROUP', 'GROUP', 'record', 'record', 'STREAMS',
                    'bad', '>');
    $redis->command('XACK', 'bad', 'record', '100000000000000-' . $n);

    my $last = run('record_begin', ['bad'], 'record');

    is_deeply([map { $_->[0] } @{$redis->command('XRANGE', 'bad', "($last",
                                                 '+')}],
              [$id, '100000000000000-' . $n],
              "$id was read before and not acknowledged");
    is_deeply(position(), [$last, 0, 2], 'and counts again');

    $redis->command('DEL', 'bad');
    run('record_begin', ['bad'], 'record');
}

$redis->command('DEL', 'bad');
$redis->command('XADD', 'bad', '*', @refused);

# what the documents advise

my ($advice) = slurp(dirname(__FILE__) . '/../docs/record.md')
               =~ /^redis-cli EVAL "(.*)" 2 /m;

$redis->command('EVAL', $advice, 2, 'bad', $POISON);

is_deeply([map { $_->[1] } @{$redis->command('XRANGE', 'bad', '-', '+')}],
          [\@refused, \@refused], 'it goes back as it was');
is($redis->command('XLEN', $POISON), 0, 'and is aside no longer');


note 'a Redis that is full';

$redis->command('FLUSHALL');
$redis->command('ZADD', $LEASES, 9e15, 'w1');
login(2, 'w1', 17);

run('record_begin', ['bad'], 'record');
my $stored = $redis->command('XADD', 'bad', '*', @refused);

my %goes_on = (
    disconnect => sub { disconnect(1, 2) },
    id_block   => sub { run('id_block', ['ids'], 100) },
    lease      => sub { run('lease', [$LEASES, 'watch', 'dead'], 'w1', 8000, 0,
                            $WORKERS, 2000, 500, 3000) },
    lock       => sub { run('lock', ['lock', $LEASES], 'b', 5000) },
    record     => sub { run('record_begin', ['bad'], 'record');
                        done('0-0', $stored, 1, $stored, 1366, 'why', 1)
                            or die },
    logout     => sub { logout('w1', 17) },
    look       => sub { run('presence', [@USER, $EVENTS, $CONN, "${SOCKETS}w1",
                                         'ws:{1}:edges'],
                            'look', 1, 2, '', '', 0, '', '', '', 0, 4_000, 77,
                            'now', '1 2 ', '', '') },
    takeover   => sub { run('takeover', ['dead', "${SOCKETS}w1", $EVENTS,
                                         'typing', 'due', @flight,
                                         'flight:taken'],
                            'w1', 'ws:', 100, 'now') },
);

for my $name (sort keys %goes_on) {
    login(2, 'w1', 17);
    $redis->command(qw(CONFIG SET maxmemory 1));
    ok(eval { $goes_on{$name}->(); 1 }, "$name goes on") or diag $@;
    $redis->command(qw(CONFIG SET maxmemory 0));
}

$redis->command(qw(CONFIG SET maxmemory 1));
ok(!eval { login(2, 'w1', 18) } && $@ =~ /OOM/, 'a login has to wait');
$redis->command(qw(CONFIG SET maxmemory 0));

done_testing();
