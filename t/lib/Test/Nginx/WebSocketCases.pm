package Test::Nginx::WebSocketCases;

# Copyright (C) ngx_http_websocket_module authors

# Conversations with an echo location as a table, one test each:
#
#     run_cases({ port => 8080, path => '/echo' },
#         [ '5.5.2: a ping', frame(PING, 'x'), 'pong(x)' ],
#         [ '5.2: RSV1', frame(TEXT, 'x', rsv => 4), 'close(1002)' ]);
#
# A case is its name, the bytes to send, and all that has to come back, in
# its order.  Unless that ends with a close frame of the server, the client
# closes with 1000 and has to be answered so: nothing but what is told may
# come.  In the end the server has to close the connection.
#
# More than 40 bytes of payload are told by their number and checksum, as
# show() gives them.  The bytes may be a function of the Test::Nginx::WebSocket
# that returns them.  After these three may come what its connect() takes, and
#
#     wait   close frames are sent only after so many messages have come back
#
# The first argument may have a prefix for the names.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use Exporter 'import';
use Test::More ();

use Test::Nginx::WebSocket;

use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
               PONG => 10 };

our @EXPORT = qw(CONT TEXT BINARY CLOSE PING PONG frame close_frame fragments
                 show run_cases);

my %NAMES = (TEXT, 'text', BINARY, 'binary', CLOSE, 'close', PING, 'ping',
             PONG, 'pong');


sub frame {
    my ($opcode, $payload, %args) = @_;

    return Test::Nginx::WebSocket::frame(opcode => $opcode,
                                         payload => $payload, %args);
}


sub close_frame {
    my ($code, $reason) = @_;

    return frame(CLOSE, pack('n', $code) . ($reason // ''));
}


# A message in these parts, a frame each.

sub fragments {
    my ($opcode, @parts) = @_;

    return join '', map {
        frame($_ == 0 ? $opcode : CONT, $parts[$_], fin => $_ == $#parts || 0)
    } 0 .. $#parts;
}


sub show {
    my ($type, $payload) = @_;

    if (length $payload > 40) {
        $payload = length($payload) . ' bytes, '
                   . substr sha1_hex($payload), 0, 8;
    }

    $payload =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;

    return "$type($payload)";
}


sub run_cases {
    my ($where, @cases) = @_;

    my %where = %$where;
    my $prefix = delete $where{prefix} // '';

    for (@cases) {
        my ($name, $bytes, $wanted, %args) = @$_;

        my $ws = Test::Nginx::WebSocket->connect(answer => 0, %where, %args);

        $bytes = $bytes->($ws) if ref $bytes;

        # a server that has seen enough may not wait for the rest

        $ws->send_raw($bytes, map { $_ => $where{$_} }
                              grep { exists $where{$_} } qw(chunk pause));

        local $Test::Builder::Level = $Test::Builder::Level + 1;

        Test::More::is(transcript($ws, $wanted), $wanted, "$prefix$name");
        $ws->disconnect;
    }
}


# What comes back, until the server closes.

sub transcript {
    my ($ws, $wanted) = @_;

    my @got;
    my $n = () = $wanted =~ /\w+\(/g;
    my $own = $wanted !~ /close\([^()]*\)\z/;

    for ( ;; ) {
        if ($own && @got >= $n) {
            $ws->send_raw(close_frame(1000));
            $own = 0;
            $n = 0;
        }

        my $f = eval { $ws->read_frame };

        if (!$f) {
            push @got, $@ =~ s/\n//r || $ws->error;
            last;
        }

        push @got, told($ws, $f);
        last if $f->{opcode} == CLOSE;
    }

    if (@got && $got[-1] =~ /^close/) {
        $ws->send_raw(close_frame(1000)) if $n;
        push @got, 'left open' if !$ws->closed;
    }

    pop @got if !$n && $got[-1] eq 'close(1000)';

    return join ' ', @got;
}


sub told {
    my ($ws, $f) = @_;

    my $payload = $f->{payload};
    my $name = $NAMES{$f->{opcode}};

    if ($f->{rsv}) {
        $payload = $ws->deflate->decompress($payload);
        $name = "deflated-$name";
    }

    if ($f->{opcode} == CLOSE && length $payload >= 2) {
        my ($code, $reason) = unpack 'n a*', $payload;

        $payload = $reason eq '' ? $code : "$code $reason";
    }

    return show($name, $payload);
}

1;
