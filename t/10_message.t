# Copyright (C) ngx_http_websocket_module authors

# Messages of several frames and their text (RFC 6455, sections 5.4, 5.6 and
# 8.1): each case is sent whole and then byte by byte.

use strict;
use warnings;

use Test::More;

use Test::Nginx::Process qw(free_port);
use Test::Nginx::Server;
use Test::Nginx::WebSocketCases;

my $KOSME = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

sub first { frame($_[0], $_[1], fin => 0) }
sub next_ { frame(CONT, $_[0], fin => 0) }
sub last_ { frame(CONT, $_[0]) }

my @fragments = (
    [ '5.4: text in two frames', fragments(TEXT, 'frag', 'ment'),
      'text(fragment)' ],
    [ '5.4: binary in two frames', fragments(BINARY, "\x00", "\xff"),
      'binary(\x00\xff)' ],
    [ '5.4: three empty frames', fragments(TEXT, '', '', ''), 'text()' ],
    [ '5.4: empty frames around a payload', fragments(TEXT, '', 'x', ''),
      'text(x)' ],
    [ '5.4: an empty first frame', fragments(BINARY, '', 'xyz'),
      'binary(xyz)' ],
    [ '5.4: five frames', fragments(TEXT, 'a' .. 'e'), 'text(abcde)' ],
    [ '5.4: one after another',
      fragments(TEXT, 'a', 'b') . fragments(BINARY, 'c', 'd')
          . frame(TEXT, 'e'), 'text(ab) binary(cd) text(e)' ],
    [ '5.4: a ping between the frames',
      first(TEXT, 'frag') . frame(PING, 'p') . last_('ment'),
      'pong(p) text(fragment)' ],
    [ '5.4: pings between five frames',
      first(TEXT, 'a') . frame(PING, '1st') . next_('b') . frame(PING, '2nd')
          . next_('c') . last_('d'), 'pong(1st) pong(2nd) text(abcd)' ],
    [ '5.4: a pong between the frames',
      first(TEXT, 'a') . frame(PONG, 'x') . last_('b'), 'text(ab)' ],
    [ '5.4: a ping is answered before the message ends',
      first(TEXT, 'a') . frame(PING, 'now'), 'pong(now)' ],
    [ '5.5.1: a close frame between the frames',
      first(TEXT, 'a') . close_frame(1000) . last_('b'), 'close(1000)' ],
    [ '5.4: a message within a message, text',
      first(TEXT, 'a') . frame(TEXT, 'b'), 'close(1002)' ],
    [ '5.4: a message within a message, binary, its first byte alone',
      first(TEXT, 'a') . "\x82", 'close(1002)' ],
    [ '5.4: a message within a message, in fragments',
      first(TEXT, 'a') . first(TEXT, 'b'), 'close(1002)' ],
    [ '5.4: nothing to continue', last_('x'), 'close(1002)' ],
    [ '5.4: nothing to continue, not the last', next_('x'), 'close(1002)' ],
    [ '5.4: nothing to continue, empty', last_(''), 'close(1002)' ],
    [ '5.4: nothing to continue, the first byte alone', "\x80",
      'close(1002)' ],
    [ '5.4: nothing to continue behind a message',
      frame(TEXT, 'a') . last_('b'), 'text(a) close(1002)' ],
    [ '5.4: nothing to continue behind one of two frames',
      fragments(TEXT, 'a', 'b') . last_('c') . frame(TEXT, 'd'),
      'text(ab) close(1002)' ],
    [ '5.4: nothing to continue, then a message in frames',
      next_('x') . fragments(TEXT, 'a', 'b'), 'close(1002)' ],
);

# 8.1: valid texts, whole and in a frame a byte; with the bounds of Unicode
# and its noncharacters

my %valid = (
    'ASCII and Latin'     => "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4",
    'Greek'               => $KOSME,
    'the character 0'     => "\x00",
    'U+0080'              => "\xc2\x80",
    'U+07FF'              => "\xdf\xbf",
    'U+0800'              => "\xe0\xa0\x80",
    'U+D7FF'              => "\xed\x9f\xbf",
    'U+E000'              => "\xee\x80\x80",
    'U+FFFD'              => "\xef\xbf\xbd",
    'U+FFFE'              => "\xef\xbf\xbe",
    'U+FFFF'              => "\xef\xbf\xbf",
    'U+10000'             => "\xf0\x90\x80\x80",
    'U+1F600'             => "\xf0\x9f\x98\x80",
    'U+10FFFF'            => "\xf4\x8f\xbf\xbf",
    'U+7F'                => "\x7f",
    'a byte order mark'   => "\xef\xbb\xbfx",
    map({ my $n = $_; sprintf('U+%XFFFE', $n) => do {
            my $s = chr($n << 16 | 0xfffe);
            no warnings;
            utf8::encode($s);
            $s
        } } 1 .. 16),
);

