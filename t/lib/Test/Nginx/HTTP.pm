package Test::Nginx::HTTP;

# Copyright (C) ngx_http_websocket_module authors

# An HTTP/1.1 client that keeps its connection.
#
#     my $http = Test::Nginx::HTTP->new(port => 8080, headers => { ... });
#     my $res = $http->post('/api', { a => 1 }, { 'X-Header' => 'x' });
#
#     $res->status, $res->header('Allow'), $res->body, $res->json
#
# new() takes what Test::Nginx::Stream takes, too.  A body that is a
# reference is sent as JSON.  Headers are a hash, or an array of names and
# values where one comes twice; an undefined value leaves out one that
# would be sent otherwise.  For a request whose answer comes late there are
# send() and receive().

use strict;
use warnings;

use JSON::PP ();
use Test::Nginx::Stream;

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;


sub new {
    my ($class, %args) = @_;

    return bless { args => \%args }, $class;
}


sub get    { my $self = shift; $self->request(GET => $_[0], undef, $_[1]) }
sub delete { my $self = shift; $self->request(DELETE => $_[0], undef, $_[1]) }
sub post   { my $self = shift; $self->request(POST => @_) }
sub put    { my $self = shift; $self->request(PUT => @_) }


# The response, undef if none comes in time.

sub request {
    my ($self, @request) = @_;

    $self->send(@request) && $self->receive;
}


sub send {
    my ($self, $method, $path, $body, $headers) = @_;

    my @headers = (Host => $self->{args}{host_header} // 'localhost');

    if (ref $body) {
        $body = $JSON->encode($body);
        push @headers, 'Content-Type' => 'application/json';
    }

    push @headers, 'Content-Length' => length $body if defined $body;

    $self->{head} = $method eq 'HEAD';

    return $self->stream->write(
        request_head($method, $path, \@headers, $self->{args}{headers},
                     $headers) . ($body // ''));
}


# The head of a request; later headers replace earlier ones.

sub request_head {
    my ($method, $path, $default, @more) = @_;

    my @headers = @$default;

    for my $more (grep { defined } @more) {
        my @pairs = ref $more eq 'HASH' ? map { $_ => $more->{$_} }
                                          sort keys %$more
                                        : @$more;

        my %replaced = map { lc $pairs[$_] => 1 }
                       grep { $_ % 2 == 0 } 0 .. $#pairs;
        my @old = splice @headers;

        while (my ($name, $value) = splice @old, 0, 2) {
            push @headers, $name, $value if !$replaced{lc $name};
        }

        push @headers, @pairs;
    }

    my $head = "$method $path HTTP/1.1\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n" if defined $value;
    }

    return "$head\r\n";
}


sub stream {
    my ($self) = @_;

    my $stream = $self->{stream};

    if ($stream && ($stream->fill(0) || $stream->error ne 'timeout')) {
        undef $stream;
    }

    return $self->{stream} = $stream
        // Test::Nginx::Stream->new(%{$self->{args}});
}


sub receive {
    my ($self, $timeout) = @_;

    my $stream = $self->{stream};
    my $res = receive_head($stream, $timeout) or return;
    my $length = $res->header('Content-Length');

    if ($self->{head} || $res->status =~ /^(?:1..|204|304)$/) {
        $res->{body} = '';

    } elsif (($res->header('Transfer-Encoding') // '') eq 'chunked') {
        $res->{body} = receive_chunks($stream, $timeout);

    } elsif (defined $length) {
        $res->{body} = $stream->read($length, $timeout);

    } else {
        $res->{body} = $stream->read_all($timeout);
    }

    return if !defined $res->{body};

    if (($res->header('Connection') // '') eq 'close') {
        undef $self->{stream};
    }

    return $res;
}


sub receive_head {
    my ($stream, $timeout) = @_;

    my $head = $stream->read_until(qr/\r\n\r\n/, $timeout) // return;

    my ($first, @lines) = split /\r\n/, $head;
    my %res = (head => $head, status => 0, headers => {});

    if ($first =~ m{^HTTP/1\.[01] (\d{3}) }) {
        $res{status} = $1;
    }

    for (@lines) {
        my ($name, $value) = /^([^:\s]+):\s*(.*?)\s*$/ or next;
        push @{$res{headers}{lc $name}}, $value;
    }

    return bless \%res, 'Test::Nginx::HTTP::Response';
}


sub receive_chunks {
    my ($stream, $timeout) = @_;

    my $body = '';

    for ( ;; ) {
        my $line = $stream->read_until(qr/\r\n/, $timeout) // return;
        my $size = $line =~ /^([0-9a-fA-F]+)/ ? hex $1 : return;
        my $part = $stream->read($size + 2, $timeout) // return;

        return $body if $size == 0;
        $body .= substr $part, 0, $size;
    }
}


sub error { $_[0]{stream} ? $_[0]{stream}->error : 'closed' }


# Whether the server closes the connection in time.

sub closed {
    my ($self, $timeout) = @_;

    return !$self->{stream} || $self->{stream}->closed($timeout);
}


sub close {
    my ($self) = @_;

    $self->{stream}->close if $self->{stream};
    undef $self->{stream};
}


package Test::Nginx::HTTP::Response;

use strict;
use warnings;

sub status { $_[0]{status} }

sub head { $_[0]{head} }

sub body { $_[0]{body} }

sub json { $JSON->decode($_[0]{body}) }

sub header {
    my ($self, $name) = @_;

    my $values = $self->{headers}{lc $name} or return undef;
    return join ', ', @$values;
}

1;
