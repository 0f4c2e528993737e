# Copyright (C) ngx_http_websocket_module authors

# Frames, one by one (RFC 6455, sections 5 and 7): each case is sent whole and
# then byte by byte, and by TLS.

use strict;
use warnings;

use Test::More;

use Test::Nginx::Process qw(free_port);
use Test::Nginx::Server;
use Test::Nginx::WebSocketCases;

my $A = frame(TEXT, 'a');

my @lengths = map {
    my $payload = '*' x $_;

    [ "5.2: text of $_ bytes", frame(TEXT, $payload), show(text => $payload) ],
    [ "5.2: binary of $_ bytes", frame(BINARY, "\xfe" x $_),
      show(binary => "\xfe" x $_) ]
} 0, 1, 124, 125, 126, 127, 128;

my @large = map {
    [ "5.2: text of $_ bytes", frame(TEXT, '*' x $_), show(text => '*' x $_) ],
    [ "5.2: binary of $_ bytes", frame(BINARY, "\0" x $_),
      show(binary => "\0" x $_) ]
} 65535, 65536, 65537, 131072, 1_000_000;

my @length_heads = (
    [ '5.2: 16 bits of length for 125 bytes',
      frame(TEXT, 'x' x 125, width => 16), 'close(1002)' ],
    [ '5.2: 16 bits of length for none', frame(TEXT, '', width => 16),
      'close(1002)' ],
    [ '5.2: 64 bits of length for 126 bytes',
      frame(TEXT, 'x' x 126, width => 64), 'close(1002)' ],
    [ '5.2: 64 bits of length for 65535 bytes',
      frame(TEXT, 'x' x 10, width => 64, length => 65535), 'close(1002)' ],
    [ '5.2: the most significant bit of 64 is set',
      pack('CCQ>N', 0x81, 0xff, 1 << 63, 0), 'close(1002)' ],
    [ '5.2: the same, its first byte alone', pack('CCC', 0x81, 0xff, 0x80),
      'close(1002)' ],
    [ '10.4: a length beyond the limit, its head alone',
      pack('CCQ>', 0x82, 0xff, 16 * 1024 * 1024 + 1), 'close(1009)' ],
    [ '10.4: the largest length there is',
      pack('CCQ>', 0x82, 0xff, ~0 >> 1), 'close(1009)' ],
    [ '10.4: a large message, what came before is echoed',
      $A . pack('CCQ>', 0x82, 0xff, 1 << 40), 'text(a) close(1009)' ],
);

my @masks = (
    [ '5.1: a text without a mask', frame(TEXT, 'x', mask => 0),
      'close(1002)' ],
    [ '5.1: the head of one alone', "\x81\x01", 'close(1002)' ],
    [ '5.1: a ping without a mask', frame(PING, '', mask => 0),
      'close(1002)' ],
    [ '5.1: a close frame without a mask', "\x88\x00", 'close(1002)' ],
    [ '5.1: the second frame has no mask',
      $A . frame(TEXT, 'b', mask => 0), 'text(a) close(1002)' ],
    [ '5.3: the mask is zero', frame(TEXT, 'masked', mask => "\0" x 4),
      'text(masked)' ],
    [ '5.3: the mask is all ones', frame(TEXT, 'masked', mask => "\xff" x 4),
      'text(masked)' ],
    [ '5.3: the mask is the payload', frame(TEXT, 'mask', mask => 'mask'),
      'text(mask)' ],
    map {
        [ "5.3: masked, $_ bytes", frame(BINARY, substr 'abcdefghijkl', 0, $_),
          show(binary => substr 'abcdefghijkl', 0, $_) ]
    } 2 .. 12
);

