package Test::Nginx::SocketIO;

# Copyright (C) ngx_http_websocket_module authors

# A Socket.IO v5 client over Engine.IO v4, by WebSocket or polling.
#
#     my $io = Test::Nginx::SocketIO->connect(
#         port => 8080, auth => { token => '1|demo-token-john' });
#
#     my $ack = $io->call('subscribe', { channel => 'chat.1' });
#     $io->emit('typing', { isTyping => \1 });
#     $io->expect_event('user:typing', [{ ... }]);
#
# connect() opens the session and joins a namespace, and dies if either is
# refused; open() and join() are its halves.  Both take what
# Test::Nginx::HTTP takes (host, port, unix, tls, headers, timeout, ...), and
#
#     transport  "websocket", or "polling"
#     path       "/socket.io/"
#     query      more of the query string, as it is
#     namespace  "/"
#     auth       the payload of CONNECT
#     deflate    see Test::Nginx::WebSocket
#     auto_pong  1: the server's pings are answered while we wait
#
# Data is what JSON::PP makes of it; binary data is a reference to a string
# of bytes.  Whatever comes in while one waits for something else is kept.
# A wait that fails gives undef; error() tells "timeout", "closed", or what
# a poll was answered.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More ();
use Time::HiRes qw(time);

use Test::Nginx::HTTP;
use Test::Nginx::WebSocket;

use constant { CONNECT => 0, DISCONNECT => 1, EVENT => 2, ACK => 3,
               CONNECT_ERROR => 4, BINARY_EVENT => 5, BINARY_ACK => 6 };

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;


sub connect {
    my ($class, %args) = @_;

    my $self = $class->open(%args);
    my $answer = $self->join($args{namespace}, $args{auth})
        or croak 'no answer to CONNECT: ', $self->error;

    croak 'CONNECT refused: ', $JSON->encode($answer->{data})
        if $answer->{type} != CONNECT;

    return $self;
}


