#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: how fast a backlog drains into MariaDB and what that takes, how
# late a row is at a steady rate, what statistics cost beside so many rows,
# and how long others wait while the clean-up deletes them again.
#
#     ./dev build && EVENTS=1000000 RATE=2000 bench/record.pl
#
# Needs the module built for the nginx that is installed; starts stores of its
# own in a temporary folder.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";
use IPC::Open2;
use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until slurp find_program);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Time::HiRes qw(sleep time);

my $n = $ENV{EVENTS} // 100_000;
my $rate = $ENV{RATE} // 2000;
my $seconds = 20;

my $KEEP = 'websocket_retention events=3650d;';
my $DROP = 'websocket_retention events=1d;';
my $OLD = int(1000 * (time - 2 * 86400));

$ENV{TEST_NGINX_LOAD_MODULES}
    //= "$FindBin::Bin/../build/ngx_http_websocket_module.so";

my $mysql = Test::Nginx::MySQLServer->start(
    config => "innodb-buffer-pool-size = 512M\ninnodb-log-file-size = 256M");
my $redis = Test::Nginx::RedisServer->start(config => 'appendfsync no');
my $stream = $redis->client;

my $pid = open2(my $from, my $to, find_program('mariadb'), '--no-defaults',
                '--batch', '--skip-column-names', '--unbuffered',
                $mysql->client->options, '--password=websocket', 'websocket');

say_load('it begins');

for my $id (1 .. $n) {
    add($id, $OLD);
    got($id % 500 || 500) if $id % 500 == 0 || $id == $n;
}

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => http($KEEP),
    config      => 'location /api/ { websocket_api on; }');

my ($worker) = $nginx->workers;

drain();
lag();
statistics();
cleanup();

ok($nginx->stop, 'done');
close $to;
waitpid $pid, 0;
done_testing();


sub http {
    my ($retention) = @_;

    return "websocket_redis @{[$redis->url]};
            websocket_mysql @{[$mysql->url]};
            $retention";
}


sub drain {
    wait_until { last_row() } 60 or BAIL_OUT('nothing is written');

    my ($start, $first) = (time, last_row());
    my @before = map { cpu($_) } $worker, $mysql->pid, $redis->pid;

    sleep 0.2 while last_row() < $n;

    my $took = time - $start;
    my @cpu = map { 1e6 * $_ / ($n - $first) }
              map { cpu($_->[1]) - $before[$_->[0]] }
              [0, $worker], [1, $mysql->pid], [2, $redis->pid];

    is(value('SELECT COUNT(*) FROM websocket_events'), $n, 'all are rows');
    note sprintf '%d events: %.0f a second, a million in %.0f s; us of CPU '
                 . 'each: worker %.1f, MariaDB %.1f, Redis %.1f', $n,
                 ($n - $first) / $took, 1e6 * $took / ($n - $first), @cpu;
}


# From Redis' answer, which is what a client waits for, to the row.

sub lag {
    my (@sent, @lag);
    my ($id, $seen) = ($n, $n);
    my ($start, $before) = (time, cpu($worker));

    while ($seen < $n + $rate * $seconds) {
        my $due = $n + int($rate * (time - $start));

        $due = $n + $rate * $seconds if $due > $n + $rate * $seconds;

        if ($id < $due) {
            my $from = $id;

            add(++$id, 1000 * time) while $id < $due;
            got($id - $from);
            @sent[$from + 1 - $n .. $id - $n] = (time) x ($id - $from);
        }

        my $last = last_row();

        push @lag, time - $sent[++$seen - $n] while $seen < $last;
        sleep 0.002;
    }

    @lag = sort { $a <=> $b } @lag;

    note sprintf '%d events a second: a row is %.0f ms late, p99 %.0f ms, at '
                 . 'most %.0f ms; %.0f us of the worker each', $rate,
                 (map { 1000 * $_ } @lag[@lag / 2, @lag * 0.99, -1]),
                 1e6 * (cpu($worker) - $before) / @lag;
}


sub statistics {
    my $http = Test::Nginx::HTTP->new(port => $nginx->port);
    my @took;

    for (1 .. 10) {
        my $before = time;
        my $res = $http->get('/api/stats', { Authorization =>
                                             'Bearer 1|demo-token-john' });

        push @took, 1000 * (time - $before);
        is($res->json->{data}{pending_events}, int($n / 10) + $rate * $seconds
           / 10, 'pending ones') if @took == 10;
        sleep 0.3;
    }

    @took = sort { $a <=> $b } @took;
    note sprintf 'statistics: %.1f ms, at most %.1f ms', @took[5, -1];
}


# All of the backlog is too old now; what waits for somebody has 30 days, so
# nothing of it does.

sub cleanup {
    value("UPDATE websocket_events SET status = 'delivered'
           WHERE status = 'pending' AND id <= $n; SELECT 1");
    $nginx->reload(http_config => http($DROP));

    my ($longest, $sum, $tries, $start) = (0, 0, 0, time);
    my $id = 100_000_000;

    while (value("SELECT COUNT(*) FROM websocket_events WHERE id = $n")) {
        my $before = time;

        $id++;
        value("INSERT INTO websocket_events (id, tenant_id, status,
               created_at) VALUES ($id, 1, 'pending', NOW()); DO 0;
               SELECT 1");

        my $wait = time - $before;

        $tries++;
        $sum += $wait;
        $longest = $wait if $wait > $longest;
        sleep 0.02;
    }

    is(value("SELECT COUNT(*) FROM websocket_events WHERE id <= $n"), 0,
       'all are deleted');
    note sprintf 'deleted in %.0f s; meanwhile %d INSERTs took %.1f ms, at '
                 . 'most %.0f ms', time - $start, $tries,
                 1000 * $sum / $tries, 1000 * $longest;
    say_load('it ends');
}


sub last_row {
    my $last = value('SELECT MAX(id) FROM websocket_events');

    return $last eq 'NULL' ? 0 : $last;
}


# One value, by a client that stays.

sub value {
    my ($sql) = @_;

    print $to $sql =~ s/\s+/ /gr, ";\n";
    $to->flush;

    my $line = <$from> // BAIL_OUT('MariaDB is gone');
    chomp $line;

    return $line;
}


sub add {
    my ($id, $time) = @_;

    $stream->send('XADD', 'ws:_:events', '*', kind => 'event', id => $id,
                  tenant_id => 1, user_id => 2, created_at => int $time,
                  event_type => 'message_sent', channel => 'private-user.3',
                  payload => '{"event":"message:direct","data":{"message":"'
                             . 'x' x 100 . '"}}',
                  status => $id % 10 ? 'delivered' : 'pending');
}


sub got { $stream->receive for 1 .. $_[0] }


# Seconds of a process.

sub cpu {
    my @stat = split ' ', slurp("/proc/$_[0]/stat") =~ s/^.*\)//r;

    return ($stat[11] + $stat[12]) / 100;
}


sub say_load {
    note "$_[0] at a load of ", (split ' ', slurp('/proc/loadavg'))[0];
}
