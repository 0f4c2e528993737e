package Test::Nginx::WebSocket;

# Copyright (C) ngx_http_websocket_module authors

# A WebSocket client (RFC 6455, permessage-deflate of RFC 7692) that can
# send whatever bytes a test wants to see refused.
#
#     my $ws = Test::Nginx::WebSocket->connect(port => 8080, path => '/ws');
#
#     $ws->send_text('hello');
#     $ws->expect_text('hello');
#     $ws->send_frame(opcode => 3);
#     $ws->expect_close(1002);
#
# connect() dies unless the handshake is right; handshake() leaves that to
# the test: see status, header, body and problem.  Both take what
# Test::Nginx::Stream takes (host, port, unix, tls, rcvbuf, timeout), and
#
#     path     "/"
#     headers  as Test::Nginx::HTTP does; undef takes out a default one
#     deflate  1, or the offer, e.g. "permessage-deflate; ..."
#     raw      bytes to send in one go with the handshake, behind it
#     at, chunk, pause   cut the handshake, see Test::Nginx::Stream
#     answer   1: pings and the close frame are answered as they are read
#
# Each read takes a time-out in seconds, and gives undef if it fails; then
# error() tells "timeout", "closed" or "reset".  A server that breaks the
# protocol ends the test.  The expect_* methods are one test each.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More ();
use Time::HiRes qw(time);

use Test::Nginx::Deflate;
use Test::Nginx::HTTP;
use Test::Nginx::Stream;

use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
               PONG => 10 };

my $GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;


sub connect {
    my $self = handshake(@_);

    croak 'bad handshake: ', $self->problem if $self->problem;

    return $self;
}


