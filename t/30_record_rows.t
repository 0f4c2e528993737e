#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: entries of the stream as rows, and those that cannot be.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Record;

my $CREATED = $Test::Nginx::Record::CREATED;
my $POISON = $Test::Nginx::Record::POISON;

my $record = Test::Nginx::Record->new;
my $mysql = $record->mysql;

$record->produce($record->events(1500));

my $nginx = $record->serve;


note 'what was there before';

$record->is_written('every entry is a row');

my ($row) = $mysql->query('SELECT id, tenant_id, user_id, event_type, channel,
    payload, status, retry_count, error_message,
    UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at)
    FROM websocket_events WHERE id = 1001');

is_deeply($row, [1001, 1, 2, 'message_sent', 'private-user.3',
                 $record->payload(1001), 'pending', 0, undef,
                 int($CREATED / 1000), int($CREATED / 1000)],
          'all columns are filled');
is($mysql->value('SELECT COUNT(*) FROM websocket_events
                  WHERE payload NOT LIKE CONCAT("%", id, "%")'), 0,
   'each row has its own payload');


note 'the same once more';

$record->produce(map { [$record->event($_)] } 1001 .. 1100);
ok($record->wait_drained, 'a replay is acknowledged');
is($record->rows, 1500, 'and makes no row');
is($record->poisoned, 0, 'nor an error');


note 'what MySQL refuses';

my $log = $nginx->log_size;
my ($first, $second) = $record->events(2);
my $id = $record->id;

$record->produce(
    [$record->event(1001), payload => '{"event":"other"}'],
    [$record->event($id + 2), payload => '{"event":'],
    $first,
    [$record->event($id + 3), event_type => 'x' x 51],
    [$record->event($id + 4), tenant_id => 'one'],
    [$record->event($id + 5), created_at => 'now'],
    [$record->event($id + 6), kind => 'riddle'],
    [$record->event($id + 7), id => undef],
    ['nothing', 1],
    $second);

ok($record->wait_drained, 'nothing is left in the stream');
$record->is_written('the good ones between are in');

my @poison = $record->poison;

is(@poison, 8, 'the others are put aside');
is($poison[0]{id} // '', 1001, 'with what they were');
like($poison[0]{errno}, qr/^\d+$/, 'the number of the error');
like($poison[0]{entry}, qr/^\d+-\d+$/, 'the id of the entry');
is((grep { $_->{error} ne '' } @poison), 8, 'and its text');
is($mysql->value('SELECT payload FROM websocket_events WHERE id = 1001'),
   $record->payload(1001),
   'another event under the same id changes nothing');

my @lines = grep { /\[error\].* of the record is put aside.*"$POISON"/ }
            split /\n/, $nginx->error_log($log);

is(@lines, 8, 'each is one line in the log');
unlike($nginx->error_log($log), qr/riddle|message_sent|x{51}/,
       'which tells no data');
is($record->metrics->{record_failed_total}, 8, 'and is counted');


note 'what became of events';

$record->produce(status(1001, 'failed', 0, error_message => 'e'),
                 status(999, 'delivered', 0));
ok($record->wait_drained, 'of one, and of one that was put aside');
is_deeply([$mysql->query('SELECT id, status FROM websocket_events
                          WHERE status != "pending"')],
          [[1001, 'failed']], 'only one of them is a row');


note 'what became of several at once';

my @events = $record->events(50);
my @ids = $record->id - 49 .. $record->id;

# each list stands behind its events; the last entry is about half of them

$record->produce(@events, status("@ids", 'delivered', 1000),
                 status("@ids[0 .. 24]", 'pending', 2000));
ok($record->wait_drained, 'fifty in one entry, together with their events');
is_deeply(states(@ids), [(['pending', 2]) x 25, (['delivered', 1]) x 25],
          'each has what was said of it last');

$record->produce(status("999 @ids[0, 1] 998", 'delivered', 3000,
                        retry_count => 4));
ok($record->wait_drained, 'some of which are no rows');
is_deeply(states(@ids[0 .. 2]),
          [(['delivered', 3]) x 2, ['pending', 2]], 'the others are told');
is($mysql->value("SELECT GROUP_CONCAT(id ORDER BY id) FROM websocket_events
                  WHERE retry_count = 4"), "$ids[0],$ids[1]",
   'with their number of retries');
$record->is_written('and no row is made up');

$record->produce(status("$ids[2] one $ids[3]", 'failed', 4000));
ok($record->wait_drained, 'one that is no id');
is_deeply([map { $_->[0] } @{states(@ids[2, 3])}], ['failed', 'failed'],
          'does not keep the others');
is($record->poisoned, 9, 'and is put aside');


note 'several events in one entry';

$id = $record->id + 100;
$record->expect(2);

# the second has a payload that is none

$record->redis->command('XADD', $Test::Nginx::Record::STREAM, '*',
    kind => 'event', text => ($id + 1) . ' message:direct {"n":1}',
    tenant_id => 1, user_id => 2, created_at => $CREATED,
    event_type => 'message_sent', channel => 'private-user.3',
    status => 'pending', text => ($id + 2) . ' message:direct {',
    text => ($id + 3) . ' message:group {"n":3}', user_id => 4,
    channel => 'a channel', status => 'delivered');

ok($record->wait_drained, 'is acknowledged');
is_deeply([$mysql->query("SELECT id, tenant_id, user_id, event_type, channel,
               payload, status, UNIX_TIMESTAMP(created_at)
               FROM websocket_events WHERE id > $id ORDER BY id")],
          [[$id + 1, 1, 2, 'message_sent', 'private-user.3',
            '{"event":"message:direct","data":{"n":1}}', 'pending',
            int($CREATED / 1000)],
           [$id + 3, 1, 4, 'message_sent', 'a channel',
            '{"event":"message:group","data":{"n":3}}', 'delivered',
            int($CREATED / 1000)]],
          'makes rows, in which what is not said is as in the one before');
is($record->poisoned, 10, 'is put aside for the one that MySQL refuses');
is(($record->poison)[-1]{row}, 2, 'which is named');


note 'connections';

my %conn = (kind => 'connection', connection_id => 'conn_1', tenant_id => 1,
            user_id => 2, session_id => 's', browser => 'Chrome',
            device_type => 'desktop', ip_address => '::1',
            subscribed_channels => '["a"]', status => 'connected',
            connected_at => 1761300000000, last_activity_at => 1761300001000,
            updated_at => 1761300001000);

$record->produce([%conn],
                 [%conn, status => 'disconnected',
                  disconnected_at => 1761300009999,
                  updated_at => 1761300009999],
                 [%conn, status => 'connected', updated_at => 1761300005000],
                 $record->events(1));

ok($record->wait_drained, 'entries of two kinds are written');

($row) = $mysql->query('SELECT tenant_id, user_id, session_id, browser,
    device_type, ip_address, subscribed_channels, status,
    UNIX_TIMESTAMP(connected_at), UNIX_TIMESTAMP(last_activity_at),
    UNIX_TIMESTAMP(disconnected_at), UNIX_TIMESTAMP(created_at),
    UNIX_TIMESTAMP(updated_at) FROM websocket_connections
    WHERE connection_id = "conn_1"');

is_deeply($row, [1, 2, 's', 'Chrome', 'desktop', '::1', '["a"]',
                 'disconnected', 1761300000, 1761300001, 1761300009,
                 1761300001, 1761300009], 'the latest state counts');

$nginx->check('no alerts');

done_testing();


# An entry about events, some milliseconds after they were made.

sub status {
    my ($ids, $status, $after, @more) = @_;

    return [kind => 'status', id => $ids, status => $status,
            updated_at => $CREATED + $after, @more];
}


# Status, and seconds until it was so.

sub states {
    return [$mysql->query('SELECT status, UNIX_TIMESTAMP(updated_at) - '
                          . int($CREATED / 1000) . ' FROM websocket_events
                          WHERE id IN (' . join(', ', @_) . ') ORDER BY id')];
}