my @valid = map {
    [ "8.1: $_", frame(TEXT, $valid{$_}), show(text => $valid{$_}) ],
    [ "8.1: $_, a frame a byte", fragments(TEXT, split //, $valid{$_}),
      show(text => $valid{$_}) ]
} sort keys %valid;

# invalid ones as [name, what is sure to be wrong with its last byte]

my @wrong = (
    map({ [ sprintf('the byte %02x', $_), chr $_ ] }
        0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xf8, 0xfc, 0xfe, 0xff),
    [ 'two lone continuations',        "\x80" ],
    [ 'a surrogate, U+D800',           "\xed\xa0" ],
    [ 'a surrogate, U+DBFF',           "\xed\xaf" ],
    [ 'a surrogate, U+DC00',           "\xed\xb0" ],
    [ 'a surrogate, U+DFFF',           "\xed\xbf" ],
    [ 'U+110000',                      "\xf4\x90" ],
    [ 'an overlong U+2F, 3 bytes',     "\xe0\x80" ],
    [ 'an overlong U+7FF, 3 bytes',    "\xe0\x9f" ],
    [ 'an overlong U+FFFF, 4 bytes',   "\xf0\x8f" ],
    [ 'a character of 2 cut by a letter', "\xc3a" ],
    [ 'a character of 3 cut by a letter', "\xe2\x82a" ],
    [ 'a character of 4 cut by a letter', "\xf0\x9f\x98a" ],
    [ 'a character cut by another',    "\xe2\xc3" ],
    [ 'Greek, then a surrogate',       "$KOSME\xed\xa0" ],
    [ 'Greek, then beyond Unicode',    "$KOSME\xf4\x90" ],
);

my @wrong_cases = map {
    my ($name, $text) = @$_;

    [ "8.1: $name", frame(TEXT, $text . 'edited'), 'close(1007)' ],
    [ "8.1: $name, what came before is echoed",
      frame(TEXT, 'ok') . frame(TEXT, $text), 'text(ok) close(1007)' ],
    [ "8.1: $name, in the middle of a frame",
      substr(frame(TEXT, $text . 'x' x 50), 0, -50), 'close(1007)' ],
    [ "8.1: $name, a frame a byte, more to come",
      join('', first(TEXT, ''), map { next_($_) } split //, $text),
      'close(1007)' ],
    [ "8.1: $name, nothing of it in the first frame",
      first(TEXT, 'x' x 200) . next_($text), 'close(1007)' ]
} @wrong;

# a character that is not finished is an error at the end of the message only

my @unfinished = (
    map({
        my ($name, $text, $rest) = @$_;

        [ "8.1: $name", frame(TEXT, $text), 'close(1007)' ],
        [ "8.1: $name, the last frame is empty", fragments(TEXT, $text, ''),
          'close(1007)' ],
        [ "8.1: $name, the rest behind a ping",
          first(TEXT, $text) . frame(PING, '') . last_($rest),
          'pong() ' . show(text => $text . $rest) ]
    } [ 'one byte of 2', "\xdf", "\xbf" ],
      [ 'two bytes of 4', "\xf0\xbf", "\xbf\xbf" ],
      [ 'three bytes of 4', "\xf0\xbf\xbf", "\xbf" ]),
    [ '8.1: bytes that are no text, as binary', frame(BINARY, "\xff\xc0\x80"),
      'binary(\xff\xc0\x80)' ],
    [ '8.1: each message starts afresh',
      frame(BINARY, "\xe2\x82") . frame(TEXT, "x"),
      'binary(\xe2\x82) text(x)' ],
    [ '8.1: a ping with bytes that are no text, within a text',
      first(TEXT, "\xe2\x82") . frame(PING, "\xff") . last_("\xac"),
      'pong(\xff) text(\xe2\x82\xac)' ],
);

my @short = (@fragments, @valid, @wrong_cases, @unfinished);

# large ones

my $mega = 'x' x (1 << 20);
my @text = map { substr $mega, 0, $_ } 1 << 16, 1 << 18, 1 << 20;

my @large = (
    map({
        my $whole = $_;
        my $size = length $whole;

        map {
            my $part = $_;

            [ "5.4: $size bytes in frames of $part",
              fragments(BINARY, unpack "(a$part)*", $whole),
              show(binary => $whole) ]
        } grep { $_ * 70_000 > $size } 64, 256, 1024, 4096, 65536
    } @text),
    [ '8.1: bad text at the end of 1 MB',
      substr(frame(TEXT, "$mega\xff" . 'x' x 100), 0, -100), 'close(1007)' ],
    [ '10.4: fragments that are too much in all',
      join('', first(BINARY, $mega), (next_($mega)) x 15, next_('x')),
      'close(1009)' ],
    [ '10.4: the same, the head of the last one alone',
      join('', first(BINARY, $mega), (next_($mega)) x 15,
           substr(next_('x'), 0, 2)), 'close(1009)' ],
);

my @huge = (
    [ '5.2: 16 MB, text', frame(TEXT, $mega x 16), show(text => $mega x 16) ],
    [ '5.2: 16 MB, binary', frame(BINARY, $mega x 16),
      show(binary => $mega x 16) ],
    [ '5.4: 16 MB in frames of 1 MB', fragments(BINARY, ($mega) x 16),
      show(binary => $mega x 16) ],
    [ '5.4: 16 MB in frames of 256 bytes, 65,536 of them',
      fragments(BINARY, unpack '(a256)*', $mega x 16),
      show(binary => $mega x 16) ],
    [ '5.4: 65,536 frames of a byte', fragments(TEXT, ('y') x 65536),
      show(text => 'y' x 65536) ],
    [ '5.4: 65,536 frames of none', fragments(TEXT, ('') x 65536), 'text()' ],
);


my $config = <<'END';
        location = /echo {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 16m;
            websocket_send_queue 16m;
        }
END

my $nginx = Test::Nginx::Server->start(workers => 1, config => $config);
my %echo = (port => $nginx->port, path => '/echo', timeout => 20);

run_cases(\%echo, @short, @large, @huge);
run_cases({ %echo, chunk => 1, pause => 0.0001, prefix => 'by bytes: ' },
          grep { length $_->[1] < 40 } @short);

$nginx->check;


my ($cert, $key) = $nginx->certificate;
my $port = free_port();

my $tls = Test::Nginx::Server->start(workers => 1, http_config => <<"END");
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $cert;
        ssl_certificate_key $key;
$config
    }
END

run_cases({ port => $port, path => '/echo', tls => 1, timeout => 20,
            prefix => 'wss: ' }, @fragments, @huge[0, 3, 4]);

$tls->check;

done_testing();
