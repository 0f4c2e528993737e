#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: a row that MySQL refuses is put aside with the reason; what is
# the server's or the table's fault blames no row, and is tried again.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::Process qw(slurp wait_until);
use Test::Nginx::Record;

my $record = Test::Nginx::Record->new;
my $mysql = $record->mysql;
my $admin = $mysql->{admin};
my $nginx = $record->serve;

$record->produce($record->events(1));
$record->is_written('it is at work');


# what, number of the error, the field, how the table gets so, and back

my $NO_TRIGGER = 'DROP TRIGGER refuses';

sub trigger {
    my ($signal) = @_;

    return "DELIMITER //
            CREATE TRIGGER refuses BEFORE INSERT ON websocket_events
            FOR EACH ROW IF NEW.user_id = 13 THEN SIGNAL $signal; END IF //";
}

my @rows = (
    ['a number that is none', 1366, [tenant_id => 'one']],
    ['a number out of range', 1264, [tenant_id => '9' x 30]],
    ['a string that is too long', 1406, [channel => 'c' x 256]],
    ['characters that are none', 1366, [event_type => "\xff\xfe"]],
    ['JSON that is none', 4025, [payload => '{']],
    ['another event with its id', 1048, [id => 1001]],

    ['no partition', 1526, [id => 2_000_000],
     'ALTER TABLE websocket_events PARTITION BY RANGE (id)
          (PARTITION p VALUES LESS THAN (1000000))',
     'ALTER TABLE websocket_events REMOVE PARTITIONING'],

    ['a CHECK of one\'s own', 4025, [user_id => 13],
     'ALTER TABLE websocket_events ADD CONSTRAINT own CHECK (user_id <> 13)',
     'ALTER TABLE websocket_events DROP CONSTRAINT own'],

    ['a foreign key', 1452, [user_id => 13],
     'CREATE TABLE own (id bigint UNSIGNED PRIMARY KEY);
      INSERT INTO own VALUES (2);
      ALTER TABLE websocket_events ADD CONSTRAINT own FOREIGN KEY (user_id)
          REFERENCES own (id)',
     'ALTER TABLE websocket_events DROP FOREIGN KEY own, DROP KEY own;
      DROP TABLE own'],

    ['a column that may not be NULL', 1048, [event_type => undef],
     'ALTER TABLE websocket_events MODIFY event_type varchar(50) NOT NULL',
     'ALTER TABLE websocket_events MODIFY event_type varchar(50) NULL'],

    ['a key of one\'s own', 1048, [user_id => 13],
     'ALTER TABLE websocket_events ADD own int AS
          (IF(user_id = 13 OR id = 1001, 1, NULL)) STORED UNIQUE',
     'ALTER TABLE websocket_events DROP own'],

    ['a trigger', 1644, [user_id => 13],
     trigger("SQLSTATE '45000' SET MESSAGE_TEXT = 'unlucky'"),
     $NO_TRIGGER],

    ['a trigger, with a number of its own', 30001, [user_id => 13],
     trigger("SQLSTATE '45000' SET MYSQL_ERRNO = 30001"),
     $NO_TRIGGER],

    ['a trigger that misses something', 1643, [user_id => 13],
     trigger("SQLSTATE '02000'"), $NO_TRIGGER],

    ['a view that checks', 1369, [user_id => 13],
     'RENAME TABLE websocket_events TO own;
      CREATE VIEW websocket_events AS SELECT * FROM own
          WHERE user_id <> 13 OR user_id IS NULL WITH CHECK OPTION',
     'DROP VIEW websocket_events; RENAME TABLE own TO websocket_events'],
);

for (@rows) {
    my ($name, $errno, $field, $alter, $restore) = @$_;

    note $name;

    my $aside = $record->poisoned;

    $mysql->query($alter) if defined $alter;
    $record->produce($record->events(2),
                     [$record->event($record->id + 1_000_000), @$field],
                     $record->events(2));

    $record->is_written("$name: the others are in");
    ok($record->wait_drained, '... it stops nobody');

    my @poison = $record->poison;

    is(@poison - $aside, 1, '... and is put aside');
    is($poison[-1]{errno}, $errno, "... with $errno");
    isnt($poison[-1]{error}, '', '... and why');

    $mysql->query($restore) if defined $restore;
}


note 'they go back, as the documents have it';

my $doc = slurp(abs_path(dirname(__FILE__) . '/../docs/record.md'));
my ($script, @keys) = $doc =~ /EVAL "(.*)" 2 (\S+) (\S+)$/m;

$record->redis->command('EVAL', $script, 2, @keys);
$record->expect(scalar grep { defined $_->[3] } @rows);
$record->is_written('those whose reason is no more are in');
ok($record->wait_drained, 'nothing is left in the stream');
is($record->poisoned, (grep { !defined $_->[3] } @rows),
   'the others are put aside again');


# what, number of the error, how it gets so, and back

sub signals {
    my ($errno, $state) = @_;

    return ("CREATE TRIGGER refuses BEFORE INSERT ON websocket_events
             FOR EACH ROW SIGNAL SQLSTATE '$state' SET MYSQL_ERRNO = $errno",
            'DROP TRIGGER refuses');
}

my @servers = (
    ['the server is read-only', 1290, 'SET GLOBAL read_only = 1',
     'SET GLOBAL read_only = 0'],

    ['a table is full', 1114,
     'SET max_heap_table_size = 16384;
      CREATE TABLE own (a char(255)) ENGINE=MEMORY;
      CREATE TRIGGER refuses BEFORE INSERT ON websocket_events
      FOR EACH ROW INSERT INTO own SELECT SEQ FROM seq_1_to_1000',
     'DROP TRIGGER refuses; DROP TABLE own'],

    # every row's: none of them would be left

    ['a column without a default', 1364,
     'ALTER TABLE websocket_events ADD own int NOT NULL',
     'ALTER TABLE websocket_events DROP own'],

    ['a column is missing', 1054,
     'ALTER TABLE websocket_events RENAME COLUMN payload TO own',
     'ALTER TABLE websocket_events RENAME COLUMN own TO payload'],

    ['the disk is full', 1021, signals(1021, 'HY000')],
    ['the storage fails', 1030, signals(1030, 'HY000')],
    ['no memory', 1037, signals(1037, 'HY001')],
    ['not ready in its cluster', 1047, signals(1047, '08S01')],
    ['it shuts down', 1053, signals(1053, '08S01')],
    ['a lock', 1205, signals(1205, 'HY000')],
    ['too many locks', 1206, signals(1206, 'HY000')],
    ['a deadlock', 1213, signals(1213, '40001')],
    ['the statement is killed', 1317, signals(1317, '70100')],
    ['the statement takes too long', 1969, signals(1969, '70100')],
);

my $aside = $record->poisoned;

for (@servers) {
    my ($name, $errno, $alter, $restore) = @$_;

    my $log = $nginx->log_size;

    $admin->query("USE websocket; $alter");
    $record->produce($record->events(3));

    ok($nginx->wait_log(qr/\[error\].*mysql refuses the record: .*\($errno\)/,
                        20, $log), "$name: the log tells $errno");
    is($record->poisoned, $aside, '... no row is to blame');

    $admin->query("USE websocket; $restore");
    $record->is_written('... and all are written afterwards');
}


note 'somebody has locked the table';

my $log = $nginx->log_size;
my $holder = fork // die;

if ($holder == 0) {
    eval { $admin->query('USE websocket; LOCK TABLES websocket_events WRITE;
                          SELECT SLEEP(60)') };
    exec 'true';
}

wait_until { $admin->value('SELECT COUNT(*) FROM information_schema.PROCESSLIST
                            WHERE STATE = "User sleep"') } 10;
$record->produce($record->events(3));
ok($nginx->wait_log(qr/mysql refuses the record: Lock wait timeout.*\(1205\)/,
                    25, $log), 'the log tells it');
is($record->metrics->{record_pending}, 3, 'the rows wait');
$admin->query('KILL ' . $admin->value('SELECT ID FROM
    information_schema.PROCESSLIST WHERE STATE = "User sleep"'));
waitpid $holder, 0;
$record->is_written('and are written when it is free');
is($record->poisoned, $aside, 'none was put aside');


note 'it shuts down in the middle';

$record->produce($record->events(2000));
$mysql->stop;
$mysql->start;
$record->is_written('all are written when it is back');
is($record->poisoned, $aside, 'none was put aside');

$nginx->check('no alerts');

done_testing();
