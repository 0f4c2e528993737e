#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# nginx ends at once while Redis is silent: what waits for it is let go of.
# That nothing is lost on the way is for the sanitizers to say.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::Stores;

my ($redis, $mysql) = Test::Nginx::Stores->start;

my %john = (Authorization => 'Bearer 1|demo-token-john');

my @rest = (
    [POST => 'connect', { connection_id => 'late' }],
    [POST => 'disconnect', { connection_id => 'john' }],
    [POST => 'subscribe', { connection_id => 'john', channel => 'b' }],
    [POST => 'unsubscribe', { connection_id => 'john', channel => 'a' }],
    [POST => 'presence/update', { status => 'busy' }],
    [GET => 'presence/2'],
    [GET => 'online-users'],
    [POST => 'typing', { conversation_id => 'c', is_typing => \1 }],
    [GET => 'typing/c'],
    [GET => 'stats'],
);

my @events = (
    ['subscribe', { channel => 'b' }],
    ['unsubscribe', { channel => 'a' }],
    ['message:direct', { recipientId => 2, message => 'm' }],
    ['message:group', { channel => 'a', message => 'm' }],
    ['notification:send', { recipientIds => [2, 3], title => 't',
                            message => 'm', type => 'info' }],
    ['broadcast:send', { channel => 'a', message => 'm' }],
    ['message:delivered', { messageId => 1, senderId => 2 }],
    ['user:presence', { status => 'away' }],
    ['user:typing', { conversationId => 'c', isTyping => \1 }],
    ['auth', { token => '1|demo-token-john' }],
);

for my $signal (qw(TERM QUIT)) {
    my $nginx = Test::Nginx::Server->start(
        workers     => 1,
        main_config => 'worker_shutdown_timeout 500ms;',
        http_config => 'websocket_redis $TEST_NGINX_REDIS;
                        websocket_mysql $TEST_NGINX_MYSQL;',
        config      => 'location /api/ { websocket_api on; }
                        location /socket.io/ { websocket_socketio on; }');

    my @sockets = map {
        Test::Nginx::SocketIO->connect(
            port => $nginx->port, transport => $_,
            auth => { token => '1|demo-token-john', connectionId => 'john' })
    } qw(websocket polling);

    for my $socket (@sockets) {
        is($socket->call('subscribe', { channel => 'a' })->{status}, 'ok',
           'a socket is there');
    }

    $redis->pause;

    my @waiting = map {
        my ($method, $path, $body) = @$_;
        my $http = Test::Nginx::HTTP->new(port => $nginx->port);

        $http->send($method, "/api/$path", $body, \%john);
        $http;
    } @rest;

    for my $event (@events) {
        $_->emit(@$event) for @sockets;
    }

    my $new = Test::Nginx::SocketIO->open(port => $nginx->port);

    $new->send(type => Test::Nginx::SocketIO::CONNECT,
               data => { token => '1|demo-token-john' });

    is(Test::Nginx::HTTP->new(port => $nginx->port)
           ->get('/api/none', \%john)->status, 404, 'all have been read');

    $nginx->signal($signal);
    ok($nginx->wait(20), "it ends by $signal");
    $redis->resume;

    $nginx->check;
}

done_testing();
