#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# A database that has the guide's tables already, with rows in them: made by
# its own words on a server of old, by Laravel, and with keys that do not
# number themselves. The migrations keep what is there, and the module writes
# its rows beside.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQL;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(slurp wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Test::Nginx::WebSocket;

my $top = abs_path(dirname(__FILE__) . '/..');
my $redis = Test::Nginx::RedisServer->start;

# MySQL's, more strict than MariaDB's

my $mysql = Test::Nginx::MySQLServer->start(config =>
    'sql-mode = STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE');

my $admin = $mysql->{admin};

my @tables = qw(connections events presence typing_indicators);
my @names = map { s{.*/|\.sql$}{}gr } glob "$top/migrations/*.sql";

# as the guide has it, but for quotes

my $guide = <<'END';
CREATE TABLE websocket_events (
  id bigint PRIMARY KEY,
  tenant_id bigint UNSIGNED,
  user_id bigint UNSIGNED,
  event_type varchar(50),
  channel varchar(255),
  payload json,
  status varchar(20) DEFAULT 'pending',
  retry_count int DEFAULT 0,
  error_message text,
  created_at timestamp,
  updated_at timestamp,
  INDEX (tenant_id, user_id),
  INDEX (event_type, channel),
  INDEX (status, created_at)
);
CREATE TABLE websocket_connections (
  id bigint PRIMARY KEY,
  tenant_id bigint UNSIGNED,
  user_id bigint UNSIGNED,
  connection_id varchar(255) UNIQUE,
  session_id varchar(255),
  browser varchar(50),
  device_type varchar(50),
  ip_address varchar(45),
  subscribed_channels json,
  status varchar(20) DEFAULT 'connected',
  connected_at timestamp,
  last_activity_at timestamp,
  disconnected_at timestamp,
  created_at timestamp,
  updated_at timestamp,
  UNIQUE KEY (tenant_id, connection_id),
  INDEX (user_id, status)
);
CREATE TABLE websocket_typing_indicators (
  id bigint PRIMARY KEY,
  tenant_id bigint UNSIGNED,
  user_id bigint UNSIGNED,
  conversation_id varchar(255),
  conversation_type varchar(50),
  is_typing boolean DEFAULT true,
  started_at timestamp,
  expires_at timestamp,
  created_at timestamp,
  updated_at timestamp,
  UNIQUE KEY (tenant_id, user_id, conversation_id),
  INDEX (conversation_id, expires_at)
);
CREATE TABLE websocket_presence (
  id bigint PRIMARY KEY,
  tenant_id bigint UNSIGNED,
  user_id bigint UNSIGNED,
  status varchar(20) DEFAULT 'online',
  device varchar(50),
  last_message text,
  away_since timestamp,
  last_seen_at timestamp,
  created_at timestamp,
  updated_at timestamp,
  UNIQUE KEY (tenant_id, user_id)
);
END

my $rows = <<'END';
INSERT INTO websocket_events VALUES
  (1, 1, 1, 'message_sent', 'private-user.2', '{"a":"é"}', 'delivered', 1,
   'e', NOW(), NOW()),
  (2, 1, 2, 'typing', 'group.é', '[]', 'pending', 0, '', NOW(), NOW());
INSERT INTO websocket_connections VALUES
  (1, 1, 1, 'Old', 's', 'Chrome', 'desktop', '::1', '["é"]', 'disconnected',
   NOW(), NOW(), NOW(), NOW(), NOW()),
  (2, 1, 2, 'older', 's', 'Chrome', 'desktop', '::1', '[]', 'connected',
   NOW(), NOW(), NOW(), NOW(), NOW());
INSERT INTO websocket_typing_indicators VALUES
  (1, 1, 1, 'c', 'direct', 1, NOW(), NOW() + INTERVAL 1 DAY, NOW(), NOW());
INSERT INTO websocket_presence VALUES
  (1, 1, 3, 'online', 'web', 'é', NOW(), NOW(), NOW(), NOW());
END

my $not_null = qr/^(\ \ \w+\ (?:bigint\ UNSIGNED|varchar\(\d+\)|json|int|
                                boolean))/mx;

