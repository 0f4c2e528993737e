# Copyright (C) ngx_http_websocket_module authors

# Compressed messages (RFC 7692): every combination of parameters, what may
# be compressed and how, and the limits of what it inflates to.

use strict;
use warnings;

use Compress::Raw::Zlib qw(Z_FIXED Z_FULL_FLUSH Z_NO_COMPRESSION
                           Z_SYNC_FLUSH);
use Test::More;

use Test::Nginx::Process qw(slurp);
use Test::Nginx::Server;
use Test::Nginx::WebSocket;
use Test::Nginx::WebSocketCases;

my $OFFER = 'permessage-deflate; client_max_window_bits';
my $JSON = '{"event":"message:send","data":{"message":"Hello","n":[1,2,3]}}';

my $nginx = Test::Nginx::Server->start(
    workers => 1,
    config  => <<'END',
        websocket_compression on;
        websocket_max_message_size 1m;
        websocket_send_queue 2m;

        location = /echo { websocket on; websocket_echo on; }

        location = /small {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 1000;
        }

        location = /large {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 16m;
            websocket_send_queue 16m;
        }

        location = /off {
            websocket on;
            websocket_echo on;
            websocket_compression off;
        }
END
);

my %echo = (port => $nginx->port, path => '/echo');
my %deflate = (%echo, deflate => $OFFER);


# 7.1: each way to offer, and messages of each kind under its terms

my @messages = ('', 'x', $JSON, $JSON x 20, 'x' x 5000, random(3000),
                join(',', 1 .. 20_000), random(40_000) x 3);

for my $takeover ('', '; server_no_context_takeover',
                  '; client_no_context_takeover',
                  '; server_no_context_takeover; client_no_context_takeover')
{
    for my $bits ('', '; client_max_window_bits',
                  map({ ("; server_max_window_bits=$_",
                         "; client_max_window_bits=$_",
                         "; server_max_window_bits=$_; client_max_window_bits"
                         . "=$_") } 8 .. 10, 12, 15))
    {
        converse("permessage-deflate$takeover$bits");
    }
}


# An offer and what comes of it, in one test.

