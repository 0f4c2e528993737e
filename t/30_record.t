#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: what is in the stream gets into MySQL exactly once, whatever
# dies meanwhile.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Time::HiRes qw(sleep time);

my $redis = Test::Nginx::RedisServer->start;
my $mysql = Test::Nginx::MySQLServer->start;

local $ENV{TEST_NGINX_REDIS} = $redis->url;
local $ENV{TEST_NGINX_MYSQL} = $mysql->url;

my $STREAM = 'ws:_:events';
my $POISON = 'ws:_:events:poison';
my $CREATED = 1761300000123;

my $id = 1000;

produce(event_range(1500));

my $nginx = Test::Nginx::Server->start(
    http_config => 'websocket_redis $TEST_NGINX_REDIS command_timeout=30s;
                    websocket_mysql $TEST_NGINX_MYSQL batch=200 flush=20ms;
                    websocket_retention events=3650d;',
    config      => 'location /api/ { websocket_api on; }
                    location /metrics { websocket_status json; }');


note 'what was there before';

is(wait_rows(1500, 30), 1500, 'every entry is a row');

my ($row) = $mysql->query('SELECT id, tenant_id, user_id, event_type, channel,
    payload, status, retry_count, error_message,
    UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at)
    FROM websocket_events WHERE id = 1001');

is_deeply($row, [1001, 1, 2, 'message_sent', 'private-user.3',
                 payload(1001), 'pending', 0, undef,
                 int($CREATED / 1000), int($CREATED / 1000)],
          'all columns are filled');


note 'the same once more';

produce(map { [event($_)] } 1001 .. 1100);
ok(wait_drained(), 'a replay is acknowledged');
is(rows(), 1500, 'and makes no row');
is(poisoned(), 0, 'nor an error');


note 'what MySQL refuses';

my $log = $nginx->log_size;
my %good = (event($id + 1));

produce([event(1001), payload => '{"event":"other"}'],
        [event($id + 2), payload => '{"event":'],
        [%good],
        [event($id + 3), event_type => 'x' x 51],
        [event($id + 4), tenant_id => 'one'],
        [event($id + 5), created_at => 'now'],
        [event($id + 6), kind => 'riddle'],
        [event($id + 7), id => undef],
        ['nothing', 1],
        [event($id + 8)]);

ok(wait_drained(), 'nothing is left in the stream');
is(rows(), 1502, 'the good ones between are in');

my @poison = map { {@{$_->[1]}} } @{$redis->command('XRANGE', $POISON, '-',
                                                    '+')};

is(@poison, 8, 'the others are put aside');
is($poison[0]{id} // '', 1001, 'with what they were');
like($poison[0]{errno}, qr/^\d+$/, 'the number of the error');
like($poison[0]{entry}, qr/^\d+-\d+$/, 'the id of the entry');
is((grep { $_->{error} ne '' } @poison), 8, 'and its text');
is($mysql->value('SELECT payload FROM websocket_events WHERE id = 1001'),
   payload(1001), 'another event under the same id changes nothing');

my @lines = grep { /\[error\].* of the record is put aside.*"$POISON"/ }
            split /\n/, $nginx->error_log($log);

is(@lines, 8, 'each is one line in the log');
unlike($nginx->error_log($log), qr/riddle|message_sent|x{51}/,
       'which tells no data');
is(metrics()->{record_failed_total}, 8, 'and is counted');

$id += 10;


produce([kind => 'status', id => 1001, status => 'failed',
         error_message => 'e', updated_at => $CREATED],
        [kind => 'status', id => 999, status => 'delivered',
         updated_at => $CREATED]);
ok(wait_drained(), 'what became of an event, and of one put aside');
is_deeply([$mysql->query('SELECT id, status FROM websocket_events
                          WHERE status != "pending"')],
          [[1001, 'failed']], 'only one of them is a row');


note 'connections';

my %conn = (kind => 'connection', connection_id => 'conn_1', tenant_id => 1,
            user_id => 2, session_id => 's', browser => 'Chrome',
            device_type => 'desktop', ip_address => '::1',
            subscribed_channels => '["a"]', status => 'connected',
            connected_at => 1761300000000, last_activity_at => 1761300001000,
            updated_at => 1761300001000);

produce([%conn],
        [%conn, status => 'disconnected', disconnected_at => 1761300009999,
         updated_at => 1761300009999],
        [%conn, status => 'connected', updated_at => 1761300005000],
        event_range(1));

ok(wait_drained(), 'entries of two kinds are written');

($row) = $mysql->query('SELECT tenant_id, user_id, session_id, browser,
    device_type, ip_address, subscribed_channels, status,
    UNIX_TIMESTAMP(connected_at), UNIX_TIMESTAMP(last_activity_at),
    UNIX_TIMESTAMP(disconnected_at), UNIX_TIMESTAMP(created_at),
    UNIX_TIMESTAMP(updated_at) FROM websocket_connections
    WHERE connection_id = "conn_1"');

is_deeply($row, [1, 2, 's', 'Chrome', 'desktop', '::1', '["a"]',
                 'disconnected', 1761300000, 1761300001, 1761300009,
                 1761300001, 1761300009], 'the latest state counts');


note 'the consumer is killed';

my $before = rows();

for (1 .. 2) {
    my $consumer = consumer();

    produce(event_range(4000));
    wait_until { rows() > $before + 500 } 10;
    $nginx->kill_worker($consumer);

    $before += 4000;
    is(wait_rows($before, 30), $before, 'no row is missing');
    ok(wait_until(sub { consumer() != $consumer }, 15),
       'another one has taken over');
}

is($mysql->value('SELECT COUNT(*) FROM websocket_events WHERE id BETWEEN '
                 . ($id - 7999) . " AND $id"), 8000, 'nor is there another');


note 'whoever was held up for too long gets nothing';

$redis->command('ZADD', 'ws:_:leases', int(time() * 1000) + 12000, 'somebody');
$redis->command('SET', 'ws:_:lock:record', 'somebody', 'PX', 60_000);
produce(event_range(100));
$before += 100;
sleep 1;
is(rows(), $before - 100, 'entries are not given to those without the lock');
$redis->command('DEL', 'ws:_:lock:record');
is(wait_rows($before, 30), $before, 'but to the next');


note 'the consumer stands still';

my $consumer = consumer();

kill STOP => $consumer;
produce(event_range(1000));
$before += 1000;

is(wait_rows($before, 30), $before, 'another one takes over');

kill CONT => $consumer;
sleep 0.5;
produce(event_range(1000));
$before += 1000;

is(wait_rows($before, 30), $before, 'the first one comes back');
is(rows(), $before, 'and writes nothing twice');


note 'MySQL dies';

$mysql->kill;
produce(event_range(3000));
$before += 3000;

ok(wait_until(sub { metrics()->{record_pending} == 3000 }, 10),
   'what waits is counted');
is(metrics()->{mysql_up}, 0, 'and that MySQL is away');
sleep 1;
$mysql->start;

is(wait_rows($before, 30), $before, 'it gets everything once it is back');
ok(wait_until(sub { metrics()->{record_pending} == 0 }, 5), 'nothing waits');
is(poisoned(), 8, 'nothing is put aside');


note 'MySQL stands still in the middle';

produce(event_range(4000));
$mysql->pause;
sleep 4;
$mysql->resume;
$before += 4000;

is(wait_rows($before, 30), $before, 'every row is there');


note 'MySQL is slow';

produce(event_range(1000));
$before += 1000;
is(wait_rows($before, 30), $before, 'batches are large');

$mysql->query('CREATE TRIGGER slow BEFORE INSERT ON websocket_events
               FOR EACH ROW DO SLEEP(0.025)');
produce(event_range(100));
$before += 100;

is(wait_rows($before, 30), $before, 'a batch gets as small as it has to be');
$mysql->query('DROP TRIGGER slow');


note 'the table is away';

$log = $nginx->log_size;
$mysql->query('RENAME TABLE websocket_events TO away');
produce(event_range(100));
$before += 100;

ok($nginx->wait_log(qr/\[error\].*mysql refuses the record: Table '\S+websocket_events' doesn't exist \(1146\)/,
                   5, $log),
   'it is said in the log, with the reason');
is(poisoned(), 8, 'no entry is to blame');
$mysql->query('RENAME TABLE away TO websocket_events');
is(wait_rows($before, 30), $before, 'all are written when it is back');


note 'Redis dies';

produce(event_range(3000));
$redis->kill;
sleep 1;
$redis->start;
$before += 3000;

is(wait_rows($before, 30), $before, 'what it had taken is written');
ok(wait_drained(), 'and acknowledged');


note 'a reload';

produce(event_range(3000));

# a while in which each worker asks for the lock, and does not hear

$redis->pause;
sleep 3.2;

my @old = $nginx->reload(workers => 4);

wait_until { !grep { kill 0 => $_ } @old } 30;
$redis->resume;
produce(event_range(1000));
$before += 4000;

my $owner = $redis->command('GET', 'ws:_:lock:record') // '';

is((grep { $owner =~ /-$_-/ } @old), 0, 'who leaves leaves no lock behind');
is(wait_rows($before, 30), $before, 'every row is there');


note 'the stream';

is(rows(), $before, 'no row is there twice');
is($mysql->value('SELECT COUNT(*) FROM websocket_events WHERE id > 1501
                  AND payload NOT LIKE CONCAT("%", id, "%")'), 0,
   'each row has its own payload');

$mysql->kill;
$redis->command('DEL', $STREAM);
produce_at($_, event_range(1)) for map { "$_-1" } 1 .. 1000;
sleep 2.5;
is($redis->command('XLEN', $STREAM), 1000,
   'old entries that MySQL does not have are kept');
$mysql->start;
$before += 1000;
is(wait_rows($before, 30), $before, 'they are written');
ok(wait_until(sub { $redis->command('XLEN', $STREAM) <= 100 }, 5),
   'and dropped then');

produce(event_range(150));
ok(wait_drained(), 'newer ones are written');
sleep 1.5;
cmp_ok($redis->command('XLEN', $STREAM), '>=', 150, 'and kept for a while');

$nginx->check('no alerts');

done_testing();


sub event {
    my ($n) = @_;

    return (kind => 'event', id => $n, tenant_id => 1, user_id => 2,
            created_at => $CREATED, event_type => 'message_sent',
            channel => 'private-user.3', payload => payload($n),
            status => 'pending');
}


sub payload {
    my ($n) = @_;

    return qq({"event":"message:direct","data":{"message":"\xc3\xa9 $n"}});
}


sub event_range {
    my ($n) = @_;

    return map { [event(++$id)] } 1 .. $n;
}


# Entries are references to fields; of equal ones the last counts.

sub produce { produce_at('*', @_) }

sub produce_at {
    my ($at, @entries) = @_;

    my $client = $redis->client;

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


sub rows { $mysql->value('SELECT COUNT(*) FROM websocket_events') }


# How many rows there are when there are as many as expected.

sub wait_rows {
    my ($expected, $timeout) = @_;

    wait_until { (eval { rows() } // 0) >= $expected } $timeout;

    return rows();
}


sub wait_drained {
    return wait_until {
        my ($group) = @{$redis->command('XINFO', 'GROUPS', $STREAM)};
        my %group = @$group;

        return $group{lag} == 0 && $group{pending} == 0;
    } 30;
}


sub poisoned { $redis->command('XLEN', $POISON) }


# The pid of the worker that has the lock.

sub consumer {
    my $owner = wait_until { $redis->command('GET', 'ws:_:lock:record') } 15;

    return $owner =~ /-(\d+)-.{20}$/ ? $1 : BAIL_OUT('nobody has the lock');
}


sub metrics {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/metrics')->json;
}
