package Test::Nginx::Stores;

# Copyright (C) ngx_http_websocket_module authors

# A private Redis and a private MariaDB, which $TEST_NGINX_REDIS and
# $TEST_NGINX_MYSQL name from then on.
#
#     my ($redis, $mysql) = Test::Nginx::Stores->start;
#
# Arguments: redis and mysql, more lines for the configuration of each.

use strict;
use warnings;

use Test::Nginx::MySQLServer;
use Test::Nginx::RedisServer;


sub start {
    my ($class, %args) = @_;

    my $redis = Test::Nginx::RedisServer->start(config => $args{redis});
    my $mysql = Test::Nginx::MySQLServer->start(config => $args{mysql});

    $ENV{TEST_NGINX_REDIS} = $redis->url;
    $ENV{TEST_NGINX_MYSQL} = $mysql->url;

    return $redis, $mysql;
}

1;
