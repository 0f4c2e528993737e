#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Sockets and connections: linked whichever comes first, closed by REST
# wherever they are, and recorded.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;
use Time::HiRes qw(sleep);

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $JOHN = '1|demo-token-john';
my $JANE = '2|demo-token-jane';
my $ADA = '3|demo-token-ada';
my $CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, '
             . 'like Gecko) Chrome/130.0.0.0 Safari/537.36';

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;',
    config      => 'location /api/ { websocket_api on; }
                    location /ws { websocket on; }
                    location /socket.io/ { websocket_socketio on; }');


note 'a socket on its own';

my $ws = socket_of($JOHN);
my ($row) = wait_rows('status = "connected"');

like($row->{connection_id}, qr/^conn_[\w-]{19}$/, 'has a connection');
is_deeply([@$row{qw(tenant_id user_id browser device_type ip_address
                    session_id subscribed_channels disconnected_at)}],
          [1, 1, 'Chrome', 'desktop', '127.0.0.1', undef, '[]', undef],
          'of which all is known');

$ws->close;
ok(wait_rows('status = "disconnected" AND disconnected_at IS NOT NULL'),
   'which ends with it');

my ($key) = $redis->client->keys('ws:_:conn:*');

cmp_ok($redis->command('PTTL', $key), '<=', 60000, 'and is soon forgotten');


note 'REST, then the socket';

is(post($JOHN, connect => { connection_id => 'a b', browser => 'Lynx' })
       ->status, 201, 'POST connect');
$ws = socket_of($JOHN, 'a b');
($row) = wait_rows('connection_id = "a b"');
is($row->{browser}, 'Lynx', 'what REST has said is not guessed at');
is($row->{status}, 'connected', 'one connection');

$ws->send_json({ event => 'subscribe', data => { channel => 'group.1' } });
$ws->send_json({ event => 'subscribe', data => { channel => 'group/2' } });
$ws->send_json({ event => 'unsubscribe', data => { channel => 'group.1' } });
ok(wait_rows('JSON_EXTRACT(subscribed_channels, "$[0]") = "group/2"
              AND JSON_LENGTH(subscribed_channels) = 1'),
   'its channels are remembered');

is(post($JANE, disconnect => { connection_id => 'a b' })->status, 403,
   'nobody else may end it');
is(post($JOHN, disconnect => { connection_id => 'a b' })->status, 200,
   'its user may');
ok(defined $ws->read_close, 'which closes the socket');
ok(wait_rows('connection_id = "a b" AND status = "disconnected"'),
   'and is recorded');


note 'the socket, then REST';

$ws = socket_of($JOHN, 'second');
is(post($JOHN, connect => { connection_id => 'second', session_id => 's' })
       ->status, 201, 'POST connect');
ok(wait_rows('connection_id = "second" AND session_id = "s"'),
   'adds what it knows');
is(post($JANE, connect => { connection_id => 'second' })->status, 422,
   'somebody else is refused');

my $other = Test::Nginx::WebSocket->connect(port => $nginx->port,
                                            path => '/ws');

$other->send_json({ event => 'auth', id => 1, data => {
    token => $JANE, connectionId => 'second' } });
my $answer = $other->wait_event('ack');
is($answer->{data}{status}, 'error', 'on a socket, too');
is($answer->{data}{code}, 'invalid', 'with a reason');
$other->close;


note 'a login that Redis refuses';

$redis->command('SET', 'ws:{1}:status:3', 'no hash');
$other = Test::Nginx::WebSocket->connect(port => $nginx->port, path => '/ws');
$other->send_json({ event => 'auth', id => 1, data => { token => $ADA } });
is($other->wait_event('ack')->{data}{code}, 'unavailable', 'is refused');
ok($nginx->wait_log(qr/\[error\].* redis refused a login: "[^"]*WRONGTYPE/),
   'and the log says why');
$other->disconnect;


note 'signs of life';

my $conn = 'ws:_:conn:second';

$redis->command('PEXPIRE', $conn, 5000);
$redis->command('HSET', $conn, 'last_activity_at', 1761300000000);
post($JANE, connect => {}, 'second');
is($redis->command('HGET', $conn, 'last_activity_at'), 1761300000000,
   "somebody else's call is none");
