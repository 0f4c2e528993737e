package Test::Nginx::Redis;

# Copyright (C) ngx_http_websocket_module authors

# A Redis client for tests to look at what the module has left there.
#
#     my $redis = Test::Nginx::Redis->connect($ENV{TEST_NGINX_REDIS});
#
#     my $value = $redis->command('GET', 'ws:{1}:key');
#     my @keys = $redis->keys('ws:*');
#
# An array reply is a reference, nil is undef, and an error dies.

use strict;
use warnings;

use Carp qw(croak);
use Test::Nginx::Stream;


# unix:/path[?db=N] or redis://[[user]:password@]host[:port][/N]; what
# follows a space, as in the directive, does not matter here.

sub connect {
    my ($class, $url, %args) = @_;

    my ($user, $password, $db);
    my $given = $url;

    $url =~ s/ .*//;

    if ($url =~ m{^unix:([^?]+)(?:\?db=(\d+))?$}) {
        $args{unix} = $1;
        $db = $2;

    } elsif ($url =~ m{^redis://(?:([^:@]*):([^@]*)@)?
                       ([^:/]+)(?::(\d+))?(?:/(\d+))?$}x)
    {
        ($user, $password, $db) = ($1, $2, $5);
        @args{qw(host port)} = ($3, $4 // 6379);

    } else {
        croak "not a URL of Redis: $url";
    }

    my $self = bless { stream => Test::Nginx::Stream->new(%args),
                       url => $given }, $class;

    $self->command('AUTH', $user ? $user : (), $password) if defined $password;
    $self->command('SELECT', $db) if $db;

    return $self;
}


sub url { $_[0]{url} }


sub command {
    my ($self, @command) = @_;

    $self->send(@command);

    return $self->receive;
}


sub keys {
    my ($self, $pattern) = @_;

    my @keys = sort @{$self->command('KEYS', $pattern // '*')};

    return @keys;
}


# The halves of command(), for a pipeline or a subscription; receive()
# takes a time-out, after which it gives undef.

sub send {
    my ($self, @command) = @_;

    $self->{stream}->write(join '', '*' . @command . "\r\n",
                           map { '$' . length($_) . "\r\n$_\r\n" } @command)
        or croak 'Redis has closed the connection';
}


sub receive {
    my ($self, $timeout) = @_;

    my $stream = $self->{stream};
    my $line = $stream->read_until(qr/\r\n/, $timeout);

    if (!defined $line) {
        return if defined $timeout && $stream->error eq 'timeout';
        croak 'no reply of Redis: ', $stream->error;
    }

    my ($type, $value) = $line =~ /^(.)(.*)\r\n$/s;

    if ($type eq '-') {
        croak $value;

    } elsif ($type eq '$') {
        return if $value < 0;
        return substr $stream->read($value + 2), 0, $value;

    } elsif ($type eq '*') {
        return if $value < 0;
        return [map { scalar $self->receive } 1 .. $value];
    }

    return $value;
}


sub close { $_[0]{stream}->close }

1;
