#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# websocket_connection_limit: sockets of a user over all workers and machines.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::WebSocket;

my $redis = Test::Nginx::RedisServer->shared;
my $mysql = Test::Nginx::MySQLServer->shared;

my $JOHN = '1|demo-token-john';
my $JANE = '2|demo-token-jane';
my $ADA = '3|demo-token-ada';

my @nginx = map {
    Test::Nginx::Server->start(
        workers     => 2,
        http_config => "websocket_redis \$TEST_NGINX_REDIS prefix=few$$:;
                        websocket_mysql \$TEST_NGINX_MYSQL;",
        config      => 'location /free { websocket on; }

                        location /two {
                            websocket on;
                            websocket_connection_limit 2 reject;
                        }

                        location /socket.io/ {
                            websocket_socketio on;
                            websocket_connection_limit 1;
                        }

                        location /ws {
                            websocket on;
                            websocket_connection_limit 3 evict_oldest;
                        }')
} 1 .. 2;


note 'the oldest has to go';

my @ws = map { websocket($_ % 2, '/ws', $JOHN, "few$$-$_") } 0 .. 2;

ok(is_live($_), 'three may stay') for @ws;
push @ws, websocket(1, '/ws', $JOHN, "few$$-3");
is((shift @ws)->read_close, 1008, 'with a fourth the first is closed');
push @ws, websocket(0, '/ws', $JOHN);
is((shift @ws)->read_close, 1008, 'then the second');
is((grep { is_live($_) } @ws), 3, 'the others go on');
ok((wait_until {
    $mysql->value("SELECT COUNT(*) FROM websocket_connections
        WHERE connection_id IN ('few$$-0', 'few$$-1')
            AND status = 'disconnected' AND disconnected_at >= connected_at
            AND last_activity_at >= connected_at") == 2
}), 'both have a row that has ended');

my $jane = websocket(0, '/ws', $JANE);
is((grep { is_live($_) } @ws, $jane), 4, 'everybody has an own limit');
$jane->disconnect;

$ws[1]->close;
wait_until {
    $mysql->value("SELECT status FROM websocket_connections
        WHERE connection_id = 'few$$-3'") eq 'disconnected'
};
push @ws, websocket(1, '/ws', $JOHN);
is((grep { is_live($_) } @ws[0, 2, 3]), 3, 'who has gone does not count');

my @free = map { websocket($_ % 2, '/free', $JANE) } 1 .. 5;
is((grep { is_live($_) } @free), 5, 'no limit where none is set');


note 'the newest is refused';

my @ada = map { websocket($_, '/two', $ADA) } 0, 1;
my $third = Test::Nginx::WebSocket->connect(port => $nginx[0]->port,
                                            path => '/two', answer => 1);

$third->send_json({ event => 'auth', id => 1, data => { token => $ADA } });
is_deeply($third->wait_event('auth:error')->{data},
          { message => 'Too many connections.', code => 'throttled' },
          'with a reason');
is($third->wait_event('ack')->{data}{status}, 'error', 'and an answer');
is((grep { is_live($_) } @ada), 2, 'those that are there stay');

$third->send_json({ event => 'subscribe', id => 2,
                    data => { channel => 'a' } });
is($third->wait_event('ack')->{data}{code}, 'unauthenticated',
   'who was refused is nobody');

$ada[0]->disconnect;
ok((wait_until {
    $third->send_json({ event => 'auth', id => 3,
                        data => { token => $ADA } });
    $third->wait_event('ack')->{data}{status} eq 'ok';
}), 'until one has gone');


note 'one, by Socket.IO';

my $io = socketio(0, $ADA);
$ada[1]->disconnect;
$third->disconnect;
my $other = socketio(1, $ADA);
$io->expect_disconnect('the former one is told not to come back');
$io->expect_closed;
is($other->call('subscribe', { channel => 'a' })->{status}, 'ok',
   'the new one goes on');

# whichever worker it moves to

for my $i (1 .. 6) {
    my $poll = socketio($i % 2, $ADA, transport => 'polling');
    $other->expect_disconnect("polling $i is one, too");
    $poll->upgrade;
    is($poll->call('subscribe', { channel => 'a' })->{status}, 'ok',
       'also behind its upgrade');
    $other = $poll;
}


note 'the same connection again';

my $tab = socketio(0, $ADA, connection => 'tab');
$other->expect_disconnect('one');
my $again = socketio(1, $ADA, connection => 'tab');
$tab->expect_disconnect('its former socket goes');
is($again->call('subscribe', { channel => 'a' })->{status}, 'ok',
   'the new one stays');

@ada = map { websocket($_, '/two', $JANE, "jane$_") } 0, 1;
$third = websocket(1, '/two', $JANE, 'jane0');
is($ada[0]->read_close, 1008, 'is no third one');
is((grep { is_live($_) } $ada[1], $third), 2, 'of two');


note 'a worker that dies';

$_->disconnect for @ws;

ok((wait_until { many('/two', $JOHN) == 2 }), 'two');

my @dead = map { websocket(0, '/two', $JOHN) } 1, 2;

is(many('/two', $JOHN), 0, 'no more');

my @pids = $nginx[0]->workers;
$nginx[0]->kill_worker($_) for @pids;
ok((wait_until { many('/two', $JOHN) == 2 } 30),
   'takes its sockets with it');

$_->check('no alerts') for @nginx;

done_testing();


# how many of three sockets get in

sub many {
    my ($path, $token) = @_;

    my @sockets = map {
        Test::Nginx::WebSocket->connect(port => $nginx[0]->port,
                                        path => $path, answer => 1)
    } 1 .. 3;
    my $n = 0;

    for (@sockets) {
        $_->send_json({ event => 'auth', id => 1,
                        data => { token => $token } });
        $n++ if $_->wait_event('ack')->{data}{status} eq 'ok';
    }

    $_->disconnect for @sockets;

    return $n;
}


sub websocket {
    my ($server, $path, $with, $connection) = @_;

    my $socket = Test::Nginx::WebSocket->connect(
        port => $nginx[$server]->port, path => $path, answer => 1);

    # the end of another one may not be known yet

    wait_until {
        $socket->send_json({ event => 'auth', id => 1, data => {
            token => $with,
            defined $connection ? (connectionId => $connection) : () } });
        $socket->wait_event('ack')->{data}{status} eq 'ok';
    } or BAIL_OUT('not authenticated');

    return $socket;
}


sub socketio {
    my ($server, $with, %args) = @_;

    my $connection = delete $args{connection};

    return Test::Nginx::SocketIO->connect(
        port => $nginx[$server]->port,
        auth => { token => $with,
                  defined $connection ? (connectionId => $connection) : () },
        %args);
}


sub is_live {
    my ($socket) = @_;

    $socket->send_json({ event => 'subscribe', id => 1,
                         data => { channel => 'a' } });

    return $socket->wait_event('ack');
}