sub handshake {
    my ($class, %args) = @_;

    my $key = encode_base64(join('', map { chr rand 256 } 1 .. 16), '');
    my $offer = $args{deflate} // 0;

    $offer = 'permessage-deflate; client_max_window_bits' if $offer eq '1';

    my $head = Test::Nginx::HTTP::request_head(
        GET => $args{path} // '/',
        [Host => 'localhost', Connection => 'Upgrade',
         Upgrade => 'websocket', 'Sec-WebSocket-Version' => 13,
         'Sec-WebSocket-Key' => $key,
         $offer ? ('Sec-WebSocket-Extensions' => $offer) : ()],
        $args{headers});

    ($key) = $head =~ /^Sec-WebSocket-Key: (.*)\r$/mi;

    my $stream = Test::Nginx::Stream->new(%args);

    $stream->write($head . ($args{raw} // ''), %args);

    my $self = bless { stream => $stream, control => [], queue => [],
                       answer => $args{answer} // 1 }, $class;

    if ($self->{res} = Test::Nginx::HTTP::receive_head($stream)) {
        $self->check_handshake($key, $offer);

    } else {
        $self->{problem} = 'no response, ' . $stream->error;
    }

    return $self;
}


sub check_handshake {
    my ($self, $key, $offer) = @_;

    my $res = $self->{res};
    my $accept = defined $key ? sha1_base64($key . $GUID) . '=' : '';
    my $extensions = $res->header('Sec-WebSocket-Extensions') // '';

    if ($res->status != 101) {
        my $length = $res->header('Content-Length');

        $res->{body} = (defined $length ? $self->{stream}->read($length)
                                        : $self->{stream}->read_all) // '';
        $self->{problem} = 'status ' . $res->status
                           . ", body \"$res->{body}\"";

    } elsif (lc($res->header('Upgrade') // '') ne 'websocket'
             || lc($res->header('Connection') // '') ne 'upgrade')
    {
        $self->{problem} = 'Upgrade or Connection header';

    } elsif (($res->header('Sec-WebSocket-Accept') // '') ne $accept) {
        $self->{problem} = 'Sec-WebSocket-Accept header';

    } elsif ($extensions ne '') {
        $self->{deflate} = Test::Nginx::Deflate->agree($extensions) if $offer;
        $self->{problem} = "extensions \"$extensions\"" if !$self->{deflate};
    }
}


sub problem { $_[0]{problem} // '' }

sub status { $_[0]{res} ? $_[0]{res}->status : 0 }

sub header { $_[0]{res} && $_[0]{res}->header($_[1]) }

sub body { $_[0]{res} && $_[0]{res}->body }

sub stream { $_[0]{stream} }

sub error { $_[0]{stream}->error }


# The Test::Nginx::Deflate that was agreed on, if any.

sub deflate { $_[0]{deflate} }


# The bytes of a frame:
#
#     opcode   TEXT, or CONT, BINARY, CLOSE, PING, PONG, or any number
#     payload  bytes
#     fin      1
#     rsv      0, or the three bits as a number: 4 is "compressed"
#     mask     1: a random key; 0: none; or a key of 4 bytes
#     length   what the head says, if it is to lie
#     width    7, 16 or 64: bits of the length, if not the shortest

sub frame {
    my (%f) = @_;

    my $payload = $f{payload} // '';
    my $length = $f{length} // length $payload;
    my $width = $f{width} // ($length < 126 ? 7 : $length < 65536 ? 16 : 64);
    my $mask = $f{mask} // 1;

    $mask = pack 'N', int rand 2 ** 32 if $mask eq '1';
    $mask = '' if $mask eq '0';

    my $first = ($f{fin} // 1) << 7 | ($f{rsv} // 0) << 4
                | ($f{opcode} // TEXT);
    my $bit = $mask eq '' ? 0 : 0x80;

    return join '', $width == 7  ? pack('CC', $first, $bit | $length)
                  : $width == 16 ? pack('CCn', $first, $bit | 126, $length)
                  :                pack('CCQ>', $first, $bit | 127, $length),
                    $mask, masked($payload, $mask);
}


sub masked {
    my ($payload, $mask) = @_;

    return $payload if $mask eq '';

    my $keys = $mask x (length($payload) / 4 + 1);

    return $payload ^ substr $keys, 0, length $payload;
}


# What is sent may be cut by chunk, at and pause, see Test::Nginx::Stream.

sub send_raw {
    my ($self, $bytes, %args) = @_;

    return $self->{stream}->write($bytes, %args);
}


sub send_frame {
    my ($self, %args) = @_;

    return $self->send_raw(frame(%args), %args);
}


# compress => 1 sends the message deflated, fragments => N in so many
# frames; see frame() for the rest.

sub send_message {
    my ($self, $opcode, $payload, %args) = @_;

    my $rsv = 0;

    if ($args{compress}) {
        $payload = $self->{deflate}->compress($payload);
        $rsv = 4;
    }

    my $n = $args{fragments} // 1;
    my $size = int((length($payload) + $n - 1) / $n);
    my $bytes = '';

    for my $i (1 .. $n) {
        $bytes .= frame(opcode => $i == 1 ? $opcode : CONT,
                        rsv => $i == 1 ? $rsv : 0, fin => $i == $n ? 1 : 0,
                        payload => substr($payload, 0, $size, ''), %args);
    }

    return $self->send_raw($bytes, %args);
}


sub send_text   { my $self = shift; $self->send_message(TEXT, @_) }
sub send_binary { my $self = shift; $self->send_message(BINARY, @_) }
sub send_ping   { my $self = shift; $self->send_message(PING, $_[0] // '') }
sub send_pong   { my $self = shift; $self->send_message(PONG, $_[0] // '') }

sub send_json {
    my ($self, $data, %args) = @_;

    return $self->send_text($JSON->encode($data), %args);
}

sub send_close {
    my ($self, $code, $reason) = @_;

    $self->{close_sent} = 1;

    return $self->send_frame(opcode => CLOSE,
                             payload => defined $code
                                        ? pack('n', $code) . ($reason // '')
                                        : '');
}


# The next frame as { opcode, fin, rsv, payload }, checked for what a
# server may never send.

sub read_frame {
    my ($self, $timeout) = @_;

    my $stream = $self->{stream};
    my $end = time + ($timeout // $stream->timeout);

    # bytes are taken once the frame is complete, so that a time-out in the
    # middle loses nothing

    $stream->have(2, $end) or return;

    my ($first, $length) = unpack 'CC', $stream->peek(2);
    my $size = 2;

    die "a masked frame from the server\n" if $length & 0x80;

    if ($length >= 126) {
        my ($wide, $format, $least) = $length == 126 ? (2, 'n', 126)
                                                     : (8, 'Q>', 65536);
        $size += $wide;
        $stream->have($size, $end) or return;
        $length = unpack "x2 $format", $stream->peek($size);

        die "a length of $length in $wide bytes\n" if $length < $least;
    }

    $size += $length;
    $stream->have($size, $end) or return;

    my $frame = $stream->read($size);
    my %f = (fin => $first >> 7, rsv => $first >> 4 & 7,
             opcode => $first & 15,
             payload => substr($frame, $size - $length));

    die "a control frame that is long or in fragments\n"
        if $f{opcode} & 8 && ($length > 125 || !$f{fin});
    die "a frame with opcode $f{opcode}, reserved bits $f{rsv}\n"
        if $f{opcode} !~ /^(?:[012]|8|9|10)$/ || $f{rsv} & 3
           || $f{rsv} && ($f{opcode} == CONT || $f{opcode} & 8);

    return \%f;
}


# The next message as { type => "text" or "binary", data, compressed,
# fragments }.  Control frames that come before it are kept for expect_ping
# and the like.

sub read_message {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // $self->{stream}->timeout);

    while (!@{$self->{queue}}) {
        $self->read_next($end) or return;
    }

    return shift @{$self->{queue}};
}


# Takes one frame to where it belongs.

sub read_next {
    my ($self, $end) = @_;

    my $f = $self->read_frame($end - time) or return;

    if ($f->{opcode} & 8) {
        $self->take_control($f);
        return 1;
    }

    my $message = $self->{message};

    die "a fragment out of order\n"
        if ($f->{opcode} == CONT) != defined $message;
    die "a message behind the close frame\n" if exists $self->{close};

    $message //= { type => $f->{opcode} == TEXT ? 'text' : 'binary',
                   data => '', compressed => $f->{rsv} >> 2, fragments => 0 };
    $message->{data} .= $f->{payload};
    $message->{fragments}++;

    if (!$f->{fin}) {
        $self->{message} = $message;
        return 1;
    }

    undef $self->{message};

    if ($message->{compressed}) {
        die "a compressed message, not agreed on\n" if !$self->{deflate};
        $message->{data} = $self->{deflate}->decompress($message->{data});
    }

    if ($message->{type} eq 'text') {
        utf8::decode(my $text = $message->{data})
            or die "a text message that is not UTF-8\n";
    }

    push @{$self->{queue}}, $message;
    return 1;
}


sub take_control {
    my ($self, $f) = @_;

    push @{$self->{control}}, $f;

    if ($f->{opcode} == PING && $self->{answer}) {
        $self->send_pong($f->{payload});
    }

    return if $f->{opcode} != CLOSE;

    die "a close frame of one byte\n" if length $f->{payload} == 1;

    my ($code, $reason) = $f->{payload} eq ''
                          ? () : unpack 'n a*', $f->{payload};

    $self->{close} = [$code // 1005, $reason // ''];
    $self->send_close($code) if $self->{answer} && !$self->{close_sent};
}


# The data of the next message, decoded.

sub read_json {
    my ($self, $timeout) = @_;

    my $message = $self->read_message($timeout) or return;
    return $JSON->decode($message->{data});
}


# A socket of the plain dialect that has logged in: connect()'s arguments, of
# which path is "/ws", token and connectionId.

sub login {
    my ($class, %args) = @_;

    my %data = map { exists $args{$_} ? ($_ => delete $args{$_}) : () }
                   qw(token connectionId);
    my $self = $class->connect(path => '/ws', %args);

    $self->send_json({ event => 'auth', data => \%data });
    $self->wait_event('authenticated')
        or croak 'not authenticated, state ', $self->state;

    return $self;
}


# Waits for an event of the plain dialect, skipping others; gives the message.

sub wait_event {
    my ($self, $event, $timeout) = @_;

    my $end = time + ($timeout // $self->{stream}->timeout);

    while ((my $left = $end - time) > 0) {
        my $message = $self->read_json($left) or return;
        return $message if $message->{event} eq $event;
    }

    return;
}


# Waits for an acknowledgement of the plain dialect, skipping other messages;
# gives its data.

sub wait_ack {
    my ($self, $id) = @_;

    while (my $message = $self->wait_event('ack')) {
        return $message->{data} if $message->{id} eq $id;
    }

    return;
}


# Sends an event of the plain dialect; gives what the answer says, {} if none
# comes.

sub call {
    my ($self, $event, $data) = @_;

    $self->send_json({ event => $event, id => 'c', data => $data });

    return $self->wait_ack('c') // {};
}


# Waits for the close frame, skipping messages; gives its code and reason:
# 1005 where it has none, undef if no frame comes.

sub read_close {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // $self->{stream}->timeout);

    while (!$self->{close}) {
        $self->read_next($end) or return;
    }

    return wantarray ? @{$self->{close}} : $self->{close}[0];
}


# Whether the server closes the connection itself in time.

sub closed {
    my ($self, $timeout) = @_;

    return $self->{stream}->closed($timeout);
}


# Closes in an orderly way; gives the server's code, undef if it does not
# answer or leaves the connection open.

sub close {
    my ($self, $code, $reason) = @_;

    $self->send_close($code // 1000, $reason);

    my $answer = $self->read_close;

    $answer = undef if !$self->closed;
    $self->disconnect;

    return $answer;
}


# Goes away without a word, or with a RST.

sub disconnect { $_[0]{stream}->close }

sub reset { $_[0]{stream}->reset }


sub expect_text {
    my ($self, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->expect_message(text => $data, $name, $timeout);
}


sub expect_binary {
    my ($self, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->expect_message(binary => $data, $name, $timeout);
}


# The data is a string, or a pattern.

sub expect_message {
    my ($self, $type, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $message = $self->read_message($timeout);

    $name //= "$type message";

    if (!$message) {
        Test::More::fail($name);
        Test::More::diag('no message, ', $self->state);
        return;
    }

    if ($message->{type} ne $type) {
        Test::More::fail($name);
        Test::More::diag("a $message->{type} message: ", $message->{data});
        return;
    }

    if (ref $data) {
        return Test::More::like($message->{data}, $data, $name);
    }

    if (length $data > 1000) {
        return Test::More::ok($message->{data} eq $data, $name)
               || Test::More::diag('other data of ', length $message->{data},
                                   ' bytes, not ', length $data);
    }

    return Test::More::is($message->{data}, $data, $name);
}


sub expect_json {
    my ($self, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return Test::More::is_deeply($self->read_json($timeout), $data,
                                 $name // 'JSON message');
}


sub expect_ping {
    my ($self, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->expect_control(PING, $data, $name // 'ping', $timeout);
}


sub expect_pong {
    my ($self, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->expect_control(PONG, $data, $name // 'pong', $timeout);
}


sub expect_control {
    my ($self, $opcode, $data, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $end = time + ($timeout // $self->{stream}->timeout);

    for ( ;; ) {
        my $control = $self->{control};
        my ($i) = grep { $control->[$_]{opcode} == $opcode } 0 .. $#$control;

        if (defined $i) {
            my $f = splice @$control, $i, 1;

            return Test::More::pass($name) if !defined $data;
            return Test::More::is($f->{payload}, $data, $name);
        }

        last if !$self->read_next($end);
    }

    Test::More::fail($name);
    Test::More::diag('none, ', $self->state);
    return;
}


# The code, and the reason as a string or a pattern; undef is any.

sub expect_close {
    my ($self, $code, $reason, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($got_code, $got_reason) = $self->read_close($timeout);

    $name //= 'close' . (defined $code ? " $code" : '');

    if (!defined $got_code) {
        Test::More::fail($name);
        Test::More::diag('no close frame, ', $self->state);
        return;
    }

    if (!defined $code || $got_code == $code) {
        return Test::More::is($got_reason, $reason, $name)
            if defined $reason && !ref $reason;
        return Test::More::like($got_reason, $reason, $name) if ref $reason;
        return Test::More::pass($name);
    }

    Test::More::is($got_code, $code, $name);
    Test::More::diag("reason: $got_reason");
    return;
}


sub expect_closed {
    my ($self, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return Test::More::ok($self->closed($timeout), $name // 'closed');
}


# No message comes, nor does the connection end, for so many seconds.

sub expect_silence {
    my ($self, $seconds, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $message = $self->read_message($seconds);

    return Test::More::ok(!$message && $self->error eq 'timeout',
                          $name // 'silence')
           || Test::More::diag($message ? "got $message->{data}"
                                        : $self->state);
}


sub state {
    my ($self) = @_;

    return $self->{close} ? "closed with @{$self->{close}}" : $self->error;
}

1;
