# Copyright (C) ngx_http_websocket_module authors

# Configurations that nginx has to refuse, and what it says.

use Test::Nginx::Socket;

my $stores = "websocket_redis $ENV{TEST_NGINX_REDIS};\n"
             . "websocket_mysql $ENV{TEST_NGINX_MYSQL};\n";

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(must_die => '') unless defined $block->must_die;
    $block->set_value(config => '') unless defined $block->config;

    if (defined $block->http_config) {
        my $conf = $block->http_config;
        $conf =~ s/STORES/$stores/;
        $block->set_value(http_config => $conf);
    }
});

# a death and one line of the log each
plan tests => 2 * blocks();

no_long_string();
run_tests();

__DATA__

=== TEST 1: an API without Redis
--- config
    location /api/ {
        websocket_api on;
    }
--- error_log eval
qr/"websocket_api" needs "websocket_redis" in the http block in \S+nginx\.conf:\d+/



=== TEST 2: an API without MySQL
--- http_config
    websocket_redis redis://127.0.0.1;
--- config
    location /api/ { websocket_api on; }
--- error_log
"websocket_api" needs "websocket_mysql" in the http block



=== TEST 3: Socket.IO without Redis
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws;
--- config
    location /socket.io/ { websocket_socketio on; }
--- error_log
"websocket_socketio" needs "websocket_redis" in the http block



=== TEST 4: plain WebSocket without stores, echo elsewhere
--- config
    location /ws { websocket on; }
    location /echo { websocket on; websocket_echo on; }
--- error_log
"websocket" needs "websocket_redis" in the http block



=== TEST 5: echo that is off
--- config
    location /ws { websocket on; websocket_echo off; }
--- error_log
"websocket" needs "websocket_redis" in the http block



=== TEST 6: two Redis
--- http_config
    STORES
    websocket_redis redis://127.0.0.1;
--- error_log
"websocket_redis" directive is duplicate



=== TEST 7: two MySQL
--- http_config
    STORES
    websocket_mysql mysql://root@127.0.0.1/ws;
--- error_log
"websocket_mysql" directive is duplicate



=== TEST 8: another scheme for Redis
--- http_config
    websocket_redis http://127.0.0.1;
--- error_log eval
qr!invalid redis URL: it must begin with "redis://" .* in \S+nginx\.conf:\d+!



=== TEST 9: TLS to Redis
--- http_config
    websocket_redis rediss://127.0.0.1;
--- error_log eval
qr/\[emerg\].*rediss/



=== TEST 10: a Redis host that does not resolve
--- http_config
    websocket_redis redis://no.such.host.invalid;
--- error_log eval
qr/\[emerg\].*no\.such\.host\.invalid/



=== TEST 11: MySQL without a database
--- http_config
    websocket_mysql mysql://root@127.0.0.1;
--- error_log eval
qr/\[emerg\].*database/



=== TEST 12: a MySQL host that does not resolve
--- http_config
    websocket_mysql mysql://root@no.such.host.invalid/ws;
--- error_log eval
qr/\[emerg\].*no\.such\.host\.invalid/



=== TEST 13: an unknown thread pool
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws pool=swimming;
--- error_log
unknown thread pool "swimming"



=== TEST 14: a password is not repeated
--- http_config
    websocket_mysql mysql://root:s3cr3t@127.0.0.1;
--- error_log eval
qr/\[emerg\] (?!.*s3cr3t)/



=== TEST 15: a zone without a size
--- http_config
    websocket_zone sockets;
--- error_log
invalid zone "sockets" in "websocket_zone", it must be a name and a size



=== TEST 16: a zone without a name
--- http_config
    websocket_zone :1m;
--- error_log
invalid zone ":1m" in "websocket_zone"



=== TEST 17: a zone with a bad size
--- http_config
    websocket_zone sockets:big;
--- error_log
invalid zone "sockets:big" in "websocket_zone"



=== TEST 18: a small zone
--- http_config
    websocket_zone sockets:4k;
--- error_log eval
qr/\[emerg\].*"sockets" is too small/



=== TEST 19: two zones
--- http_config
    websocket_zone a:1m;
    websocket_zone b:1m;
--- error_log
"websocket_zone" directive is duplicate



=== TEST 20: a cache for no time
--- http_config
    websocket_token_cache 1x;
--- error_log
invalid value "1x" in "websocket_token_cache"



=== TEST 21: a placeholder that does not exist
--- http_config
    websocket_auth_query "SELECT 1 FROM tokens WHERE id = :token_id";
--- error_log eval
qr/\[emerg\].*:?token_id/