my @pings = (
    [ '5.5.2: a ping without payload', frame(PING, ''), 'pong()' ],
    [ '5.5.2: a ping with text', frame(PING, 'Hello'), 'pong(Hello)' ],
    [ '5.5.2: a ping with bytes that are no text',
      frame(PING, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
      'pong(\x00\xff\xfe\xfd\xfc\xfb\x00\xff)' ],
    [ '5.5: a ping of 125 bytes', frame(PING, "\xfe" x 125),
      show(pong => "\xfe" x 125) ],
    [ '5.5: a ping of 126 bytes', frame(PING, "\xfe" x 126), 'close(1002)' ],
    [ '5.5: a ping of 126 bytes, two of its head', "\x89\xfe",
      'close(1002)' ],
    [ '5.5: a ping whose length takes 64 bits', "\x89\xff", 'close(1002)' ],
    [ '5.5.2: ten pings', join('', map { frame(PING, "ping $_") } 0 .. 9),
      join(' ', map { "pong(ping $_)" } 0 .. 9) ],
    [ '5.5.3: a pong nobody asked for', frame(PONG, ''), '' ],
    [ '5.5.3: a pong with payload', frame(PONG, 'unasked'), '' ],
    [ '5.5.3: a pong of 126 bytes', frame(PONG, 'x' x 126), 'close(1002)' ],
    [ '5.5.3: a pong, then a ping', frame(PONG, 'x') . frame(PING, 'y'),
      'pong(y)' ],
    [ '5.5.2: between messages', $A . frame(PING, 'p') . $A,
      'text(a) pong(p) text(a)' ],
    [ '5.5: a ping in two fragments',
      frame(PING, 'x', fin => 0) . frame(CONT, 'y'), 'close(1002)' ],
    [ '5.5: a pong in fragments, its first byte alone', "\x0a",
      'close(1002)' ],
);

# reserved bits 1 to 7 in every kind of frame

my @reserved = map {
    my $rsv = $_;

    map {
        my ($name, $opcode) = @$_;

        [ "5.2: reserved bits $rsv, $name",
          $A . frame($opcode, '', rsv => $rsv), 'text(a) close(1002)' ]
    } ['text', TEXT], ['binary', BINARY], ['ping', PING], ['pong', PONG],
      ['close', CLOSE], ['continuation', CONT]
} 1 .. 7;

push @reserved,
    [ '5.2: a reserved bit, the first byte alone', "\xc1", 'close(1002)' ],
    [ '5.2: a reserved bit, in a later fragment',
      frame(TEXT, 'x', fin => 0) . frame(CONT, 'y', rsv => 2),
      'close(1002)' ],
    [ '5.2: a reserved bit in a ping within a message',
      frame(TEXT, 'x', fin => 0) . frame(PING, 'y', rsv => 4),
      'close(1002)' ],
    [ '5.2: a reserved bit, and a ping behind it',
      $A . frame(TEXT, '', rsv => 1) . frame(PING, ''),
      'text(a) close(1002)' ];

my @opcodes = map {
    [ "5.2: opcode $_", frame($_, ''), 'close(1002)' ],
    [ "5.2: opcode $_ with payload, what came before is echoed",
      $A . frame($_, 'payload') . frame(PING, ''), 'text(a) close(1002)' ],
    [ "5.2: opcode $_, the first byte alone", chr(0x80 | $_), 'close(1002)' ]
} 3 .. 7, 11 .. 15;

my @many = (
    [ '5.4: messages in one write', join('', map { frame(TEXT, "m$_") } 1 .. 9),
      join(' ', map { "text(m$_)" } 1 .. 9) ],
    [ '5.6: text, binary, empty',
      frame(TEXT, 't') . frame(BINARY, 'b') . frame(TEXT, '')
          . frame(BINARY, ''),
      'text(t) binary(b) text() binary()' ],
);

my @short = (@lengths, @length_heads, @masks, @pings, @reserved, @opcodes,
             @many);


my $nginx = Test::Nginx::Server->start(
    workers => 1,
    config  => <<'END',
        location = /echo {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 16m;
            websocket_send_queue 16m;
        }
END
);

my %echo = (port => $nginx->port, path => '/echo');

run_cases(\%echo, @short, @large);
run_cases({ %echo, chunk => 1, pause => 0.0002, prefix => 'by bytes: ' },
          grep { length $_->[1] < 40 } @short);
run_cases({ %echo, chunk => 997, pause => 0.0002, prefix => 'in parts: ' },
          grep { length $_->[1] < 140_000 } @large);

$nginx->check;


my ($cert, $key) = $nginx->certificate;
my $port = free_port();

my $tls = Test::Nginx::Server->start(
    workers     => 1,
    http_config => <<"END",
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $cert;
        ssl_certificate_key $key;

        location = /echo {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 16m;
            websocket_send_queue 16m;
        }
    }
END
);

run_cases({ port => $port, path => '/echo', tls => 1, prefix => 'wss: ' },
          @lengths, @length_heads, @pings, @many, @large);

$tls->check;

done_testing();