post($JOHN, connect => {}, "sec\x01ond");
post($JOHN, connect => {}, 'second');
cmp_ok($redis->command('PTTL', $conn), '>', 3600000, 'a call keeps it');
ok(wait_rows('connection_id = "second"
              AND last_activity_at > NOW() - INTERVAL 5 SECOND'),
   'and is recorded');


note 'on every worker';

my $n = 0;

for my $i (1 .. 12) {
    my $socket = socket_of($JOHN, "w$i");

    post($JOHN, disconnect => { connection_id => "w$i" });
    $n++ if defined $socket->read_close;
}

is($n, 12, 'sockets are closed wherever they are');

my $io = Test::Nginx::SocketIO->connect(
    port => $nginx->port, auth => { token => $JOHN, connectionId => 'io' });

post($JOHN, disconnect => { connection_id => 'io' });
$io->expect_disconnect('Socket.IO is told');


note 'a socket that is replaced';

my $old = socket_of($JOHN, 'tab');
my $new = socket_of($JOHN, 'tab');

ok(wait_rows('connection_id = "tab" AND status = "connected"'),
   'has one connection with the new one');

$old->close;
sleep 0.5;
is((rows('connection_id = "tab"'))[0]{status}, 'connected',
   'the end of the old one does not count');
$new->close;
ok(wait_rows('connection_id = "tab" AND status = "disconnected"'),
   'the end of the new one does');


note 'its worker dies before it is recorded';

$ws = socket_of($JOHN, 'brief');
$redis->command('HGET', 'ws:_:conn:brief', 'owner') =~ /-(\d+)-.{20}$/;
$nginx->kill_worker($1);
ok(wait_rows('connection_id = "brief" AND status = "disconnected"
              AND browser = "Chrome"', 30), 'whoever takes over does it');


note 'it comes back';

$ws = socket_of($JOHN, 'tab');
($row) = wait_rows('connection_id = "tab" AND status = "connected"');
is($row->{disconnected_at}, undef, 'as if it had never ended');
is(scalar rows('connection_id = "tab"'), 1, 'in the same row');


note 'an end that Redis does not hear of at once';

$redis->kill;
$ws->disconnect;
sleep 1;
$redis->start;
ok(wait_rows('connection_id = "tab" AND status = "disconnected"', 30),
   'is told when it is back');

$ws = socket_of($JOHN, 'tab');
$redis->command(qw(CONFIG SET min-replicas-to-write 1));
$ws->disconnect;
$nginx->wait_log(qr/redis refuses commands: NOREPLICAS/, 20);
$redis->command(qw(CONFIG SET min-replicas-to-write 0));
ok(wait_rows('connection_id = "tab" AND status = "disconnected"', 30),
   'or takes it again');

$nginx->check('no alerts');

done_testing();


# A worker that is without Redis for a moment refuses it.

sub socket_of {
    my ($token, $connection) = @_;

    for (1 .. 50) {
        my $socket = Test::Nginx::WebSocket->connect(
            port => $nginx->port, path => '/ws', answer => 1,
            headers => { 'User-Agent' => $CHROME });

        $socket->send_json({ event => 'auth', data => {
            token => $token,
            defined $connection ? (connectionId => $connection) : () } });

        my $answer = $socket->read_json(20);

        return $socket if $answer && $answer->{event} eq 'authenticated';

        $socket->disconnect;
        sleep 0.2;
    }

    BAIL_OUT('not authenticated');
}


sub post {
    my ($token, $path, $body, $connection) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port)
               ->post("/api/$path", $body,
                      { Authorization => "Bearer $token",
                        defined $connection
                            ? ('X-Connection-Id' => $connection) : () });
}


sub rows {
    my ($where) = @_;

    my @names = qw(connection_id tenant_id user_id session_id browser
                   device_type ip_address subscribed_channels status
                   disconnected_at);
    my $names = join ', ', @names;

    return map { my %row; @row{@names} = @$_; \%row }
           $mysql->query("SELECT $names FROM websocket_connections
                          WHERE $where");
}


sub wait_rows {
    my ($where, $timeout) = @_;

    my @rows;

    wait_until { @rows = rows($where) } $timeout;

    return @rows;
}