sub converse {
    my ($offer) = @_;

    my $ws = Test::Nginx::WebSocket->connect(%echo, deflate => $offer);
    my $terms = $ws->deflate ? $ws->deflate->terms : { none => 1 };
    my @bad;

    for (qw(server_no_context_takeover client_no_context_takeover)) {
        push @bad, "no $_" if $offer =~ /$_/ && !$terms->{$_};
    }

    for (qw(server_max_window_bits client_max_window_bits)) {
        my ($asked) = $offer =~ /$_=(\d+)/;

        push @bad, "$_ above $asked" if $asked && ($terms->{$_} // 15) > $asked;
    }

    # ours is kept, the client's where it can be small

    push @bad, 'no server takeover'
        if $terms->{server_no_context_takeover}
           && $offer !~ /server_no_context_takeover/;
    push @bad, 'client takeover'
        if !$terms->{client_no_context_takeover}
           && ($terms->{client_max_window_bits} // 15) > 12;
    push @bad, 'no client takeover'
        if $terms->{client_no_context_takeover}
           && $offer !~ /client_no_context_takeover/
           && $offer =~ /client_max_window_bits/;

    push @bad, 'client_max_window_bits unasked'
        if $offer !~ /client_max_window_bits/
           && $terms->{client_max_window_bits};

    # zlib can not keep to a window of 256 bytes, nor can this client

    my $compress = ($terms->{client_max_window_bits} // 15) > 8;

    for my $data (@messages, @messages) {
        $ws->send_binary($data, compress => $compress);

        my $back = $ws->read_message;

        if (!$back || $back->{data} ne $data) {
            push @bad, 'another message of ' . length $data;
            last;
        }

        push @bad, 'not compressed: ' . length $data
            if !$back->{compressed} && length $data > 1000
               && $data =~ /^[ -~]+\z/;
        push @bad, 'compressed: ' . length $data
            if $back->{compressed} && length $data < 100;
    }

    push @bad, leans($ws) ? 'server keeps its context'
                          : 'server forgets its context'
        if $ws->deflate
           && leans($ws) != ($terms->{server_no_context_takeover} ? 0 : 1);

    is(join(', ', @bad), '', "7.1: $offer");
    $ws->disconnect;
}


# Whether the second of two equal messages leans on the first one: both fit
# even in a window of 256 bytes.

sub leans {
    my ($ws) = @_;

    my $text = unpack 'H*', substr random(4000), 0, 70;
    my @sizes;

    for (1, 2) {
        $ws->send_text($text, compress => 0);

        my $f = $ws->read_frame;
        my $back = $ws->deflate->decompress($f->{payload});

        return -1 if !$f->{rsv} || $back ne $text;

        push @sizes, length $f->{payload};
    }

    return $sizes[1] < $sizes[0] / 3 ? 1 : 0;
}


# 7.1: a thousand messages by each set of terms, whole and in frames of 256
# bytes, as they lean on each other

for my $offer ($OFFER, 'permessage-deflate',
               "$OFFER; server_no_context_takeover",
               "$OFFER; client_no_context_takeover",
               'permessage-deflate; client_max_window_bits=9; '
                   . 'server_max_window_bits=9',
               'permessage-deflate; client_max_window_bits=9; '
                   . 'server_max_window_bits=9; server_no_context_takeover',
               'permessage-deflate; client_max_window_bits=15; '
                   . 'server_max_window_bits=15')
{
    my $ws = Test::Nginx::WebSocket->connect(%echo, deflate => $offer);
    my ($good, $source) = (0, random(20_000) . $JSON x 600);

    for my $i (0 .. 999) {
        my $data = substr $source, $i * 17, 16 << $i % 9;

        $ws->send_raw($i % 2 ? deflated($ws, $data, BINARY)
                             : in_frames($ws->deflate->compress($data), 256,
                                         BINARY));

        my $back = $ws->read_message or last;

        $good++ if $back->{data} eq $data;
    }

    is($good, 1000, "7.1: a thousand messages, $offer");
    $ws->disconnect;
}


# 7.1: what is declined; the connection goes without

for ('permessage-deflate; server_max_window_bits',
     'permessage-deflate; server_max_window_bits=7',
     'permessage-deflate; server_max_window_bits=16',
     'permessage-deflate; server_max_window_bits=08',
     'permessage-deflate; client_max_window_bits=7',
     'permessage-deflate; client_max_window_bits=99',
     'permessage-deflate; server_no_context_takeover=1',
     'permessage-deflate; client_no_context_takeover; '
         . 'client_no_context_takeover',
     'permessage-deflate; no_such_parameter',
     'permessage-bzip2', 'x-webkit-deflate-frame')
{
    run_cases({ %echo, deflate => $_ },
              [ "7.1: declined: $_", frame(TEXT, $JSON x 20),
                show(text => $JSON x 20) ],
              [ "6: compressed, though declined: $_",
                frame(TEXT, '', rsv => 4), 'close(1002)' ]);
}

run_cases({ %echo, deflate => "$OFFER; no_such_parameter, $OFFER" },
          [ '7.1: the second of two offers', sub { deflated($_[0], $JSON) },
            show(text => $JSON) ]);

run_cases({ %echo, path => '/off', deflate => $OFFER },
          [ '5: where it is off', frame(TEXT, '', rsv => 4),
            'close(1002)' ]);


# 6: the frames

sub deflated {
    my ($ws, $text, $opcode) = @_;

    return frame($opcode // TEXT, $ws->deflate->compress($text), rsv => 4);
}

# A compressed message in these many bytes a frame.

sub in_frames {
    my ($payload, $size, $opcode) = @_;

    my @parts = unpack "(a$size)*", $payload;

    return join '', map {
        frame($_ == 0 ? $opcode // TEXT : CONT, $parts[$_],
              rsv => $_ == 0 ? 4 : 0, fin => $_ == $#parts || 0)
    } 0 .. $#parts;
}

sub deflate_raw {
    my ($text, %args) = @_;

    my $z = Compress::Raw::Zlib::Deflate->new(
        -WindowBits => -15, -AppendOutput => 1, %{$args{zlib} // {}});
    my $out = '';

    for (ref $text ? @$text : $text) {
        $z->deflate($_, $out);
        $z->flush($out, $args{flush} // Z_SYNC_FLUSH);
    }

    return $args{whole} ? $out : $out =~ s/\x00\x00\xff\xff\z//r;
}

my $long = $JSON x 20;
my $back = show('deflated-text' => $long);

# the examples of RFC 7692, section 7.2.3

my $hello = "\xf2\x48\xcd\xc9\xc9\x07\x00";

run_cases(\%deflate,
    [ '7.2.3.1: one block', frame(TEXT, $hello, rsv => 4), 'text(Hello)' ],
    [ '7.2.3.1: in two frames',
      frame(TEXT, substr($hello, 0, 3), rsv => 4, fin => 0)
          . frame(CONT, substr $hello, 3), 'text(Hello)' ],
    [ '7.2.3.3: a block without compression',
      frame(TEXT, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", rsv => 4),
      'text(Hello)' ],
    [ '7.2.3.4: a block with BFINAL',
      frame(TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", rsv => 4),
      'text(Hello)' ],
    [ '7.2.3.5: two blocks',
      frame(TEXT, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            rsv => 4), 'text(Hello)' ],
    [ '7.2.3.6: an empty message', frame(TEXT, "\x00", rsv => 4), 'text()' ],
    [ '7.2.3.6: an empty payload', frame(BINARY, '', rsv => 4),
      'binary()' ],

    [ '6: not compressed', frame(TEXT, 'Hello'), 'text(Hello)' ],
    [ '6: now and then', sub { frame(TEXT, 'a') . deflated($_[0], 'b')
                               . frame(TEXT, 'c') . deflated($_[0], 'd') },
      'text(a) text(b) text(c) text(d)' ],
    [ '6.1: a frame a byte', in_frames(deflate_raw($long), 1), $back ],
    [ '6.1: frames of 7 bytes', in_frames(deflate_raw($long), 7), $back ],
    [ '6.1: a ping between the frames',
      frame(TEXT, substr($hello, 0, 3), rsv => 4, fin => 0)
          . frame(PING, 'p') . frame(CONT, substr $hello, 3),
      'pong(p) text(Hello)' ],
    [ '6.1: the last frame is empty',
      frame(TEXT, $hello, rsv => 4, fin => 0) . frame(CONT, ''),
      'text(Hello)' ],
    [ '7.2.1: flushed in the middle',
      frame(TEXT, deflate_raw([$long, 'x']), rsv => 4),
      show('deflated-text' => "${long}x") ],
    [ '7.2.1: full flushes',
      frame(TEXT, deflate_raw([$JSON, $long], flush => Z_FULL_FLUSH),
            rsv => 4), show('deflated-text' => $JSON . $long) ],
    [ '7.2.1: stored blocks',
      frame(TEXT, deflate_raw($long, zlib => { -Level => Z_NO_COMPRESSION }),
            rsv => 4), $back ],
    [ '7.2.1: fixed codes',
      frame(TEXT, deflate_raw($long, zlib => { -Strategy => Z_FIXED }),
            rsv => 4), $back ],
    [ '7.2.1: its tail is left',
      frame(TEXT, deflate_raw($long, whole => 1), rsv => 4), 'close(1007)' ],

    [ '6: RSV1 in a continuation',
      frame(TEXT, 'x', rsv => 4, fin => 0) . frame(CONT, 'y', rsv => 4),
      'close(1002)' ],
    [ '6: RSV1 in a continuation alone',
      frame(TEXT, 'x', fin => 0) . frame(CONT, 'y', rsv => 4),
      'close(1002)' ],
    [ '6: RSV1 in a ping', frame(PING, 'x', rsv => 4), 'close(1002)' ],
    [ '6: RSV1 in a close frame', frame(CLOSE, '', rsv => 4),
      'close(1002)' ],
    [ '6: RSV2', frame(TEXT, $hello, rsv => 6), 'close(1002)' ],
    [ '6: RSV3', frame(TEXT, $hello, rsv => 5), 'close(1002)' ],

    [ '7.2.2: no deflate at all', frame(TEXT, "\xff\xff\xff", rsv => 4),
      'close(1007)' ],
    [ '7.2.2: no deflate, the frame is not over',
      substr(frame(TEXT, "\xff" . 'x' x 50, rsv => 4), 0, -50),
      'close(1007)' ],
    [ '7.2.2: it ends too early',
      frame(TEXT, substr(deflate_raw($long), 0, 20), rsv => 4),
      'close(1007)' ],
    [ '7.2.2: what came before is echoed',
      frame(TEXT, 'ok') . frame(TEXT, "\xff\xff\xff", rsv => 4),
      'text(ok) close(1007)' ],
    [ '7.2.2: a distance beyond the start',
      frame(TEXT, "\x02\x41\x00", rsv => 4), 'close(1007)' ],

    [ '8.1: a compressed text that is no UTF-8',
      frame(TEXT, deflate_raw("x\xffx"), rsv => 4), 'close(1007)' ],
    [ '8.1: half a character at the end',
      frame(TEXT, deflate_raw("x\xe2\x82"), rsv => 4), 'close(1007)' ],
    [ '8.1: a character over two frames',
      in_frames(deflate_raw("\xe2\x82\xac", zlib => { -Level => 0 }), 6),
      'text(\xe2\x82\xac)' ],
    [ '8.1: bad text fails before the message ends',
      frame(TEXT, deflate_raw("\xff" x 100, zlib => { -Level => 0 }),
            rsv => 4, fin => 0), 'close(1007)' ],
);


# 8: what a few bytes inflate to is bounded

my $bomb = deflate_raw("\0" x 100_000_000);
my $before = peak();

run_cases(\%deflate,
    [ '8: a bomb', sub { frame(BINARY, $bomb, rsv => 4) }, 'close(1009)' ],
    [ '8: a bomb in fragments', sub { in_frames($bomb, 1000, BINARY) },
      'close(1009)' ],
    [ '8: empty blocks without an end',
      sub { frame(BINARY, "\0\0\0\xff\xff" x 450_000, rsv => 4) },
      'close(1009)' ]);

# a sanitizer keeps for a while what is freed

my $most = $ENV{ASAN_OPTIONS} ? 300_000 : 20_000;

cmp_ok(peak() - $before, '<', $most, 'KB that bombs of 100 MB take');

run_cases({ %deflate, path => '/small' },
    [ '8: as large as is allowed', sub { deflated($_[0], 'x' x 1000) },
      show('deflated-text' => 'x' x 1000) ],
    [ '8: a byte more', sub { deflated($_[0], 'x' x 1001) }, 'close(1009)' ],
    [ '8: incompressible, more bytes than it inflates to',
      frame(BINARY, deflate_raw(random(1000)), rsv => 4),
      show(binary => random(1000)) ]);

run_cases({ %deflate, path => '/large', timeout => 20 },
    [ '8: 16 MB', sub { deflated($_[0], $JSON x 266_000) },
      show('deflated-text' => $JSON x 266_000) ],
    [ '8: 65,536 frames',
      in_frames(deflate_raw(random(65_525), zlib => { -Level => 0 }), 1,
                BINARY), show(binary => random(65_525)) ]);

$nginx->check;

done_testing();


sub random {
    my ($n) = @_;

    srand 7;
    return join '', map { chr int rand 256 } 1 .. $n;
}


sub peak {
    my ($pid) = $nginx->workers;

    return slurp("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ ? $1 : 0;
}
