#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# websocket_event_rate: how many events a socket may send; and the limits of
# channels and recipients.

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

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => "websocket_redis \$TEST_NGINX_REDIS prefix=rate$$:;
                    websocket_mysql \$TEST_NGINX_MYSQL;",
    config      => 'location /free { websocket on; }

                    location /ws {
                        websocket on;
                        websocket_event_rate 10 1h;
                    }

                    location /soon {
                        websocket on;
                        websocket_event_rate 10 10s;
                    }

                    location /socket.io/ {
                        websocket_socketio on;
                        websocket_event_rate 10 1h;
                    }

                    location /status { websocket_status; }');


note 'so many';

my $ws = websocket('/ws', $JOHN);
my %n = statuses($ws, 30);

is_deeply(\%n, { ok => 9, throttled => 21 }, 'ten, "auth" is one of them');

$ws->send_json({ event => 'subscribe', data => { channel => 'a' } });
is_deeply($ws->wait_event('error')->{data},
          { message => 'Too Many Attempts.', code => 'throttled',
            event => 'subscribe' }, 'without an acknowledgement, too');
$ws->send_text('{');
is($ws->wait_event('error')->{data}{code}, 'throttled', 'what is none counts');
$ws->send_json({ event => 'nothing', id => 1, data => {} });
is($ws->wait_event('ack')->{data}{code}, 'throttled', 'and what nobody knows');

is_deeply({ statuses(websocket('/ws', $JOHN), 3) }, { ok => 3 },
          'every socket has its own');

my $io = Test::Nginx::SocketIO->connect(port => $nginx->port,
                                        auth => { token => $JANE });
is(scalar(grep { $io->call('subscribe', { channel => "a$_" })->{status}
                 eq 'ok' } 1 .. 20), 10, 'by Socket.IO');

cmp_ok(status()->{throttled_total}, '>=', 30, 'which is counted');

is_deeply({ statuses(websocket('/free', $JOHN), 100) }, { ok => 100 },
          'no limit where none is set');


note 'it fills again';

$ws = websocket('/soon', $JANE);
%n = statuses($ws, 20);
cmp_ok($n{throttled}, '>=', 1, 'too many');
ok((wait_until {
    $ws->send_json({ event => 'subscribe', id => 9,
                     data => { channel => 'a' } });
    $ws->wait_event('ack')->{data}{status} eq 'ok';
}), 'then one more');


note 'who does not stop';

$ws = websocket('/ws', $JANE);
my $frame = Test::Nginx::WebSocket::frame(
    payload => '{"event":"subscribe","data":{"channel":"a"}}');
$ws->send_raw($frame x 2000);
is($ws->read_close(20), 1008, 'has to go');

$io->emit('subscribe', { channel => 'a' }) for 1 .. 1100;
$io->expect_disconnect('by Socket.IO, too', 20);
$io->expect_closed;


note 'channels of a connection';

$ws = websocket('/free', $JANE);
my @frames = map {
    Test::Nginx::WebSocket::frame(
        payload => qq({"event":"subscribe","id":$_,"data":{"channel":"c$_"}}))
} 1 .. 1030;
my %by;

while (@frames) {
    my @some = splice @frames, 0, 100;

    $ws->send_raw(join '', @some);
    $by{$ws->wait_event('ack')->{data}{code} // 'ok'}++ for @some;
}

is_deeply(\%by, { ok => 1022, forbidden => 8 },
          '1,024 with the two that come by themselves');


note 'recipients of a notification';

for ([1000, 'ok'], [1001, 'invalid']) {
    my ($n, $code) = @$_;

    $ws->send_json({ event => 'notification:send', id => 5, data => {
        title => 't', body => 'b', recipientIds => [(1) x $n] } });
    is($ws->wait_event('ack', 20)->{data}{code} // 'ok', $code, "$n recipients");
}

$nginx->check('no alerts');

done_testing();


sub websocket {
    my ($path, $with) = @_;

    return Test::Nginx::WebSocket->login(
        port => $nginx->port, path => $path, token => $with);
}


# how often which answer came

sub statuses {
    my ($socket, $n) = @_;

    my %statuses;

    for my $i (1 .. $n) {
        $socket->send_json({ event => 'subscribe', id => $i,
                             data => { channel => 'a' } });
        my $data = $socket->wait_event('ack')->{data};
        $statuses{$data->{code} // $data->{status}}++;
    }

    return %statuses;
}


sub status {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/status')
               ->json;
}
