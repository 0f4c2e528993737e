#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: a reload while Redis does not answer.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Record;
use Time::HiRes qw(sleep);

my $record = Test::Nginx::Record->new;
my $redis = $record->redis;
my $nginx = $record->serve;

$record->consumer;
$record->produce($record->events(3000));

# a while in which each worker asks for the lock, and does not hear

$redis->pause;
sleep 3.2;

my @old = $nginx->reload(workers => 4);

$nginx->wait_gone(30, @old);
$redis->resume;
$record->produce($record->events(1000));

my $owner = $redis->command('GET', 'ws:_:lock:record') // '';

is((grep { $owner =~ /-$_-/ } @old), 0, 'who leaves leaves no lock behind');
$record->is_written('every row is there');

$nginx->check('no alerts');

done_testing();