sub open {
    my ($class, %args) = @_;

    my $self = bless { args => \%args, packets => [], inbox => [], ids => 0,
                       namespace => '/', error => '',
                       timeout => $args{timeout} // 30 }, $class;

    if (($args{transport} // 'websocket') eq 'polling') {
        $self->{poll} = Test::Nginx::HTTP->new(%args);
        $self->{post} = Test::Nginx::HTTP->new(%args);

    } else {
        $self->{ws} = Test::Nginx::WebSocket->connect(
            %args, path => $self->path('websocket'));
    }

    my $packet = $self->read_packet // croak 'no open packet: ', $self->error;

    $packet =~ s/^0// or croak "not an open packet: $packet";
    $self->{open} = $JSON->decode($packet);

    return $self;
}


# The path for a request of this transport.

sub path {
    my ($self, $transport) = @_;

    my $args = $self->{args};
    my $path = ($args->{path} // '/socket.io/')
               . "?EIO=4&transport=$transport";

    $path .= "&$args->{query}" if defined $args->{query};
    $path .= "&sid=$self->{open}{sid}" if $self->{open};

    return $path;
}


# The payload of the open packet.

sub handshake { $_[0]{open} }

sub sid { $_[0]{open}{sid} }

# The socket's id in the namespace that was joined.

sub id { $_[0]{id} }

sub error { $_[0]{error} }

# The Test::Nginx::WebSocket below, if there is one.

sub ws { $_[0]{ws} }


# Engine.IO packets: their bytes, a binary one as a reference to them.

sub send_packet {
    my ($self, @packets) = @_;

    if (my $ws = $self->{ws}) {
        for my $packet (@packets) {
            ref $packet ? $ws->send_binary($$packet)
                        : $ws->send_text($packet) or return $self->fail($ws);
        }

        return 1;
    }

    my $body = CORE::join "\x1e", map { ref $_ ? 'b' . encode_base64($$_, '')
                                               : $_ } @packets;
    my $res = $self->{post}->post($self->path('polling'), $body,
                                  { 'Content-Type' => 'text/plain' })
        or return $self->fail($self->{post});

    return 1 if $res->status == 200 && $res->body eq 'ok';

    return $self->fail($res);
}


# Notes why something has failed.

sub fail {
    my ($self, $why) = @_;

    $self->{error} = $why->isa('Test::Nginx::HTTP::Response')
                   ? $why->status . ' ' . $why->body : $why->error;
    return;
}


sub read_packet {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // $self->{timeout});

    while (!@{$self->{packets}}) {
        if ($self->{ws}) {
            my $message = $self->{ws}->read_message($end - time)
                or return $self->fail($self->{ws});

            push @{$self->{packets}}, $message->{type} eq 'text'
                                      ? $message->{data} : \$message->{data};
            next;
        }

        push @{$self->{packets}}, $self->read_poll($end - time) or return;
    }

    return shift @{$self->{packets}};
}


# What the poll brings.  One that is not answered in time stays open.

sub read_poll {
    my ($self, $timeout) = @_;

    $self->send_poll;

    my $res = $self->{poll}->receive($timeout)
        or return $self->fail($self->{poll});

    $self->{polling} = 0;
    $self->fail($res), return if $res->status != 200;

    return map { /^b(.*)/s ? \decode_base64($1) : $_ }
           split /\x1e/, $res->body;
}


sub send_poll {
    my ($self) = @_;

    return if $self->{polling};

    $self->{poll}->send(GET => $self->path('polling'));
    $self->{polling} = 1;
}


# From polling to WebSocket, as a client does it; gives true if the probe
# was answered.

sub upgrade {
    my ($self) = @_;

    my $ws = Test::Nginx::WebSocket->connect(
        %{$self->{args}}, path => $self->path('websocket'));

    $ws->send_text('2probe');

    my $answer = $ws->read_message or return $self->fail($ws);

    if ($answer->{data} ne '3probe') {
        $self->{error} = "probe answered by $answer->{data}";
        return;
    }

    # the open poll ends, with a NOOP if with nothing else

    if ($self->{polling}) {
        push @{$self->{packets}}, grep { ref $_ || $_ ne '6' }
                                  $self->read_poll($self->{timeout});
    }

    $ws->send_text('5');

    $self->{ws} = $ws;
    $_->close for delete @$self{qw(poll post)};

    return 1;
}


# Joins a namespace; gives the answer as next_packet() does, CONNECT or
# CONNECT_ERROR.

sub join {
    my ($self, $namespace, $auth) = @_;

    $self->{namespace} = $namespace // '/';
    $self->send(type => CONNECT, data => $auth) or return;

    my $answer = $self->wait_for(
        sub { $_[0]{type} == CONNECT || $_[0]{type} == CONNECT_ERROR })
        or return;

    $self->{id} = $answer->{data}{sid} if $answer->{type} == CONNECT;

    return $answer;
}


# A Socket.IO packet: type, data, id, namespace (the one that was joined
# last).  An EVENT or ACK with binary data becomes a BINARY_ one.

sub send {
    my ($self, %p) = @_;

    my @attachments;
    my $data = exists $p{data} ? extract($p{data}, \@attachments) : undef;
    my $namespace = $p{namespace} // $self->{namespace};
    my $type = $p{type};

    $type += BINARY_EVENT - EVENT if @attachments && $type < BINARY_EVENT;

    return $self->send_packet(
        CORE::join('', '4', $type, @attachments ? @attachments . '-' : '',
                   $namespace eq '/' ? '' : "$namespace,", $p{id} // '',
                   defined $data ? $JSON->encode($data) : ''),
        @attachments);
}


# Replaces references to bytes by placeholders.

sub extract {
    my ($data, $attachments) = @_;

    if (ref $data eq 'ARRAY') {
        return [map { extract($_, $attachments) } @$data];
    }

    if (ref $data eq 'HASH') {
        return { map { $_ => extract($data->{$_}, $attachments) }
                 sort keys %$data };
    }

    # \0 and \1 are JSON's booleans

    if (ref $data eq 'SCALAR' && $$data !~ /\A[01]\z/) {
        push @$attachments, $data;
        return { _placeholder => JSON::PP::true,
                 num => @$attachments - 1 };
    }

    return $data;
}


sub restore {
    my ($data, $attachments) = @_;

    if (ref $data eq 'ARRAY') {
        return [map { restore($_, $attachments) } @$data];
    }

    return $data if ref $data ne 'HASH';
    return $attachments->[$data->{num}] if $data->{_placeholder};

    return { map { $_ => restore($data->{$_}, $attachments) } keys %$data };
}


# The next Socket.IO packet as { type, namespace, id, data }, from what is
# kept or from the server.

sub next_packet {
    my ($self, $timeout) = @_;

    return $self->wait_for(sub { 1 }, $timeout);
}


# The first packet for which the function gives true.

sub wait_for {
    my ($self, $wanted, $timeout) = @_;

    my $inbox = $self->{inbox};
    my $end = time + ($timeout // $self->{timeout});
    my $i = 0;

    for ( ;; ) {
        for (; $i < @$inbox; $i++) {
            return splice @$inbox, $i, 1 if $wanted->($inbox->[$i]);
        }

        push @$inbox, $self->read_socket_packet($end) || return;
    }
}


sub read_socket_packet {
    my ($self, $end) = @_;

    for ( ;; ) {
        my $packet = $self->read_packet($end - time) // return;

        die "a binary packet without its event\n" if ref $packet;

        if ($packet =~ s/^4//) {
            return $self->decode($packet, $end);

        } elsif ($packet eq '2') {
            $self->{pings}++;
            $self->send_packet('3') if $self->{args}{auto_pong} // 1;

        } elsif ($packet eq '1') {
            $self->{error} = 'closed';
            return;

        } elsif ($packet ne '6') {
            die "a packet out of order: $packet\n";
        }
    }
}


sub decode {
    my ($self, $packet, $end) = @_;

    my ($type, $count, $namespace, $id, $json)
        = $packet =~ /^([0-6])(?:(\d+)-)?(?:(\/[^,]*),)?(\d+)?(.*)\z/s
        or die "not a Socket.IO packet: $packet\n";

    my $data = $json eq '' ? undef : $JSON->decode($json);
    my @attachments;

    while (@attachments < ($count // 0)) {
        push @attachments, $self->read_packet($end - time) // return;
        die "an attachment is missing\n" if !ref $attachments[-1];
    }

    $data = restore($data, \@attachments) if $count;
    $type -= BINARY_EVENT - EVENT if $type >= BINARY_EVENT;

    return { type => $type, namespace => $namespace // '/', id => $id,
             data => $data };
}


# How many pings have come in.

sub pings { $_[0]{pings} // 0 }


sub emit {
    my ($self, @data) = @_;

    return $self->send(type => EVENT, data => \@data);
}


# Emits with an id; gives it for wait_ack().

sub emit_with_ack {
    my ($self, @data) = @_;

    my $id = $self->{ids}++;

    $self->send(type => EVENT, data => \@data, id => $id) or return;

    return $id;
}


# The acknowledgement's first argument, or all of them.

sub wait_ack {
    my ($self, $id, $timeout) = @_;

    my $ack = $self->wait_for(sub { $_[0]{type} == ACK && $_[0]{id} == $id },
                              $timeout) or return;

    return wantarray ? @{$ack->{data}} : $ack->{data}[0];
}


# Emits and waits for the acknowledgement.

sub call {
    my ($self, @data) = @_;

    my $id = $self->emit_with_ack(@data) // return;

    return $self->wait_ack($id);
}


# Acknowledges an event that came as a packet with an id.

sub ack {
    my ($self, $packet, @data) = @_;

    return $self->send(type => ACK, id => $packet->{id}, data => \@data,
                       namespace => $packet->{namespace});
}


# The first argument, or all of them, of the next event of this name.

sub wait_event {
    my ($self, $event, $timeout) = @_;

    my $packet = $self->wait_event_packet($event, $timeout) or return;
    my (undef, @data) = @{$packet->{data}};

    return wantarray ? @data : $data[0];
}


sub wait_event_packet {
    my ($self, $event, $timeout) = @_;

    return $self->wait_for(
        sub { $_[0]{type} == EVENT && $_[0]{data}[0] eq $event }, $timeout);
}


# The events that have come in so far, as arrays of name and arguments.

sub events {
    my ($self, $timeout) = @_;

    my @events;

    while (my $packet = $self->wait_for(sub { $_[0]{type} == EVENT },
                                        $timeout // 0))
    {
        push @events, $packet->{data};
    }

    return @events;
}


# One test each.  The arguments of an event may be left out.

sub expect_event {
    my ($self, $event, $args, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $packet = $self->wait_event_packet($event, $timeout);

    $name //= "event $event";

    if (!$packet) {
        Test::More::fail($name);
        Test::More::diag('it has not come, ', $self->error, '; but there is ',
                         $JSON->encode($self->{inbox}));
        return;
    }

    return Test::More::pass($name) if !defined $args;

    my (undef, @data) = @{$packet->{data}};

    return Test::More::is_deeply(\@data, $args, $name)
           || Test::More::diag($JSON->encode(\@data));
}


# No event, or none of this name, for so many seconds.

sub expect_no_event {
    my ($self, $event, $seconds, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $packet = $self->wait_for(
        sub { $_[0]{type} == EVENT
              && (!defined $event || $_[0]{data}[0] eq $event) },
        $seconds // 0.2);

    return Test::More::ok(!$packet, $name // 'no event '. ($event // ''))
           || Test::More::diag($JSON->encode($packet->{data}));
}


# The server ends the namespace with a DISCONNECT.

sub expect_disconnect {
    my ($self, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $packet = $self->wait_for(sub { $_[0]{type} == DISCONNECT }, $timeout);

    return Test::More::ok($packet, $name // 'disconnected')
           || Test::More::diag($self->error);
}


# Whether the session ends in time: the server closes the WebSocket, sends
# a close packet, or knows the session no more.

sub closed {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // $self->{timeout});

    while (my $packet = $self->read_socket_packet($end)) {
        push @{$self->{inbox}}, $packet;
    }

    return $self->error ne 'timeout';
}


sub expect_closed {
    my ($self, $name, $timeout) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return Test::More::ok($self->closed($timeout), $name // 'closed');
}


# Leaves the namespace, and the session.

sub close {
    my ($self) = @_;

    $self->send(type => DISCONNECT) && $self->send_packet('1');
    $self->disconnect;
}


# Goes away without a word.

sub disconnect {
    my ($self) = @_;

    $self->{ws} ? $self->{ws}->disconnect
                : map { $_->close } @$self{qw(poll post)};
}

1;
