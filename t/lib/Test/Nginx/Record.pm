package Test::Nginx::Record;

# Copyright (C) ngx_http_websocket_module authors

# The record under test: private stores, and a server whose workers write
# what is in the stream to MySQL.
#
#     my $record = Test::Nginx::Record->new;
#
#     $record->serve;
#     $record->produce($record->events(100));
#     $record->is_written("all");
#
# new() takes mysql and redis, more lines for their configuration.  Those
# methods that wait give up after 30 seconds.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;

our $STREAM = 'ws:_:events';
our $POISON = 'ws:_:events:poison';
# of late, as what waits for 30 days fails
our $CREATED = (time() - 60) * 1000 + 123;


sub new {
    my ($class, %args) = @_;

    return bless {
        redis    => Test::Nginx::RedisServer->start(config => $args{redis}),
        mysql    => Test::Nginx::MySQLServer->start(config => $args{mysql}),
        id       => 1000,
        expected => 0,
    }, $class;
}


sub redis { $_[0]{redis} }
sub mysql { $_[0]{mysql} }
sub nginx { $_[0]{nginx} }


# The last id that events() has given.

sub id { $_[0]{id} }


sub serve {
    my ($self, %args) = @_;

    return $self->{nginx} = Test::Nginx::Server->start(
        http_config => "websocket_redis @{[$self->redis->url]}
                            command_timeout=8s;
                        websocket_mysql @{[$self->mysql->url]}
                            batch=200 flush=20ms;
                        websocket_retention connections=3650d
                            events=3650d;",
        config      => 'location /api/ { websocket_api on; }
                        location /metrics { websocket_status json; }',
        %args);
}


# The fields of one entry.

sub event {
    my ($self, $n) = @_;

    return (kind => 'event', id => $n, tenant_id => 1, user_id => 2,
            created_at => $CREATED, event_type => 'message_sent',
            channel => 'private-user.3', payload => $self->payload($n),
            status => 'pending');
}


sub payload {
    my ($self, $n) = @_;

    return qq({"event":"message:direct","data":{"message":"\xc3\xa9 $n"}});
}


# So many new entries, which have to become rows.

sub events {
    my ($self, $n) = @_;

    $self->{expected} += $n;

    return map { [$self->event(++$self->{id})] } 1 .. $n;
}


# A row that is not one of events().

sub expect {
    my ($self, $n) = @_;

    $self->{expected} += $n;
}


# Entries are references to fields; of equal ones the last counts.

sub produce {
    my ($self, @entries) = @_;

    $self->produce_at('*', @entries);
}


sub produce_at {
    my ($self, $at, @entries) = @_;

    my $client = $self->redis->client;

    while (my @some = splice @entries, 0, 500) {
        for my $entry (@some) {
            my %fields = @$entry;
            my @names = grep { defined $fields{$_} } sort keys %fields;

            $client->send('XADD', $STREAM, $at,
                          map { ($_, $fields{$_}) } @names);
        }

        $client->receive for @some;
    }
}


sub rows { $_[0]->mysql->value('SELECT COUNT(*) FROM websocket_events') }


# A test: there is a row for each entry and not one more.

sub is_written {
    my ($self, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    wait_until { (eval { $self->rows } // 0) >= $self->{expected} } 30;
    is($self->rows, $self->{expected}, $name);
}


# Whether all of the stream was read and acknowledged.

sub wait_drained {
    my ($self) = @_;

    return wait_until {
        my ($group) = @{$self->redis->command('XINFO', 'GROUPS', $STREAM)};
        my %group = @{$group // []};

        return %group && $group{lag} == 0 && $group{pending} == 0;
    } 30;
}


sub poisoned { $_[0]->redis->command('XLEN', $POISON) }


# What was put aside, as hashes.

sub poison {
    my ($self) = @_;

    return map { {@{$_->[1]}} }
           @{$self->redis->command('XRANGE', $POISON, '-', '+')};
}


# The pid of the worker that has the lock.

sub consumer {
    my ($self) = @_;

    my $owner = wait_until {
        $self->redis->command('GET', 'ws:_:lock:record')
    } 30;

    return $owner =~ /-(\d+)-.{20}$/ ? $1 : BAIL_OUT('nobody has the lock');
}


sub metrics {
    my ($self) = @_;

    return Test::Nginx::HTTP->new(port => $self->nginx->port)
                            ->get('/metrics')->json;
}

1;
