# Copyright (C) ngx_http_websocket_module authors

# Compressed messages to one client and to many, in any order: each client's
# window runs through all of them.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL;
                    websocket_compression on;',
    config      => 'location /ws { websocket on; }');

# their own messages with a context, without one, and not compressed at all

my @john = (socket_of(john => 1));
my @jane = map { socket_of(jane => 2, deflate => $_) }
               'permessage-deflate', 0,
               'permessage-deflate; server_no_context_takeover',
               'permessage-deflate; server_max_window_bits=9';
my @all = (@john, @jane);

for my $ws (@all) {
    $ws->send_json({ event => 'subscribe', id => 2,
                     data => { channel => 'room' } });
    $ws->wait_event('ack');
}

srand 3;
my ($n, %sizes) = (0);

for my $i (1 .. 60) {
    my $text = "$i " . unpack 'H*', join '', map { chr int rand 256 } 1 .. 150;

    # to one socket, to four, to five; and what repeats the last

    for my $to ([1, @john], [2, @jane], [0, @all], [1, @john], [1, @john]) {
        my ($user, @sockets) = @$to;

        my %data = $user ? (recipientId => $user) : ();

        $jane[1]->send_json({
            event => $user ? 'message:direct' : 'message:group',
            data  => { channel => 'room', message => $text, %data } });

        for my $ws (@sockets) {
            my $m = $ws->wait_event($user ? 'message:direct'
                                          : 'message:group');

            $n++ if ($m->{data}{message} // '') eq $text;
        }
    }
}

is($n, 60 * 12, 'all messages come as they were');


# alone on its worker, a user's messages lean on each other

my $text = unpack 'H*', join '', map { chr int rand 256 } 1 .. 500;

is(join(' ', leans($john[0])), "0 1 1", 'three that follow each other');

$jane[1]->send_json({ event => 'message:group',
                      data  => { channel => 'room', message => $text } });
$_->wait_event('message:group') for @all;

is(join(' ', leans($john[0])), '0 1 1',
   'what many got comes between: the next one does not');

$_->disconnect for @all;
$nginx->check;

done_testing();


# Which of three messages are a third of their size at most.

sub leans {
    my ($ws) = @_;

    return map {
        $jane[1]->send_json({
            event => 'message:direct',
            data  => { recipientId => 1, channel => 'room',
                       message => $text } });

        my $f = $ws->read_frame;
        my $json = $ws->deflate->decompress($f->{payload});

        like($json, qr/"message":"$text"/, 'the message');
        length $f->{payload} < 500 / 3 ? 1 : 0;
    } 1 .. 3;
}


sub socket_of {
    my ($name, $user, %args) = @_;

    return Test::Nginx::WebSocket->login(
        port => $nginx->port, deflate => 'permessage-deflate',
        token => "$user|demo-token-$name", %args);
}
