package Test::Nginx::RedisServer;

# Copyright (C) ngx_http_websocket_module authors

# A private Redis, see Test::Nginx::Process for its life.
#
#     my $redis = Test::Nginx::RedisServer->start;
#
#     local $ENV{TEST_NGINX_REDIS} = $redis->url;
#     $redis->command('FLUSHALL');
#
# It listens on a unix socket, with tcp => 1 on a port instead, and keeps
# its data over a kill.  password protects it; config takes more lines for
# redis.conf.
#
# A test that needs just any Redis asks for
#
#     my $redis = Test::Nginx::RedisServer->shared;
#
# which is a client of the one in TEST_NGINX_REDIS, or where that is not
# set a private one, which is put there.

use strict;
use warnings;

use Test::Nginx::Process qw(free_port spew find_program);
use Test::Nginx::Redis;

use parent -norequire, 'Test::Nginx::Process';


sub init {
    my ($self, %args) = @_;

    my $dir = $self->{dir};
    my $port = $args{tcp} ? free_port() : 0;

    $self->{name} = 'redis';
    $self->{program} = find_program('redis-server');
    $self->{password} = $args{password};

    my $login = defined $args{password} ? ":$args{password}@" : '';

    $self->{url} = $port ? "redis://${login}127.0.0.1:$port"
                         : "unix:$dir/redis.sock";

    spew("$dir/redis.conf", join "\n",
         'bind 127.0.0.1', "port $port", "unixsocket $dir/redis.sock",
         "dir $dir", 'appendonly yes', 'appendfsync always', 'save ""',
         defined $args{password} ? "requirepass $args{password}" : (),
         $args{config} // '', '');
}


sub command {
    my ($self, @command) = @_;

    return $self->{program}, "$self->{dir}/redis.conf" if !@command;

    return $self->client->command(@command);
}


sub ready {
    my ($self) = @_;

    return eval { $self->client->command('PING') };
}


sub shared {
    my ($class) = @_;

    if (my $url = $ENV{TEST_NGINX_REDIS}) {
        return Test::Nginx::Redis->connect($url);
    }

    my $self = $class->start;

    $ENV{TEST_NGINX_REDIS} = $self->url;

    return $self;
}


sub url { $_[0]{url} }


# A new connection.

sub client {
    my ($self, %args) = @_;

    my $client = Test::Nginx::Redis->connect($self->{url}, %args);

    if (defined $self->{password} && $self->{url} =~ /^unix:/) {
        $client->command('AUTH', $self->{password});
    }

    return $client;
}

1;