=== TEST 22: two queries of users
--- http_config
    websocket_user_query "SELECT name FROM u WHERE id = :user_id";
    websocket_user_query "SELECT name FROM v WHERE id = :user_id";
--- error_log
"websocket_user_query" directive is duplicate



=== TEST 23: an origin without a scheme
--- http_config
    websocket_allowed_origins https://a.example app.example.com;
--- error_log
invalid origin "app.example.com" in "websocket_allowed_origins"



=== TEST 24: an origin with a path
--- http_config
    websocket_allowed_origins https://app.example.com/;
--- error_log
invalid origin "https://app.example.com/" in "websocket_allowed_origins"



=== TEST 25: an origin with a bad port
--- http_config
    websocket_allowed_origins https://app.example.com:0;
--- error_log
invalid origin "https://app.example.com:0" in "websocket_allowed_origins"



=== TEST 26: an origin with a star inside
--- http_config
    websocket_allowed_origins https://app.*.com;
--- error_log
invalid origin "https://app.*.com" in "websocket_allowed_origins"



=== TEST 27: two lists of origins
--- config
    websocket_allowed_origins *;
    websocket_allowed_origins *;
--- error_log
"websocket_allowed_origins" directive is duplicate



=== TEST 28: neither on nor off
--- config
    location /api/ { websocket_api yes; }
--- error_log
invalid value "yes" in "websocket_api" directive, it must be "on" or "off"



=== TEST 29: on twice
--- config
    location /api/ { websocket_api on; websocket_api on; }
--- error_log
"websocket_api" directive is duplicate



=== TEST 30: two in one location
--- config
    location /ws { websocket on; websocket_socketio on; }
--- error_log
"websocket_socketio" conflicts with "websocket" in the same location



=== TEST 31: with the status
--- config
    location /ws { websocket_status; websocket on; }
--- error_log
"websocket" conflicts with "websocket_status" in the same location



=== TEST 32: a proxy in the same location
--- http_config
    STORES
--- config
    location /api/ {
        websocket_api on;
        proxy_pass http://127.0.0.1:1;
    }
--- error_log
"websocket_api" conflicts with another content handler of the location



=== TEST 33: not in a location
--- http_config
    websocket on;
--- error_log
"websocket" directive is not allowed here



=== TEST 34: the stores not in the http block
--- config
    websocket_redis redis://127.0.0.1;
--- error_log
"websocket_redis" directive is not allowed here



=== TEST 35: an API in an exact location
--- config
    location = /api { websocket_api on; }
--- error_log
"websocket_api" directive needs a location with a prefix



=== TEST 36: an API in a location with a regular expression
--- config
    location ~ ^/api/ { websocket_api on; }
--- error_log
"websocket_api" directive needs a location with a prefix



=== TEST 37: an API in a named location
--- config
    location @api { websocket_api on; }
--- error_log
"websocket_api" directive needs a location with a prefix



=== TEST 38: echo of nothing
--- config
    location /echo { websocket_echo on; }
--- error_log
"websocket_echo" needs "websocket on" or "websocket_socketio on" in the same location



=== TEST 39: echo of an API
--- http_config
    STORES
--- config
    location /api/ { websocket_api on; websocket_echo on; }
--- error_log
"websocket_echo" needs "websocket on" or "websocket_socketio on" in the same location



=== TEST 40: Engine.IO's echo of plain WebSocket
--- config
    location /echo { websocket on; websocket_echo engineio; }
--- error_log
"websocket_echo" needs "websocket_socketio on" for "engineio"



=== TEST 41: another echo
--- config
    location /echo { websocket on; websocket_echo loud; }
--- error_log
invalid value "loud"



=== TEST 42: echo of a whole server
--- config
    websocket_echo on;
--- error_log
"websocket_echo" directive is not allowed here



=== TEST 43: no time for pings
--- config
    websocket_ping_interval 0;
--- error_log
"websocket_ping_interval" must not be 0



=== TEST 44: a bad time
--- config
    websocket_ping_timeout soon;
--- error_log
"websocket_ping_timeout" directive invalid value



=== TEST 45: two times
--- config
    websocket_connect_timeout 1s;
    websocket_connect_timeout 2s;
--- error_log
"websocket_connect_timeout" directive is duplicate



=== TEST 46: no time for an upgrade
--- config
    websocket_upgrade_timeout 0s;
--- error_log
"websocket_upgrade_timeout" must not be 0



=== TEST 47: messages of no size
--- config
    websocket_max_message_size 0;
--- error_log
"websocket_max_message_size" must be between 1 and 1g



