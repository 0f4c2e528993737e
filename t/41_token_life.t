#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Live sockets when their token ends: by its time, by the deletion of its row,
# by its id on Redis' channel "revoke".

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;
use Time::HiRes qw(sleep time);

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $next = 1000;
my $ERROR = { message => 'The token has expired.', code => 'token_expired' };

my %conf = (
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;
                    websocket_token_cache 4s 1s;',
    config      => 'location /api/ { websocket_api on; }
                    location /ws { websocket on; }
                    location /socket.io/ { websocket_socketio on; }

                    location /own {
                        websocket on;
                        websocket_auth_query "SELECT id AS token_id,
                            tokenable_id AS user_id, 1 AS tenant_id
                            FROM personal_access_tokens
                            WHERE token = :hash";
                        websocket_token_check_query "SELECT id
                            FROM personal_access_tokens
                            WHERE id IN (:ids) AND abilities = \'[]\'";
                    }');

my $nginx = Test::Nginx::Server->start(%conf);


note 'its time';

my ($id, $token, $ends, $io, $poll, $ws);
my $john = socketio('1|demo-token-john');

in_time(sub {
    $io = socketio($token);
    $poll = socketio($token, transport => 'polling');
    $ws = websocket($token);
});

$io->expect_event('auth:error', [$ERROR], 'its end is said', 20);

my $late = time - $ends;

cmp_ok($late, '>', -0.1, 'not before');
cmp_ok($late, '<', 1 + slack(), 'and within a second');
$io->expect_disconnect('then it is disconnected');
$io->expect_closed('and closed');

$poll->expect_event('auth:error', [$ERROR], 'polling, too');
$poll->expect_disconnect('as well');
$poll->expect_closed;

is_deeply($ws->wait_event('auth:error')->{data}, $ERROR, 'a plain WebSocket');
is($ws->read_close, 1008, 'for its policy');

is($john->call('subscribe', { channel => 'a' })->{status}, 'ok',
   'others go on');
is(rest($token), 401, 'REST knows it no more');
ok((wait_until {
    $mysql->value("SELECT COUNT(*) FROM websocket_connections
        WHERE user_id = 1 AND status = 'disconnected'
            AND disconnected_at >= connected_at
            AND last_activity_at >= connected_at") == 3
}), 'the rows of all three have ended');


note 'another token in time';

my (undef, $long) = token(1);

in_time(sub {
    $io = socketio($token);
    $io->call('auth', { token => $long })->{status} eq 'ok' or die;
});

wait_until { time > $ends + 1 } 60;
is($io->call('subscribe', { channel => 'a' })->{status}, 'ok', 'and counts');


note 'its row';

my @ids;

for (1 .. 4) {
    my ($n, $t) = token(2);
    push @ids, [$n, socketio($t)];
}

my (undef, $user) = token(900);

$mysql->query("INSERT INTO users (id, tenant_id, name, email, password)
               VALUES (900, 1, 'Gone', 'gone\@example.com', '!')");
$user = websocket($user);

$mysql->query("DELETE FROM personal_access_tokens WHERE id = $ids[1][0]");
$mysql->query('DELETE FROM users WHERE id = 900');
my $from = time;

$ids[1][1]->expect_event('auth:error', [$ERROR], 'its deletion is noticed',
                         20);
cmp_ok(time - $from, '<', 4 + slack(),
       'within the time that it is cached for');
$ids[1][1]->expect_closed;

ok($user->wait_event('auth:error'), "a user's, too");

is($ids[$_][1]->call('subscribe', { channel => 'a' })->{status}, 'ok',
   'others of the user go on') for 0, 2, 3;


note 'a query of its own';

($id, $token) = token(3);
$ws = websocket($token, '/own');
my $other = websocket($token);
$mysql->query("UPDATE personal_access_tokens SET abilities = '[1]'
               WHERE id = $id");
ok($ws->wait_event('auth:error'), 'is asked');
ok(is_live($other), 'for its own alone');


note 'revoke';

($id, $token) = token(1);

my @sockets = map { websocket($token) } 1 .. 6;

# the row is there, and so are others
my @others = map { [token(1)] } 1 .. 3;
my @live = map { websocket($_->[1]) } @others;

is(rest($token), 200, 'known to all workers');
$from = time;
$redis->command('PUBLISH', 'ws:revoke', $id);
is((grep { $_->wait_event('auth:error') } @sockets), 6, 'all of its sockets');
cmp_ok(time - $from, '<', 1 + slack(), 'at once');
is($_->read_close, 1008, 'are closed') for @sockets;
is((grep { is_live($_) } @live), 3, 'and no others');
is(rest($token), 200, 'what MySQL still has may come again');

$mysql->query("DELETE FROM personal_access_tokens WHERE id = $id");
$redis->command('PUBLISH', 'ws:revoke', $id);
ok((wait_until { rest($token) == 401 }),
   'a deleted one that was cached is known no more');

$redis->command('PUBLISH', 'ws:revoke',
                "$others[0][0] 4711 $others[2][0]");
ok($live[$_]->wait_event('auth:error'), 'several') for 0, 2;
ok(is_live($live[1]), 'not the one between');

$redis->command('PUBLISH', 'ws:revoke', $_)
    for '', 'all', '-1', '1|secret', '0', '99999999999999999999999', '1  2';
ok($nginx->wait_log(qr/channel "ws:revoke" has sent what is no id/),
   'what is none is told');
unlike($nginx->error_log, qr/secret/, 'and not repeated');
ok(is_live($live[1]), 'nothing else');


note 'many';

my @many = map { [token($_ % 3 + 1)] } 1 .. 60;
my @them = map { websocket($_->[1]) } @many;

$mysql->query('DELETE FROM personal_access_tokens WHERE id IN ('
              . join(',', map { $many[$_][0] } 0 .. 29) . ')');
is((grep { $_->wait_event('auth:error') } @them[0 .. 29]), 30,
   'whose rows were deleted');
is((grep { is_live($_) } @them[30 .. 59]), 30, 'and the others');


note 'MySQL away';

$mysql->kill;
sleep 5;
is((grep { is_live($_) } @them[30 .. 59]), 30, 'nobody is sent away');
$mysql->start;
$mysql->query("DELETE FROM personal_access_tokens WHERE id = $many[30][0]");
ok($them[30]->wait_event('auth:error'), 'until it says so');


note 'nginx -t';

my $custom = 'SELECT 1 AS user_id, 1 AS tenant_id, :hash AS token';

for (['websocket_token_check_query "SELECT 1 WHERE 1 IN (:all)";',
      qr/invalid "websocket_token_check_query": /],
     ['websocket_token_check_query "SELECT 1"; websocket_token_check_query
       "SELECT 1";', qr/invalid "websocket_token_check_query": |is duplicate/],
     ["websocket_auth_query \"$custom\";",
      qr/\[warn\] .*"websocket_auth_query" without "websocket_token_check_que/])
{
    my ($line, $words) = @$_;

    my (undef, $said) = Test::Nginx::Server->test_config(
        %conf, config => "location /ws { websocket on; $line }");
    like($said, $words, 'said');
}

$nginx->check('no alerts');

done_testing();


# (id, what the client sends)

sub token {
    my ($user, %args) = @_;

    my $n = ++$next;
    my $expires = defined $args{expires}
                  ? "UTC_TIMESTAMP() + INTERVAL $args{expires} SECOND"
                  : 'NULL';

    $mysql->query(
        "SET time_zone = '+00:00';
         INSERT INTO personal_access_tokens
             (id, tokenable_type, tokenable_id, name, token, abilities,
              expires_at)
         VALUES ($n, 'App\\\\Models\\\\User', $user, 'test',
                 SHA2('secret$n', 256), '[]', $expires)");

    return ($n, "$n|secret$n");
}


# $token is a new one that ends soon, at $ends; on a busy machine not before
# everybody has come.

sub in_time {
    my ($come) = @_;

    for my $seconds (4, 12, 36) {
        ($id, $token) = token(1, expires => $seconds);
        $ends = $mysql->value("SELECT UNIX_TIMESTAMP(expires_at)
                               FROM personal_access_tokens WHERE id = $id");

        return if eval { $come->(); time < $ends - 0.5 };
    }

    die "they do not come in time: $@";
}


sub socketio {
    my ($with, @args) = @_;

    return Test::Nginx::SocketIO->connect(
        port => $nginx->port, auth => { token => $with }, @args);
}


sub websocket {
    my ($with, $path) = @_;

    return Test::Nginx::WebSocket->login(
        port => $nginx->port, path => $path // '/ws', token => $with,
        timeout => 20);
}


sub is_live {
    my ($socket) = @_;

    $socket->send_json({ event => 'subscribe', id => 1,
                         data => { channel => 'a' } });

    return $socket->wait_event('ack');
}


sub rest {
    my ($with) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port)
               ->get('/api/presence/me',
                     { Authorization => "Bearer $with" })->status;
}


# a machine may be busy

sub slack { $ENV{TEST_NGINX_STRICT} ? 0 : 10 }
