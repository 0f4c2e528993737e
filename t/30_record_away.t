#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: MySQL is away, stands still, is slow or without its table, and
# Redis dies; what waits is written afterwards.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Record;
use Time::HiRes qw(sleep);

my $record = Test::Nginx::Record->new;
my $mysql = $record->mysql;
my $nginx = $record->serve;

$record->produce($record->events(1000));
$record->is_written('batches are large');


note 'MySQL is slow';

$mysql->query('CREATE TRIGGER slow BEFORE INSERT ON websocket_events
               FOR EACH ROW DO SLEEP(0.025)');
$record->produce($record->events(100));
$record->is_written('a batch gets as small as it has to be');
$mysql->query('DROP TRIGGER slow');


note 'MySQL dies';

$mysql->kill;
$record->produce($record->events(3000));

ok(wait_until(sub { $record->metrics->{record_pending} == 3000 }),
   'what waits is counted');
is($record->metrics->{mysql_up}, 0, 'and that MySQL is away');
sleep 1;
$mysql->start;

$record->is_written('it gets everything once it is back');
ok(wait_until(sub { $record->metrics->{record_pending} == 0 }),
   'nothing waits');


note 'MySQL stands still in the middle';

$record->produce($record->events(4000));
$mysql->pause;
sleep 4;
$mysql->resume;
$record->is_written('every row is there');


note 'the table is away';

my $log = $nginx->log_size;

$mysql->query('RENAME TABLE websocket_events TO away');
$record->produce($record->events(100));

ok($nginx->wait_log(qr/\[error\].*mysql refuses the record: Table '\S+websocket_events' doesn't exist \(1146\)/,
                   20, $log),
   'it is said in the log, with the reason');
$mysql->query('RENAME TABLE away TO websocket_events');
$record->is_written('all are written when it is back');


note 'Redis dies';

$record->produce($record->events(3000));
$record->redis->kill;
sleep 1;
$record->redis->start;

$record->is_written('what it had taken is written');
ok($record->wait_drained, 'and acknowledged');
is($record->poisoned, 0, 'no entry was to blame for any of it');

$nginx->check('no alerts');

done_testing();
