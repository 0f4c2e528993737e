#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The statements of src/mysql/sql, prepared against a database built from
# migrations/ and with a Laravel application's tables, in a session as the
# module sets it up.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(slurp);

my $dir = abs_path(dirname(__FILE__) . '/../src/mysql/sql');

my $mysql = Test::Nginx::MySQLServer->start;

my $SESSION = q{SET time_zone = '+00:00', sql_mode = 'TRADITIONAL';};
my $T = 1761300000123;

# every file has to have its tests here
my %seen;


note 'token_find';

$mysql->query(<<'END');
ALTER TABLE personal_access_tokens MODIFY expires_at datetime NULL;
INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities, expires_at)
VALUES
    (11, 'App\\Models\\User', 2, '', SHA2('later', 256), '[]', '2100-01-01'),
    (12, 'App\\User', 2, '', SHA2('past', 256), NULL, '2001-09-09 01:46:40'),
    (13, 'user', 2, '', SHA2('morph', 256), '["*"]', NULL),
    (14, 'App\\Models\\Admin', 2, '', SHA2('admin', 256), '["*"]', NULL),
    (15, 'App\\Admin\\User', 2, '', SHA2('other', 256), '["*"]', NULL),
    (16, 'App\\Models\\User', 99, '', SHA2('nobody', 256), '["*"]', NULL);
END

is_rows('token_find', {id => 11, hash => 'NULL'},
        [[11, sha('later'), '[]', 4102444800, 2, 1, 'Jane Smith']],
        'a token by its id, that ends after 2038');
is_rows('token_find', {id => 'NULL', hash => "SHA2('past', 256)"},
        [[12, sha('past'), undef, 1000000000, 2, 1, 'Jane Smith']],
        'by its hash; the caller looks at the end');
is_rows('token_find', {id => 13, hash => "SHA2('past', 256)"},
        [[13, sha('morph'), '["*"]', undef, 2, 1, 'Jane Smith']],
        'the id decides, where there is one');
is_rows('token_find', {id => 14, hash => 'NULL'}, [], 'of another model');
is_rows('token_find', {id => 15, hash => 'NULL'}, [],
        'of another model of that name');
is_rows('token_find', {id => 16, hash => 'NULL'}, [], 'of nobody');
is_rows('token_find', {id => 404, hash => 'NULL'}, [], 'no such token');


note 'token_used';

