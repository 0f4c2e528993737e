package Test::Nginx::Stream;

# Copyright (C) ngx_http_websocket_module authors

# A connection to a server on which every wait has a deadline.
#
#     my $stream = Test::Nginx::Stream->new(port => 8080);
#
# host (127.0.0.1) and port, or unix, say where to; tls => 1, or a hash of
# IO::Socket::SSL's options, speaks TLS; rcvbuf makes a client that is slow
# to take; timeout (30) is the seconds that a read or write may last.
#
# A read that fails gives undef; error() tells why: "timeout", "closed" or
# "reset".  Bytes that came are kept for the next read.

use strict;
use warnings;

use Carp qw(croak);
use Errno qw(EAGAIN EINTR);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER SO_RCVBUF TCP_NODELAY);
use Time::HiRes qw(time);


sub new {
    my ($class, %args) = @_;

    my $where = $args{unix} // join ':', $args{host} // '127.0.0.1',
                                         $args{port} // croak 'no port';
    my $timeout = $args{timeout} // 30;

    my $socket = $args{unix}
        ? IO::Socket::UNIX->new(Peer => $args{unix})
        : IO::Socket::INET->new(PeerAddr => $where, Timeout => $timeout,
              $args{rcvbuf} ? (Sockopts => [[SOL_SOCKET, SO_RCVBUF,
                                             $args{rcvbuf}]]) : ());

    $socket or croak "cannot connect to $where: $!";

    if ($args{tls}) {
        require IO::Socket::SSL;
        IO::Socket::SSL->start_SSL($socket, SSL_verify_mode => 0,
                                   Timeout => $timeout,
                                   ref $args{tls} ? %{$args{tls}} : ())
            or croak "no TLS with $where: ", IO::Socket::SSL::errstr();
    }

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1 if !$args{unix};
    $socket->blocking(0);

    return bless { socket => $socket, timeout => $timeout, in => '',
                   error => '' }, $class;
}


sub error { $_[0]{error} }

sub socket { $_[0]{socket} }

sub timeout { $_[0]{timeout} }


# Writes all of it.  chunk => N cuts it into parts of that size, at => [N,
# ...] at these offsets, with a pause (0.002 s) between them, so that the
# server sees them one by one.

sub write {
    my ($self, $bytes, %args) = @_;

    my $size = $args{chunk} // length $bytes;
    my @ends = (sort({ $a <=> $b } @{$args{at} // []}), length $bytes);
    my $from = 0;

    local $SIG{PIPE} = 'IGNORE';

    while ($from < length $bytes) {
        shift @ends while $ends[0] <= $from;

        my $to = $from + $size < $ends[0] ? $from + $size : $ends[0];

        select undef, undef, undef, $args{pause} // 0.002 if $from > 0;

        $self->write_part(substr $bytes, $from, $to - $from) or return;
        $from = $to;
    }

    return 1;
}


sub write_part {
    my ($self, $bytes) = @_;

    my $deadline = time + $self->{timeout};
    my $reading = 1;

    while ($bytes ne '') {
        my $n = $self->{socket}->syswrite($bytes);

        if ($n) {
            substr $bytes, 0, $n, '';

        } elsif ($!{EAGAIN} || $!{EINTR}) {
            $self->wait_for($reading, 1, $deadline) or return;

            # a server that cannot send may not take either

            $reading &&= $self->{socket}->sysread($self->{in}, 65536,
                                                  length $self->{in})
                         || $!{EAGAIN} || $!{EINTR};

        } else {
            $self->{error} = 'reset';
            return;
        }
    }

    return 1;
}


# The next $length bytes.

sub read {
    my ($self, $length, $timeout) = @_;

    $self->have($length, time + ($timeout // $self->{timeout})) or return;

    return substr $self->{in}, 0, $length, '';
}


# Waits until so many bytes can be read or peeked at; the deadline is
# absolute, as in fill().

sub have {
    my ($self, $length, $deadline) = @_;

    while (length $self->{in} < $length) {
        $self->fill($deadline) or return;
    }

    return 1;
}


sub peek {
    my ($self, $length) = @_;

    return substr $self->{in}, 0, $length;
}


# All up to and with the first match of the pattern.

sub read_until {
    my ($self, $pattern, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    for ( ;; ) {
        if ($self->{in} =~ $pattern) {
            return substr $self->{in}, 0, $+[0], '';
        }

        $self->fill($deadline) or return;
    }
}


# All that comes until the server closes.

sub read_all {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    while ($self->fill($deadline)) {
        # void
    }

    return if $self->{error} ne 'closed';
    return substr $self->{in}, 0, length $self->{in}, '';
}


# Waits for more bytes.

sub fill {
    my ($self, $deadline) = @_;

    for ( ;; ) {
        my $n = $self->{socket}->sysread($self->{in}, 65536,
                                         length $self->{in});

        return $n if $n;

        if (defined $n) {
            $self->{error} = 'closed';
            return;
        }

        if (!$!{EAGAIN} && !$!{EINTR}) {
            $self->{error} = 'reset';
            return;
        }

        $self->wait_for(1, 0, $deadline) or return;
    }
}


sub wait_for {
    my ($self, $read, $write, $deadline) = @_;

    my $left = $deadline - time;
    my $set = '';

    vec($set, fileno $self->{socket}, 1) = 1;

    my ($r, $w) = ($read ? $set : undef, $write ? $set : undef);
    my $n = select $r, $w, undef, $left > 0 ? $left : 0;

    return 1 if $n > 0 || $n < 0 && $!{EINTR} && time < $deadline;

    $self->{error} = 'timeout';
    return;
}


# Whether the server closes in time, whatever it still sends before.

sub closed {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    while ($self->fill($deadline)) {
        $self->{in} = '';
    }

    return $self->{error} ne 'timeout';
}


sub close {
    my ($self) = @_;

    $self->{socket}->close;
}


# Closes with a RST.

sub reset {
    my ($self) = @_;

    my $socket = $self->{socket};

    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    $socket->close($socket->isa('IO::Socket::SSL') ? (SSL_no_shutdown => 1)
                                                   : ());
}

1;