=== TEST 48: messages too large
--- config
    websocket_max_message_size 2000000000;
--- error_log
"websocket_max_message_size" must be between 1 and 1g



=== TEST 49: a queue of no size
--- config
    websocket_send_queue 0;
--- error_log
"websocket_send_queue" must be between 1 and 1g



=== TEST 50: a bad size
--- config
    websocket_send_queue -1;
--- error_log
"websocket_send_queue" directive invalid value



=== TEST 51: compression, perhaps
--- config
    websocket_compression maybe;
--- error_log
invalid value "maybe" in "websocket_compression" directive



=== TEST 52: a bundle that is not there
--- config
    websocket_socketio_bundle no/such/folder;
--- error_log eval
qr!stat\(\) "\S+/no/such/folder" failed \(2: !



=== TEST 53: a bundle that is a file
--- config
    websocket_socketio_bundle conf/nginx.conf;
--- error_log
in "websocket_socketio_bundle" is not a directory



=== TEST 54: another format of the status
--- config
    location /status { websocket_status xml; }
--- error_log
invalid format "xml" in "websocket_status", it must be "json" or "prometheus"



=== TEST 55: a retention of something else
--- http_config
    websocket_retention messages=1d;
--- error_log
invalid value "messages=1d" in "websocket_retention"



=== TEST 56: no retention
--- http_config
    websocket_retention events=30d connections=0;
--- error_log
invalid value "connections=0" in "websocket_retention"



=== TEST 57: a retention twice
--- http_config
    websocket_retention events=30d events=40d;
--- error_log
"websocket_retention" directive is duplicate



=== TEST 58: no interval of statistics
--- http_config
    websocket_stats_interval 0;
--- error_log
invalid value "0" in "websocket_stats_interval"



=== TEST 59: an interval that is none
--- http_config
    websocket_stats_interval never;
--- error_log
invalid value "never" in "websocket_stats_interval"



=== TEST 60: a parameter of Redis that does not exist
--- http_config
    websocket_redis redis://127.0.0.1 prefx=a:;
--- error_log
invalid parameter "prefx"



=== TEST 61: a password file that is not there
--- http_config
    websocket_redis redis://127.0.0.1 password_file=no.such;
--- error_log eval
qr!open\(\) "\S+/no\.such" failed \(2: !



=== TEST 62: a user of Redis without a password
--- http_config
    websocket_redis redis://user@127.0.0.1;
--- error_log
invalid redis URL: there is a user but no password



=== TEST 63: a database of Redis with a name
--- http_config
    websocket_redis redis://127.0.0.1/cache;
--- error_log
invalid redis URL: the database must be a number



=== TEST 64: a port of Redis that is none
--- http_config
    websocket_redis redis://127.0.0.1:0;
--- error_log
invalid redis URL: invalid port in "127.0.0.1:0"



=== TEST 65: a socket of Redis with a relative path
--- http_config
    websocket_redis unix:redis.sock;
--- error_log
the path of the socket must begin with "/"



=== TEST 66: no time for Redis
--- http_config
    websocket_redis redis://127.0.0.1 command_timeout=0;
--- error_log
invalid timeout "0"



=== TEST 67: no prefix
--- http_config
    websocket_redis redis://127.0.0.1 prefix=;
--- error_log
the prefix must have 1 to 64 bytes



=== TEST 68: no URL at all
--- http_config
    websocket_redis;
--- error_log
invalid number of arguments in "websocket_redis" directive



=== TEST 69: a variable in the URL of Redis
--- http_config
    websocket_redis redis://$host;
--- error_log
invalid redis URL: host not found in "$host"



=== TEST 70: a parameter of MySQL that does not exist
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws thread=1;
--- error_log
invalid parameter "thread"



=== TEST 71: no threads
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws threads=0;
--- error_log
invalid value "threads=0": it must be from 1 to 64



=== TEST 72: no batch
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws batch=0;
--- error_log
invalid value "batch=0": it must be from 1 to 1000



=== TEST 73: a flush that is no time
--- http_config
    websocket_mysql mysql://root@127.0.0.1/ws flush=soon;
--- error_log
invalid value "flush=soon": it must be from 1ms to 60s



=== TEST 74: MySQL without a user
--- http_config
    websocket_mysql mysql://127.0.0.1/ws;
--- error_log
mysql URL has no "user@"



=== TEST 75: another scheme for MySQL
--- http_config
    websocket_mysql postgres://root@127.0.0.1/ws;
--- error_log
mysql URL must begin with "mysql://"



=== TEST 76: a socket of MySQL with a relative path
--- http_config
    websocket_mysql mysql://root@unix(run/x.sock)/ws;
--- error_log
mysql URL has no absolute path of a socket in "unix()"



=== TEST 77: a port of MySQL that is none
--- http_config
    websocket_mysql mysql://root@127.0.0.1:99999/ws;
--- error_log
invalid port in mysql host "127.0.0.1:99999"



=== TEST 78: a query of tokens without a statement
--- http_config
    websocket_auth_query "";
--- error_log
invalid "websocket_auth_query": no statement



=== TEST 79: a query of tokens with two
--- http_config
    websocket_auth_query "SELECT :id; SELECT 2";
--- error_log
invalid "websocket_auth_query": more than one statement



=== TEST 80: a query of tokens that looks for none
--- http_config
    websocket_auth_query "SELECT 1 AS user_id, 1 AS tenant_id";
--- error_log
invalid "websocket_auth_query": it has none of :id, :hash and :token



=== TEST 81: a query of users that looks for none
--- http_config
    websocket_user_query "SELECT name FROM users";
--- error_log
invalid "websocket_user_query": it has neither :user_id nor :tenant_id



=== TEST 82: a retention of nothing in particular
--- http_config
    websocket_retention 1d;
--- error_log
invalid value "1d" in "websocket_retention"



=== TEST 83: a throttle without a window
--- http_config
    websocket_throttle 60;
--- error_log
needs a limit and a window like "60 1m", or "off"



=== TEST 84: a throttle that lets nothing through
--- http_config
    websocket_throttle 0 1m;
--- error_log
invalid limit "0" in "websocket_throttle"



=== TEST 85: a throttle without time
--- http_config
    websocket_throttle 60 0;
--- error_log
invalid window "0" in "websocket_throttle"



=== TEST 86: a variable for an origin
--- http_config
    websocket_allowed_origins $http_origin;
--- error_log
invalid origin "$http_origin" in "websocket_allowed_origins"



=== TEST 87: a variable for a size
--- http_config
    websocket_max_message_size $size;
--- error_log
"websocket_max_message_size" directive invalid value



=== TEST 88: a variable for a folder
--- http_config
    websocket_socketio_bundle /$dir;
--- error_log
stat() "/$dir" failed



=== TEST 89: two formats of the status
--- config
    location /status { websocket_status json prometheus; }
--- error_log
invalid number of arguments in "websocket_status"



=== TEST 90: a door in an "if"
--- http_config
    STORES
--- config
    location /ws { if ($arg_a) { websocket on; } }
--- error_log
"websocket" directive is not allowed here



=== TEST 91: a door in a "limit_except"
--- http_config
    STORES
--- config
    location /api/ { limit_except GET { websocket_api on; } }
--- error_log
"websocket_api" directive is not allowed here



=== TEST 92: a setting in an "if"
--- http_config
    STORES
--- config
    location /ws { websocket on; if ($arg_a) { websocket_send_queue 1k; } }
--- error_log
"websocket_send_queue" directive is not allowed here



=== TEST 93: a door in a server
--- http_config
    STORES
--- config
    websocket_api on;
--- error_log
"websocket_api" directive is not allowed here



=== TEST 94: a nested one that is exact
--- http_config
    STORES
--- config
    location /api/ { websocket_api on; location = /api/x { websocket_api on; } }
--- error_log
"websocket_api" directive needs a location with a prefix



=== TEST 95: a proxy in front of it
--- http_config
    STORES
--- config
    location /api/ { proxy_pass http://127.0.0.1:1; websocket_api on; }
--- error_log
"websocket_api" directive conflicts with another content handler



=== TEST 96: a zone that is of another use
--- http_config
    STORES
    limit_req_zone $binary_remote_addr zone=websocket:1m rate=1r/s;
--- config
    location /ws { websocket on; }
--- error_log
the shared memory zone "websocket" is already declared for a different use



=== TEST 97: an API without stores in the second server
--- http_config
    server {
        location /api/ { websocket_api on; }
    }
--- error_log eval
qr/"websocket_api" needs "websocket_redis" in the http block in \S+nginx\.conf:\d+/



=== TEST 98: a bundle without a name
--- config
    websocket_socketio_bundle "";
--- error_log
"websocket_socketio_bundle" directive names no directory



=== TEST 99: a retention beyond all
--- http_config
    websocket_retention connections=36501d;
--- error_log
invalid value "connections=36501d" in "websocket_retention"



=== TEST 100: pings that a browser can not wait for
--- config
    websocket_ping_interval 30d;
--- error_log
"websocket_ping_interval" must be 1d at most
