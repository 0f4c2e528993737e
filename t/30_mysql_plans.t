#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# No statement reads a whole table, however large it is.

use strict;
use warnings;

use Test::More;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(slurp);

my $mysql = Test::Nginx::MySQLServer->start;

$mysql->query(<<'END');
INSERT INTO users (id, tenant_id, name, email, password)
    SELECT 100 + seq, 1 + seq % 50, 'n', CONCAT(seq, '@example.com'), '!'
    FROM seq_1_to_10000;
INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities)
    SELECT 100 + seq, 'App\\Models\\User', 100 + seq, 't', SHA2(seq, 256), ''
    FROM seq_1_to_10000;
INSERT INTO websocket_connections
    (tenant_id, user_id, connection_id, status, updated_at)
    SELECT 1 + seq % 50, seq, CONCAT('c', seq),
        IF(seq % 10, 'disconnected', 'connected'), NOW() - INTERVAL seq SECOND
    FROM seq_1_to_20000;
INSERT INTO websocket_events
    (id, tenant_id, user_id, event_type, channel, payload, status, created_at)
    SELECT seq, 1 + seq % 50, seq, 'message_sent', CONCAT('c', seq), '{}',
        ELT(LEAST(3, 1 + seq % 20), 'pending', 'failed', 'delivered'),
        NOW() - INTERVAL seq SECOND
    FROM seq_1_to_20000;
INSERT INTO websocket_typing_indicators
    (tenant_id, user_id, conversation_id, expires_at)
    SELECT 1, seq, 'c', NOW() - INTERVAL seq SECOND FROM seq_1_to_20000;
ANALYZE TABLE users, personal_access_tokens, websocket_connections,
    websocket_events, websocket_typing_indicators;
END

my %values = (id => 107, ids => '107, 108, 109', user_id => 107,
              tenant_id => 8, hash => 'SHA2(7, 256)', status => '"delivered"',
              before => 'UNIX_TIMESTAMP() - 19000');

for my $file (sort glob 'src/mysql/sql/*.sql') {
    my $sql = slurp($file) =~ s/^--.*\n//mgr;
    my ($name) = $file =~ m{([^/]+)\.sql$};

    # rows that are there already are found by a unique key

    next if $sql =~ /^\s*INSERT/;

    is_indexed($name, $sql, %values);
    is_indexed("$name by hash", $sql, %values, id => 'NULL')
        if $name eq 'token_find';
    is_indexed("$name of $_", $sql, %values, status => qq("$_"))
        for $name =~ /_cleanup/ && $sql =~ /:status/
            ? qw(pending failed connected disconnected) : ();
}

done_testing();


sub is_indexed {
    my ($name, $sql, %values) = @_;

    $sql =~ s/:(\w+)/$values{$1} \/\/ BAIL_OUT("$name: $1")/ge;

    my @whole = grep { ($_->[3] // '') =~ /^(?:ALL|index)$/ }
                $mysql->query("EXPLAIN $sql");

    is_deeply(\@whole, [], $name);
}
