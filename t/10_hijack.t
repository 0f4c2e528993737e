# Copyright (C) ngx_http_websocket_module authors

# What becomes of a connection when WebSocket takes it over from HTTP: what
# came before and behind the handshake, TLS, other modules, and the end of a
# worker.

use strict;
use warnings;

use Test::More;

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port wait_until slurp);
use Test::Nginx::Server;
use Test::Nginx::Stream;
use Test::Nginx::WebSocket;

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    events      => 'worker_connections 128;',
    http_config => <<'END',
    log_format ws '$status $request_uri $remote_addr $websocket_transport';
    limit_conn_zone $server_port zone=conn:1m;
    websocket_compression on;
END
    config      => <<'END',
        access_log logs/ws.log ws;

        location = /echo { websocket on; websocket_echo on; }

        location = /rate {
            limit_rate 1;
            websocket on;
            websocket_echo on;
        }

        location = /realip {
            set_real_ip_from 127.0.0.1;
            real_ip_header X-Real-IP;
            websocket on;
            websocket_echo on;
        }

        location = /one {
            limit_conn conn 1;
            websocket on;
            websocket_echo on;
        }

        location = /guarded {
            auth_request /guard;
            websocket on;
            websocket_echo on;
        }

        location = /guard { internal; return 204; }

        location = /mirrored {
            mirror /mirror;
            websocket on;
            websocket_echo on;
        }

        location = /mirror {
            internal;
            proxy_pass http://127.0.0.1:$server_port/slow;
        }

        location = /log {
            error_log logs/ws_error.log info;
            websocket on;
            websocket_echo on;
            websocket_max_message_size 10;
        }

        location = /text { return 200 "text\n"; }

        location = /status { websocket_status; access_log off; }
END
);

my $port = $nginx->port;


# what came before, what came behind

my $http = Test::Nginx::HTTP->new(port => $port);

is($http->get('/text')->body, "text\n", 'a request before');
is($http->get('/text')->body, "text\n", 'another one');

my $stream = $http->stream;

$stream->write(handshake('/echo') . text('kept'));
like($stream->read_until(qr/\r\n\r\n/), qr/\AHTTP\/1\.1 101 /,
     'an upgrade of a connection that was kept');
is($stream->read(6), "\x81\x04kept", 'what came in one go with it');
$stream->close;

for my $n (2, 50, 2000) {
    my $ws = connect_to('/echo', raw => text('x' x 100) x $n);

    $ws->expect_text('x' x 100, "$n messages behind the handshake") for 1 .. 2;
    $ws->stream->close;
}

my $large = connect_to('/echo', raw     => text('x' x 100),
                       headers => { 'X-Large' => 'x' x 7000 });
$large->expect_text('x' x 100, 'a head in a large buffer');

my $cut = connect_to('/echo', raw => text('cut'), chunk => 7, pause => 0.001);
$cut->expect_text('cut', 'a handshake in parts');

my $reset = Test::Nginx::Stream->new(port => $port);
$reset->write(handshake('/echo'));
$reset->reset;
ok(connect_to('/echo'), 'a client that has gone with a RST');


# other modules

connect_to('/rate')->stream->close;
pass('limit_rate does not delay the answer');

my $guarded = connect_to('/guarded');
$guarded->send_text('let in');
$guarded->expect_text('let in', 'behind auth_request');

my $mirrored = Test::Nginx::WebSocket->handshake(port => $port,
                                                 path => '/mirrored');
is($mirrored->status, 500, 'mirror is in the way');
ok($nginx->wait_log(qr/"mirror"\) can not be upgraded/), 'it is logged');

my @many = map { connect_to('/one') } 1 .. 3;
is(scalar @many, 3, 'limit_conn does not count what HTTP has let go of');

my $real = connect_to('/realip', headers => { 'X-Real-IP' => '192.0.2.7' });
$real->send_frame(opcode => 3);
$real->expect_close(1002);
ok($nginx->wait_log(qr/client: 192\.0\.2\.7/),
   'the address that realip has found stays');

my $logged = connect_to('/log');
$logged->send_text('x' x 11);
$logged->expect_close(1009);
ok(wait_until { -s $nginx->dir . '/logs/ws_error.log' },
   'the log of the location is used');

ok(wait_until {
       slurp($nginx->dir . '/logs/ws.log')
           =~ m!^101 /realip 192\.0\.2\.7 websocket$!m
   }, 'the handshake is in the access log');


# nothing of HTTP is kept

ok(wait_until {
       my $status = $http->get('/status')->json;
       $status->{connections}{websocket} == 6;
   }, 'six sockets are open') or diag $http->get('/status')->body;


# the end of a worker

my @old = $nginx->reload;

for my $ws (@many, $guarded, $large, $cut) {
    $ws->expect_close(1001);
    $ws->send_close(1001);
}

ok($nginx->wait_gone(20, @old), 'the old worker ends');

$nginx->check;


# TLS

my ($cert, $key) = $nginx->certificate;
my %secure = (port => free_port(), tls => 1, path => '/echo');

my $tls = Test::Nginx::Server->start(
    workers     => 1,
    http_config => <<"END",
    server {
        listen 127.0.0.1:$secure{port} ssl http2;
        ssl_certificate $cert;
        ssl_certificate_key $key;
        location = /echo { websocket on; websocket_echo on; }
    }
END
);

my $secure = Test::Nginx::WebSocket->connect(%secure, raw => text('early'));
$secure->expect_text('early', 'TLS, bytes behind the handshake');
$secure->send_text('x' x 60_000);
$secure->expect_text('x' x 60_000, 'TLS, a large message');

my $same = Test::Nginx::WebSocket->handshake(
    %secure, headers => { Host   => 'example.com',
                          Origin => 'https://example.com' });
is($same->status, 101, 'TLS, the same origin');

my $other = Test::Nginx::WebSocket->handshake(
    %secure, headers => { Host   => 'example.com',
                          Origin => 'http://example.com' });
is($other->status, 403, 'TLS, the same origin by another scheme');

$_->stream->close for $secure, $same, $other;
$tls->check;

done_testing();


sub connect_to {
    my ($path, %args) = @_;

    return Test::Nginx::WebSocket->connect(port => $port, path => $path,
                                           %args);
}


sub handshake {
    my ($path) = @_;

    return join "\r\n", "GET $path HTTP/1.1", 'Host: localhost',
           'Connection: Upgrade', 'Upgrade: websocket',
           'Sec-WebSocket-Version: 13',
           'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', '';
}


sub text {
    my ($payload) = @_;

    return pack('CCN', 0x81, 0x80 | length $payload, 0) . $payload;
}
