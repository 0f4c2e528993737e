#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Ids of messages: unique over workers, reloads and a Redis that has lost its
# data, rising, below 2^53.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;
use Time::HiRes qw(sleep time);

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;',
    config      => 'location /ws { websocket on; }');

my @sockets = map { socket_of('1|demo-token-john') } 1 .. 8;
my %seen;


note 'more than some blocks';

my ($rising, $refused) = (0, 0);

for my $socket (@sockets) {
    my @ids = send_messages($socket, 400);
    my $last = 0;

    $rising++ if !grep { my $ok = $_ > $last; $last = $_; !$ok } @ids;
    $seen{$_}++ for @ids;
}

is(keys %seen, 3200, 'all are unique');
is($rising, 8, 'and rise on each socket');

my ($max) = sort { $b <=> $a } keys %seen;

cmp_ok($max, '<', 2 ** 53, 'they are below 2^53');
ok(wait_until(sub { rows() == 3200 }), 'and the keys of the rows');
is($mysql->value('SELECT MAX(id) FROM websocket_events
                  WHERE event_type = "message_sent"'), $max, 'exactly so');


note 'direct messages';

my $ack = $sockets[0]->call('message:direct',
               { recipientId => 2, message => 'hello' });

is($ack->{status}, 'ok', 'to a user of the tenant');
is($sockets[0]->call('message:direct', { recipientId => 4, message => 'x' })
       ->{code}, 'not_found', 'to one of another tenant');
is($sockets[0]->call('message:direct', { recipientId => 999, message => 'x' })
       ->{code}, 'not_found', 'to nobody');


note 'a reload';

$nginx->reload;
@sockets = map { socket_of('2|demo-token-jane') } 1 .. 4;

my @ids = map { send_messages($_, 10) } @sockets;

is((grep { $seen{$_}++ } @ids), 0, 'new workers have new ones');


note 'Redis loses its data';

$redis->command('SET', 'keepsake', 1);
$redis->kill;
unlink glob $redis->dir . '/appendonlydir/*';
unlink $redis->dir . '/appendonly.aof';

my $since = time;

is($sockets[0]->call('message:group', { channel => 'g', message => 'x' })
       ->{code}, 'unavailable', 'nothing is sent without it');
cmp_ok(time - $since, '<', 15, 'which is said in time');
$redis->start;
is($redis->command('GET', 'keepsake'), undef, 'it has forgotten everything');

is($sockets[0]->read_close, 1001,
   'sockets that it does not know any more are closed');
ok(wait_until(sub { $redis->command('ZCARD', 'ws:_:leases')
                        == $nginx->workers }),
   'and all workers begin anew');
$sockets[0] = socket_of('2|demo-token-jane');

@ids = send_messages($sockets[0], 2500);
is((grep { $seen{$_}++ } @ids), 0, 'there are new ones');
cmp_ok($ids[-1], '>', $max, 'above those before');

$nginx->check('no alerts');

done_testing();


sub socket_of {
    my ($token) = @_;

    return Test::Nginx::WebSocket->login(port => $nginx->port,
                                         token => $token);
}


# Sends so many messages, some ahead; the ids in the order of the answers.

sub send_messages {
    my ($socket, $n) = @_;

    my ($sent, @ids) = 0;

    while (@ids < $n) {
        if ($sent < $n && $sent < @ids + 50) {
            $socket->send_json({ event => 'message:group', id => ++$sent,
                                 data => { channel => 'g', message => 'm' } });
            next;
        }

        my $answer = $socket->wait_ack(@ids + 1) or last;

        push @ids, $answer->{messageId} // last;
    }

    return @ids;
}


sub rows {
    return $mysql->value('SELECT COUNT(*) FROM websocket_events
                          WHERE event_type = "message_sent"');
}