my %existing = (
    guide   => ['latin1', "SET sql_mode = '',
                           explicit_defaults_for_timestamp = 0; $guide"],

    laravel => ['utf8mb4',
                $guide =~ s/bigint PRIMARY/bigint UNSIGNED AUTO_INCREMENT $&/gr
                       =~ s/AUTO_INCREMENT bigint/AUTO_INCREMENT/gr
                       =~ s/$not_null/$1 NOT NULL/gr
                       =~ s/timestamp,/timestamp NULL,/gr],

    signed  => ['utf8mb4', $guide =~ s/$not_null/$1 NOT NULL/gr
                                  =~ s/UNSIGNED//gr],
);

for my $name (sort keys %existing) {
    my ($charset, $ddl) = @{$existing{$name}};

    note $name;
    $admin->query("CREATE DATABASE $name CHARACTER SET $charset;
                   GRANT ALL ON $name.* TO websocket\@localhost");

    my $db = Test::Nginx::MySQL->connect(
        $mysql->url =~ s{/websocket$}{/$name}r);

    $db->query($ddl . $rows);

    my @before = dump_of($db);

    is_deeply([migrate($name)], [0, join '', map { "applying $_\n" } @names],
              "$name: the migrations are applied");
    is_deeply([dump_of($db)], \@before, 'what was there is as it was');
    is_deeply([migrate($name)], [0, ''], 'a second time there is nothing to do');
    is_deeply([map { $_->[0] } $db->query('SELECT name
        FROM websocket_migrations ORDER BY name')], \@names,
        'what was applied is written down');

    runs_on($name, $db);
}


note 'the largest table is changed in place';

$admin->query("CREATE DATABASE place CHARACTER SET utf8mb4;
               USE place; $existing{laravel}[1]");

my ($head) = slurp("$top/migrations/$names[-1].sql") =~ /^(.*?)PREPARE/s;
my $alter = $admin->value("USE place; $head SELECT \@sql");

like($alter, qr/^ALTER TABLE websocket_events\s/, 'by one statement');
ok(eval {
    $admin->query("USE place; SET NAMES utf8mb4;
                   $alter, ALGORITHM=INPLACE, LOCK=NONE"); 1
}, 'while it is read and written') or diag $@;

done_testing();


# All rows of all tables.

sub dump_of {
    my ($db) = @_;

    return map { $db->query("SELECT * FROM websocket_$_ ORDER BY id") }
           @tables;
}


sub migrate {
    my ($database) = @_;

    my @command = ("$top/util/migrate.sh", $admin->options, $database);
    my $out = qx(@command 2>&1);

    return ($?, $out);
}


sub runs_on {
    my ($name, $db) = @_;

    $db->query(slurp("$top/demo/accounts.sql"));

    my $nginx = Test::Nginx::Server->start(
        http_config => "websocket_redis @{[$redis->url]} prefix=$name:;
                        websocket_mysql @{[$db->url]} flush=20ms;",
        config      => 'location /api/ { websocket_api on; }
                        location /ws { websocket on; }');
    my $smile = "\xf0\x9f\x98\x80";
    my $text = JSON::PP->new->utf8->decode(qq(["$smile"]))->[0];
    my $http = Test::Nginx::HTTP->new(port => $nginx->port, headers => {
        Authorization => 'Bearer 3|demo-token-ada' });

    is($http->post("/api/$_->[0]", $_->[1])->status, $_->[2], $_->[0])
        for ['connect', { connection_id => 'old', session_id => $text,
                          browser => $text, device_type => 'desktop' }, 201],
            ['subscribe', { connection_id => 'old', channel => $text }, 200],
            ['presence/update', { status => 'busy',
                                  last_message => $text }, 200],
            ['typing', { conversation_id => "C$text", is_typing => 1 }, 200],
            ['typing', { conversation_id => "c$text", is_typing => 1 }, 200];

    my $ws = Test::Nginx::WebSocket->login(
        port => $nginx->port, token => '1|demo-token-john',
        connectionId => 'OLD');

    $ws->send_json({ event => 'message:group', id => 1, data => {
                     channel => "g$text", message => $text } });

    my $id = $ws->wait_event('ack')->{data}{messageId};

    is_row($db, "events WHERE id = $id", 'event_type, status, channel',
           ['message_sent', 'delivered', "g$smile"]);
    is_row($db, 'connections WHERE connection_id = "old"',
           'user_id, session_id, browser, subscribed_channels',
           [3, $smile, $smile, qq(["$smile"])]);
    is_row($db, 'connections WHERE connection_id = "OLD"', 'user_id, status',
           [1, 'connected']);
    is_row($db, 'presence WHERE user_id = 3', 'id, status, last_message',
           [1, 'busy', $smile]);
    is_row($db, "typing_indicators WHERE conversation_id = 'C$smile'",
           'is_typing', [1]);
    is_row($db, 'connections WHERE connection_id IN ("Old", "older")',
           'COUNT(*)', [2]);
    is($redis->command('XLEN', "$name:_:events:poison"), 0,
       'nothing was refused');

    $ws->close;
    $nginx->check('no alerts');
    $nginx->stop;
}


sub is_row {
    my ($db, $from, $columns, $expected) = @_;

    my $row;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    wait_until {
        ($row) = $db->query("SELECT $columns FROM websocket_$from");
        return $row && join("|", map { $_ // "" } @$row)
                       eq join("|", @$expected);
    } 15;
    is_deeply($row, $expected, "a row of $from" =~ s/ WHERE.*//r);
}
