#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# websocket_connect_rate and websocket_auth_failure_rate: what one address may
# do, on all workers of a machine.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Test::Nginx::WebSocket;
use Time::HiRes qw(sleep time);

my $redis = Test::Nginx::RedisServer->shared;
my $mysql = Test::Nginx::MySQLServer->shared;

my $JOHN = '1|demo-token-john';
my $JANE = '2|demo-token-jane';
my $BUSY = '{"message":"Too Many Attempts."}';

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => "websocket_redis \$TEST_NGINX_REDIS prefix=address$$:;
                    websocket_mysql \$TEST_NGINX_MYSQL;
                    websocket_auth_failure_rate 5 1h;
                    set_real_ip_from 127.0.0.1;
                    real_ip_header X-Address;",
    config      => 'location /free/ {
                        websocket_api on;
                        websocket_auth_failure_rate off;
                    }

                    location /api/ { websocket_api on; }
                    location /ws { websocket on; }

                    location /few {
                        websocket on;
                        websocket_connect_rate 4 1h;
                    }

                    location /soon {
                        websocket on;
                        websocket_connect_rate 2 5s;
                    }

                    location /socket.io/ {
                        websocket_socketio on;
                        websocket_connect_rate 4 1h;
                    }

                    location /status { websocket_status; }');


note 'new sessions';

is(tries(6, '10.0.0.1', '/few'), '101 101 101 101 429 429',
   'four an hour, over both workers');

my $ws = open_socket('10.0.0.1', '/few');
is($ws->body, $BUSY, 'the others are refused');
cmp_ok($ws->header('Retry-After'), '>', 3000, 'for a while');
is(tries(1, '10.0.0.2', '/few'), '101', 'of one address');
is(tries(2, '10.0.0.1', '/ws'), '101 101', 'where it is limited');

my @polls = map { poll('10.0.0.3') } 1 .. 6;
is(join(' ', map { $_->status } @polls), '200 200 200 200 429 429',
   'by polling');
is(tries(1, '10.0.0.3', '/socket.io/?EIO=4&transport=websocket'), '429',
   'and by WebSocket');

my ($sid) = $polls[0]->body =~ /"sid":"([^"]+)"/;
is(tries(1, '10.0.0.3', "/socket.io/?EIO=4&transport=websocket&sid=$sid"),
   '101', 'a session that goes over is no new one');

is(tries(3, '10.0.0.4', '/soon'), '101 101 429', 'two in five seconds');
ok((wait_until { tries(1, '10.0.0.4', '/soon') eq '101' }),
   'then it begins anew');

is(tries(5, '2001:db8:1:2::' . $_, '/few'), $_ == 1 ? '101 101 101 101 429'
                                              : '429 429 429 429 429',
   "of IPv6 a network ($_)") for 1, 2;
is(tries(1, '2001:db8:1:3::1', '/few'), '101', 'not its neighbour');


note 'bad tokens';

my $failures = status()->{auth_failures_total};

is(rest('10.0.1.1', $JOHN), 200, 'a good one');
is(join(' ', map { rest('10.0.1.1', "9$_|none") } 1 .. 7),
   '401 401 401 401 401 429 429', 'five bad ones');
is(status()->{auth_failures_total} - $failures, 5, 'which are counted');
is(rest('10.0.1.1', 'x' x 100), 429, 'whatever it is');
is(rest('10.0.1.1', $JOHN), 200, 'one that is known is let in');

my $fresh = token(1);
is(rest('10.0.1.1', $fresh), 429, 'one that MySQL had to be asked for not');
is(rest('10.0.1.2', $fresh), 200, 'but by another address');
is(rest('10.0.1.1', '91|none', '/free/'), 401, 'where it is off');
is(rest('10.0.1.1', undef), 401, 'none is no bad one');

my $res = request('10.0.1.1', '92|none');
is($res->body, $BUSY, 'the answer');
cmp_ok($res->header('Retry-After'), '>', 3000, 'and its time');

is(join(' ', map { code('10.0.1.3', "9$_|none") } 1 .. 7),
   join(' ', ('unauthenticated') x 5, ('throttled') x 2),
   'by sockets, too');
is(rest('10.0.1.3', '99|none'), 429, 'of the same address');

is(join(' ', map { rest('10.0.1.4', undef) } 1 .. 8), join(' ', (401) x 8),
   'without a token there is nothing to guess');

cmp_ok(status()->{throttled_total}, '>=', 20, 'what was refused is counted');

$nginx->check('no alerts');

done_testing();


sub open_socket {
    my ($address, $path) = @_;

    return Test::Nginx::WebSocket->handshake(
        port => $nginx->port, path => $path, answer => 1,
        headers => { 'X-Address' => $address });
}


sub tries {
    my ($n, $address, $path) = @_;

    return join ' ', map {
        my $socket = open_socket($address, $path);
        my $status = $socket->status;
        $socket->disconnect;
        $status;
    } 1 .. $n;
}


sub poll {
    my ($address) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port)
               ->get('/socket.io/?EIO=4&transport=polling',
                     { 'X-Address' => $address });
}


sub request {
    my ($address, $with, $path) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port)
               ->get(($path // '/api/') . 'presence/me',
                     { 'X-Address' => $address,
                       defined $with ? (Authorization => "Bearer $with")
                                     : () });
}

sub rest { request(@_)->status }


# of a login by a socket of its own

sub code {
    my ($address, $with) = @_;

    my $socket = open_socket($address, '/ws');

    $socket->send_json({ event => 'auth', data => { token => $with } });

    return ($socket->read_json // {})->{data}{code} // 'none';
}


sub token {
    my ($user) = @_;

    my $secret = "address$$";

    $mysql->query("INSERT INTO personal_access_tokens
                       (tokenable_type, tokenable_id, name, token, abilities)
                   VALUES ('App\\\\Models\\\\User', $user, 'test',
                           SHA2('$secret', 256), '[]')");

    return $secret;
}


sub status {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/status')
               ->json;
}
