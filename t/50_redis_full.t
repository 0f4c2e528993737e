#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Redis has no memory left, because MySQL was away for too long: nothing new
# is accepted, nothing that was is lost, and it all ends by itself.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $JOHN = '1|demo-token-john';
my $JANE = '2|demo-token-jane';
my $ADA = '3|demo-token-ada';

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;
                    websocket_presence_grace 100ms;',
    config      => 'location /api/ { websocket_api on; }
                    location /ws { websocket on; }
                    location /status { websocket_status json; }');

my ($john, $ada) = map { socket_of($_) } $JOHN, $ADA;

ok(wait_until(sub { online($JANE) eq '1 3' }), 'two users are online');


note 'it fills';

# who the recipient is has to be known

my @taken = send_message()->{messageId};
my $refused;

$mysql->kill;

my $log = $nginx->log_size;

$redis->command(qw(CONFIG SET maxmemory), used_memory() + 2_000_000);

for (1 .. 1000) {
    my $answer = send_message();

    if ($answer->{status} ne 'ok') {
        $refused = $answer;
        last;
    }

    push @taken, $answer->{messageId};
}

$redis->command(qw(CONFIG SET maxmemory), used_memory() - 500_000);

cmp_ok(scalar @taken, '>', 10, 'many messages are taken');
is($refused->{code}, 'unavailable', 'until one is refused');
is(post($JANE, connect => {})->status, 503, 'REST, too');
is(online($JANE), '1 3', 'what is known is told still');

send_message() for 1 .. 100;

my @said = $nginx->error_log($log)
           =~ /\[error\] (\d+)#.*redis refuses commands: OOM/g;
my %workers = map { $_ => 1 } @said;

cmp_ok(scalar @said, '>', 0, 'the log says so');
is(scalar @said, scalar keys %workers, 'once a worker');


note 'what ends does so meanwhile';

$ada->close;
ok(wait_until(sub { online($JANE) eq '1' }), 'who leaves is gone');

my $owner = owner();

$nginx->kill_worker($owner);
ok(wait_until(sub { owner() != $owner }),
   'when the worker dies that writes the record, another one does');
ok(wait_until(sub { online($JANE) eq '' || $john->closed(0) == 0 }),
   'and its users are gone');


note 'MySQL is back';

$mysql->start;

ok(wait_until(sub { rows() == @taken }), 'what was taken is written');
is_deeply([map { $_->[0] } $mysql->query(
               'SELECT id FROM websocket_events
                WHERE event_type = "message_sent" ORDER BY id')],
          [sort { $a <=> $b } @taken], 'no more and no less');
cmp_ok(used_memory(), '>', maxmemory(), 'though Redis is full');


note 'Redis has memory again';

$redis->command(qw(CONFIG SET maxmemory 0));

$john = socket_of($JOHN) if $john->closed(0);

is(send_message()->{status}, 'ok', 'messages are taken');
is(post($ADA, connect => {})->status, 201, 'and REST');
ok(wait_until(sub { online($JANE) eq '1 3' }), 'all is as it was');
ok(wait_until(sub { rows() == @taken + 1 }), 'in the record, too');
unlike($nginx->error_log($log), qr/lost its lease/, 'nobody was given up');

$nginx->check('no alerts');

done_testing();


sub socket_of {
    my ($token) = @_;

    return Test::Nginx::WebSocket->login(port => $nginx->port,
                                         token => $token);
}


sub send_message {
    $john->send_json({ event => 'message:direct', id => 1, data => {
        recipientId => 2, message => 'x' x 4000 } });

    return $john->wait_event('ack')->{data};
}


sub post {
    my ($token, $path, $body) = @_;

    return http()->post("/api/$path", $body,
                        { Authorization => "Bearer $token" });
}


sub online {
    my ($token) = @_;

    my $res = http()->get('/api/online-users',
                          { Authorization => "Bearer $token" });

    return join ' ', map { $_->{user_id} } @{$res->json->{data}};
}


sub http { return Test::Nginx::HTTP->new(port => $nginx->port) }


# The worker that writes the record.

sub owner {
    my $lock = $redis->command('GET', 'ws:_:lock:record') // '';

    return $lock =~ /-(\d+)-/ ? $1 : 0;
}


sub rows {
    return $mysql->value('SELECT COUNT(*) FROM websocket_events
                          WHERE event_type = "message_sent"');
}


sub used_memory { return info('used_memory') }

sub maxmemory { return info('maxmemory') }

sub info {
    my ($name) = @_;

    my ($value) = $redis->command('INFO', 'memory') =~ /^$name:(\d+)/m;

    return $value;
}
