# Copyright (C) ngx_http_websocket_module authors

# The end of a connection (RFC 6455, sections 5.5.1 and 7): the client's close
# frames, what follows them, and connections that end without one.

use strict;
use warnings;

use Test::More;

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port wait_until);
use Test::Nginx::Server;
use Test::Nginx::WebSocketCases;

my $HELLO = frame(TEXT, 'Hello');

my @cases = (
    [ '5.5.1: without a code', frame(CLOSE, ''), 'close()' ],
    [ '7.1.2: behind a message', $HELLO . close_frame(1000),
      'text(Hello) close(1000)' ],
    [ '5.5.1: two close frames', close_frame(1000) x 2, 'close(1000)' ],
    [ '5.5.1: a message behind it', close_frame(1000) . $HELLO,
      'close(1000)' ],
    [ '5.5.1: a ping behind it', close_frame(1000) . frame(PING, 'x'),
      'close(1000)' ],
    [ '5.5.1: half a message behind it',
      close_frame(1000) . "\x81\xff", 'close(1000)' ],
    [ '5.5.1: much behind it', close_frame(1000)
      . frame(BINARY, 'x' x 200_000), 'close(1000)' ],
    [ '5.5.1: behind much, and a ping behind it',
      frame(TEXT, 'x' x 262_144) . close_frame(1000) . frame(PING, ''),
      show(text => 'x' x 262_144) . ' close(1000)' ],
    [ '5.5.1: what is no frame behind it', close_frame(1000) . "\xff" x 100,
      'close(1000)' ],
    [ '5.5.1: one byte', frame(CLOSE, 'x'), 'close(1002)' ],
    [ '5.5.1: a reason', close_frame(1000, 'Bye'), 'close(1000)' ],
    [ '5.5: a reason of 123 bytes', close_frame(1000, '*' x 123),
      'close(1000)' ],
    [ '5.5: a reason of 124 bytes', close_frame(1000, '*' x 124),
      'close(1002)' ],
    [ '5.5.1: a reason in UTF-8', close_frame(1000, "\xe2\x82\xac"),
      'close(1000)' ],
    [ '5.5.1: a reason that is no UTF-8', close_frame(1000, "\xed\xa0\x80"),
      'close(1007)' ],
    [ '5.5.1: a reason with half a character', close_frame(1000, "\xe2\x82"),
      'close(1007)' ],
    [ '5.5: in two fragments',
      frame(CLOSE, "\x03", fin => 0) . frame(CONT, "\xe8"), 'close(1002)' ],

    map({ [ "7.4: the code $_", close_frame($_), "close($_)" ] }
        1000 .. 1003, 1007 .. 1014, 3000, 3999, 4000, 4999),
    map({ [ "7.4: the code $_, which may not be sent", close_frame($_),
            'close(1002)' ] }
        0, 1, 999, 1004 .. 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535),
);

my $nginx = Test::Nginx::Server->start(
    workers => 1,
    config  => <<'END',
        location = /echo { websocket on; websocket_echo on; }
        location = /status { websocket_status; access_log off; }
END
);

my %echo = (port => $nginx->port, path => '/echo');

run_cases(\%echo, @cases);
run_cases({ %echo, chunk => 1, pause => 0.0001, prefix => 'by bytes: ' },
          grep { length $_->[1] < 40 } @cases);


# 7.1.1: the server closes the TCP connection first, and only then

my $ws = Test::Nginx::WebSocket->connect(%echo);

is($ws->close(1000), 1000, 'the server closes after its close frame');


# 7.1.7: after a bad frame the server does not process what follows; the
# close frame arrives also if much follows

for my $size (10, 1000, 100_000, 3_000_000) {
    $ws = Test::Nginx::WebSocket->connect(%echo);
    $ws->send_raw(frame(3, '') . frame(BINARY, 'x' x $size));
    $ws->expect_close(1002, undef, "1002, $size bytes behind the bad frame");
    $ws->expect_closed;
}


# a client that does not answer the close frame, nor closes

$ws = Test::Nginx::WebSocket->connect(%echo, answer => 0);
$ws->send_frame(opcode => 3);
$ws->expect_close(1002);
ok(!$ws->stream->have(1, time + 10) && $ws->error eq 'closed',
   'the sending side is closed behind the close frame');
ok(wait_until(sub { !open_sockets() }), 'nobody waits for ever');


# a client that closes its sending side, and reads on; the worker finds the
# bytes and their end together

my ($worker) = $nginx->workers;

for (['messages', join('', map { frame(TEXT, "m$_") } 1 .. 3),
      "\x81\x02m1\x81\x02m2\x81\x02m3"],
     ['a close frame', close_frame(1000), "\x88\x02\x03\xe8"],
     ['a bad frame', $HELLO . frame(3, ''), "\x81\x05Hello\x88\x02\x03\xea"],
     ['a large message', frame(BINARY, 'x' x 120_000),
      pack('CCQ>', 0x82, 127, 120_000) . 'x' x 120_000])
{
    my ($name, $bytes, $back) = @$_;

    $ws = Test::Nginx::WebSocket->connect(%echo, rcvbuf => 4096);
    kill STOP => $worker;
    $ws->send_raw($bytes);
    shutdown $ws->stream->socket, 1;
    kill CONT => $worker;
    ok(($ws->stream->read_all // '') eq $back,
       "a client that has closed its side behind $name");
}


# what ends without a word

for my $how ('disconnect', 'reset') {
    for my $bytes ('', "\x81", "\x81\xff\0\0", substr($HELLO, 0, 8),
                   frame(TEXT, 'x', fin => 0), $HELLO,
                   $HELLO x 3000)
    {
        $ws = Test::Nginx::WebSocket->connect(%echo);
        $ws->send_raw($bytes);
        $ws->$how;
    }
}

ok(wait_until(sub { !open_sockets() }), 'sockets that end without a word');

$nginx->check;


# TLS ends in its own way: with a close_notify

my ($cert, $key) = $nginx->certificate;
my $port = free_port();

my $tls = Test::Nginx::Server->start(workers => 1, http_config => <<"END");
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $cert;
        ssl_certificate_key $key;

        location = /echo { websocket on; websocket_echo on; }
    }
END

%echo = (port => $port, path => '/echo', tls => 1);

run_cases({ %echo, prefix => 'wss: ' }, @cases);

for my $bytes (close_frame(1000), frame(3, '')) {
    $ws = Test::Nginx::WebSocket->connect(%echo, answer => 0);
    $ws->send_raw($bytes);
    $ws->read_close;
    ok($ws->closed
       && Net::SSLeay::get_shutdown($ws->stream->socket->_get_ssl_object)
          & Net::SSLeay::RECEIVED_SHUTDOWN(),
       'wss: close_notify behind the close frame');
}

$tls->check;

done_testing();


sub open_sockets {
    my $res = Test::Nginx::HTTP->new(port => $nginx->port)->get('/status');

    return $res->json->{connections}{websocket};
}
