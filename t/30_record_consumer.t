#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: one worker writes it, and another one as soon as that is gone;
# no row is missing and none is there twice.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Record;
use Time::HiRes qw(sleep time);

my $record = Test::Nginx::Record->new;
my $redis = $record->redis;
my $nginx = $record->serve;


note 'the consumer is killed';

for (1 .. 2) {
    my $consumer = $record->consumer;
    my $before = $record->rows;

    $record->produce($record->events(4000));
    wait_until { $record->rows > $before + 500 };
    $nginx->kill_worker($consumer);

    $record->is_written('no row is missing');
    ok(wait_until(sub { $record->consumer != $consumer }),
       'another one has taken over');
}


note 'whoever was held up for too long gets nothing';

my $before = $record->rows;

$redis->command('ZADD', 'ws:_:leases', int(time() * 1000) + 12000, 'somebody');
$redis->command('SET', 'ws:_:lock:record', 'somebody', 'PX', 60_000);
$record->produce($record->events(100));
sleep 1;
is($record->rows, $before, 'entries are not given to those without the lock');
$redis->command('DEL', 'ws:_:lock:record');
$record->is_written('but to the next');


note 'the consumer stands still';

my $consumer = $record->consumer;

kill STOP => $consumer;
$record->produce($record->events(1000));
$record->is_written('another one takes over');

kill CONT => $consumer;
sleep 0.5;
$record->produce($record->events(1000));
$record->is_written('the first one comes back, and writes nothing twice');


my $id = $record->id;

is($record->mysql->value("SELECT COUNT(*) FROM websocket_events
                          WHERE id BETWEEN 1001 AND $id
                              AND payload LIKE CONCAT('%', id, '%')"),
   $record->rows, 'and each is its own');

$nginx->check('no alerts');

done_testing();