run('token_used', {ids => [11, 404]});
is($mysql->value('SELECT GROUP_CONCAT(id) FROM personal_access_tokens
                  WHERE ABS(TIMESTAMPDIFF(SECOND, last_used_at, NOW())) < 60'),
   11, 'noted where it is');


note 'token_check';

is_rows('token_check', {ids => [1, 11, 12, 13, 14, 15, 16, 404]},
        [[1], [11], [13]], 'those that are good');


note 'user_find';

is_rows('user_find', {user_id => 2, tenant_id => 1}, [['Jane Smith']],
        'a user of the tenant');
is_rows('user_find', {user_id => 4, tenant_id => 1}, [], 'of another one');


note 'event_insert';

my %event = (
    id         => 9007199254740991,
    tenant_id  => 1,
    user_id    => 2,
    event_type => "'message_sent'",
    channel    => "'private-user.1'",
    payload    => q('{"event":"e","data":"\\\\u00e9 \\\\"q\\\\""}'),
    status     => "'pending'",
    created_at => $T,
);

my $EVENT = 'SELECT status, retry_count, error_message, created_at,
    updated_at FROM websocket_events WHERE id = 9007199254740991';

run('event_insert', \%event);
is_deeply([$mysql->query("$SESSION $EVENT")],
          [['pending', 0, undef, ('2025-10-24 10:00:00') x 2]], 'a row');

run('event_status', {status => "'delivered'", retry_count => 1,
                     error_message => 'NULL', updated_at => $T + 5000,
                     id => $event{id}});
run('event_insert', \%event);

my @delivered = ['delivered', 1, undef, '2025-10-24 10:00:00',
                 '2025-10-24 10:00:05'];

is_deeply([$mysql->query("$SESSION $EVENT")], \@delivered,
          'the same again changes nothing');

for my $other ([tenant_id => 2], [user_id => 3], [event_type => "'typing'"],
               [channel => "'private-user.3'"], [payload => "'{}'"],
               [channel => "'PRIVATE-USER.1'"], [created_at => $T + 1000])
{
    refused('event_insert', {%event, @$other}, qr/cannot be null/i,
            "another $other->[0] under the same id");
}

refused('event_insert', {%event, id => 1, payload => "'{'"},
        qr/CONSTRAINT|JSON/i, 'a payload that is no JSON');
refused('event_insert', {%event, id => 1, event_type => "REPEAT('x', 51)"},
        qr/too long/i, 'what is too long is not cut');

is_deeply([$mysql->query("$SESSION $EVENT")], \@delivered,
          'nothing of that was written');
is($mysql->value('SELECT COUNT(*) FROM websocket_events'), 1, 'one row');


note 'event_status';

run('event_insert', {%event, id => $_}) for 1 .. 3;
run('event_status', {status => "'failed'", retry_count => 'NULL',
                     error_message => "'queue full'",
                     updated_at => $T + 9000, id => $_}) for 1, 3;

is_deeply([$mysql->query("$SESSION SELECT id, status, retry_count,
              error_message, updated_at FROM websocket_events
              WHERE id <= 404 ORDER BY id")],
          [[1, 'failed', 0, 'queue full', '2025-10-24 10:00:09'],
           [2, 'pending', 0, undef, '2025-10-24 10:00:00'],
           [3, 'failed', 0, 'queue full', '2025-10-24 10:00:09']],
          'each by its id');


note 'event_orphans';

run('event_status', {status => "'delivered'", retry_count => 1,
                     error_message => 'NULL', updated_at => $T, id => 405});
run('event_orphans');
is($mysql->value('SELECT GROUP_CONCAT(id ORDER BY id) FROM websocket_events'),
   '1,2,3,9007199254740991', 'a status without an event is none');


note 'connection_upsert';

my %connection = (
    tenant_id           => 1,
    user_id             => 2,
    connection_id       => "'c1'",
    session_id          => "'s1'",
    browser             => "'Firefox'",
    device_type         => "'desktop'",
    ip_address          => "'::1'",
    subscribed_channels => q('["a"]'),
    status              => "'connected'",
    connected_at        => $T,
    last_activity_at    => $T,
    disconnected_at     => 'NULL',
    updated_at          => $T,
);

my $CONNECTION = 'SELECT status, subscribed_channels, connected_at,
    disconnected_at, created_at, updated_at FROM websocket_connections';

my @later = ['disconnected', '[]', '2025-10-24 10:00:00',
             '2025-10-24 10:00:07', '2025-10-24 10:00:00',
             '2025-10-24 10:00:07'];

run('connection_upsert', \%connection);
is_deeply([$mysql->query("$SESSION $CONNECTION")],
          [['connected', '["a"]', '2025-10-24 10:00:00', undef,
            ('2025-10-24 10:00:00') x 2]], 'a row');

run('connection_upsert', {%connection, status => "'disconnected'",
                          subscribed_channels => q('[]'),
                          disconnected_at => $T + 7000,
                          updated_at => $T + 7000});
is_deeply([$mysql->query("$SESSION $CONNECTION")], \@later, 'a later state');

run('connection_upsert', {%connection, updated_at => $T + 3000});
is_deeply([$mysql->query("$SESSION $CONNECTION")], \@later,
          'an earlier one that comes late changes nothing');


note 'typing_upsert';

my %typing = (
    tenant_id         => 1,
    user_id           => 2,
    conversation_id   => "'conv'",
    conversation_type => "'direct'",
    is_typing         => 1,
    started_at        => $T,
    expires_at        => $T + 30000,
    updated_at        => $T,
);

my $TYPING = 'SELECT is_typing, started_at, expires_at, updated_at
    FROM websocket_typing_indicators';

run('typing_upsert', \%typing);
is_deeply([$mysql->query("$SESSION $TYPING")],
          [[1, '2025-10-24 10:00:00', '2025-10-24 10:00:30',
            '2025-10-24 10:00:00']], 'a row');

run('typing_upsert', {%typing, is_typing => 0, expires_at => $T + 5000,
                      updated_at => $T + 5000});
run('typing_upsert', {%typing, updated_at => $T + 3000});
is_deeply([$mysql->query("$SESSION $TYPING")],
          [[0, '2025-10-24 10:00:00', ('2025-10-24 10:00:05') x 2]],
          'the latest state remains');


note 'presence_upsert';

my %presence = (
    tenant_id    => 1,
    user_id      => 2,
    status       => "'away'",
    device       => "'mobile'",
    last_message => "'Lunch'",
    away_since   => $T,
    last_seen_at => $T,
    updated_at   => $T,
);

my $PRESENCE = 'SELECT status, device, last_message, away_since, last_seen_at,
    updated_at FROM websocket_presence';

run('presence_upsert', \%presence);
is_deeply([$mysql->query("$SESSION $PRESENCE")],
          [['away', 'mobile', 'Lunch', ('2025-10-24 10:00:00') x 3]],
          'a row');

run('presence_upsert', {%presence, status => "'online'",
                        away_since => 'NULL', last_seen_at => $T + 5000,
                        updated_at => $T + 5000});
run('presence_upsert', {%presence, updated_at => $T + 3000});
is_deeply([$mysql->query("$SESSION $PRESENCE")],
          [['online', 'mobile', 'Lunch', undef,
            ('2025-10-24 10:00:05') x 2]], 'the latest state remains');


note 'stats_count';

run('connection_upsert', {%connection, connection_id => "'c2'", %$_})
    for {tenant_id => 8};
run('connection_upsert', {%connection, tenant_id => 7, %$_})
    for {connection_id => "'s1'", user_id => 2},
        {connection_id => "'s2'", user_id => 2},
        {connection_id => "'s3'", user_id => 3},
        {connection_id => "'s4'", user_id => 4, status => "'disconnected'"};
run('event_insert', {%event, tenant_id => 7, %$_})
    for {id => 11}, {id => 12}, {id => 13, status => "'failed'"},
        {id => 14, status => "'delivered'"}, {id => 15, tenant_id => 8};

is_rows('stats_count', {tenant_id => 7}, [[4, 3, 2, 2, 1]],
        'what the tenant has');
is_rows('stats_count', {tenant_id => 404}, [[0, 0, 0, 0, 0]], 'one of none');


note 'clean-up';

my $HOUR = int($T / 1000) + 3600;

run('connection_upsert', {%connection, connection_id => "'s5'",
                          status => "'disconnected'",
                          updated_at => ($HOUR + 1) * 1000});
run('connection_cleanup', {status => "'disconnected'", before => $HOUR});

is_deeply([$mysql->query('SELECT connection_id FROM websocket_connections
                          ORDER BY connection_id')],
          [map { ["$_"] } qw(c2 s1 s2 s3 s5)],
          'connections of that state, and old');

my $waits = $mysql->value("SELECT COUNT(*) FROM websocket_events
                           WHERE status = 'pending'");
run('event_expire', {before => $HOUR});
is_deeply([$mysql->query('SELECT DISTINCT status FROM websocket_events
                          ORDER BY status')],
          [['delivered'], ['failed']], 'what waits for too long has failed');
is($mysql->value("SELECT COUNT(*) FROM websocket_events
                  WHERE error_message = 'expired' AND updated_at IS NOT NULL"),
   $waits, 'for that reason');

run('event_cleanup', {status => "'failed'", before => $HOUR});
is_deeply([$mysql->query('SELECT DISTINCT status FROM websocket_events
                          ORDER BY status')],
          [['delivered']], 'events of that state');

run('event_cleanup', {status => "'delivered'",
                      before => int($T / 1000)});
is($mysql->value("SELECT COUNT(*) FROM websocket_events
                  WHERE status = 'delivered'"), 2, 'and old');

run('typing_cleanup', {before => int($T / 1000) + 5});
is($mysql->value('SELECT COUNT(*) FROM websocket_typing_indicators'), 1,
   'typing that goes on stays');
run('typing_cleanup', {before => $HOUR});
is($mysql->value('SELECT COUNT(*) FROM websocket_typing_indicators'), 0,
   'what ended goes');


is_deeply([sort keys %seen],
          [sort map { basename($_, '.sql') } glob "$dir/*.sql"],
          'every statement was tried');

done_testing;


# The rows of sql/NAME.sql. Values are SQL; a list has a place for each.

sub run {
    my ($name, $values) = @_;
    my $sql = slurp("$dir/$name.sql");
    my (@set, @using);

    $seen{$name} = 1;

    $sql =~ s/^--.*\n//mg;
    $sql =~ s{:(\w+)}{
        my $v = $values->{$1} // die "$name: no value of :$1";
        my @v = ref $v ? @$v : $v;

        for (@v) {
            push @using, '@v' . @using;
            push @set, "$using[-1] = $_";
        }

        join ', ', ('?') x @v;
    }ge;

    return $mysql->query("$SESSION $sql") if !@set;

    $sql =~ s/([\\'])/\\$1/g;

    return $mysql->query("$SESSION SET " . join(', ', @set) . ";
                          PREPARE s FROM '$sql';
                          EXECUTE s USING " . join(', ', @using) . ';');
}


sub is_rows {
    my ($name, $values, $rows, $what) = @_;

    is_deeply([run($name, $values)], $rows, $what);
}


sub refused {
    my ($name, $values, $error, $what) = @_;

    ok(!eval { run($name, $values); 1 }, "$what is refused");
    like($@, $error, '... for that');
}


sub sha { $mysql->value("SELECT SHA2('$_[0]', 256)") }
