# Copyright (C) ngx_http_websocket_module authors

# The browser bundle of Socket.IO, and the counters.

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(user_files => <<'END');
>>> socket.io.js 202401020304.05
var io = 1;
>>> socket.io.js.map
{}
>>> socket.io.esm.min.js
export var io = 1;
>>> other.js
secret
END

    $block->set_value(config => <<'END') unless defined $block->config;
    websocket_socketio_bundle html;
    location /socket.io/ { websocket_socketio on; websocket_echo on; }
END
});

plan tests => 60;

no_long_string();
run_tests();

__DATA__

=== TEST 1: the bundle
--- request
GET /socket.io/socket.io.js
--- response_headers_like
Content-Type: application/javascript; charset=utf-8
ETag: "[0-9a-f]+-c"
Last-Modified: Tue, 02 Jan 2024 \d\d:04:05 GMT
Cache-Control: public, max-age=0
Vary: Origin
Accept-Ranges: bytes
Content-Length: 12
--- response_body
var io = 1;



=== TEST 2: its map, another build, HEAD
--- request eval
["GET /socket.io/socket.io.js.map", "GET /socket.io/socket.io.esm.min.js?v=1",
 "HEAD /socket.io/socket.io.js"]
--- response_headers eval
["Content-Type: application/json; charset=utf-8",
 "Content-Type: application/javascript; charset=utf-8",
 "Content-Length: 12"]
--- response_body eval
["{}\n", "export var io = 1;\n", ""]



=== TEST 3: not modified
--- request
GET /socket.io/socket.io.js
--- more_headers
If-None-Match: *
--- error_code: 304
--- response_body



=== TEST 4: a part
--- request
GET /socket.io/socket.io.js
--- more_headers
Range: bytes=4-5
--- error_code: 206
--- response_body chomp
io



=== TEST 5: a build that is not there
--- request
GET /socket.io/socket.io.msgpack.min.js
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"message":"Not Found"}
--- error_log
socket.io.msgpack.min.js" failed (2: No such file or directory)



=== TEST 6: nothing else of the folder
--- request eval
["GET /socket.io/other.js", "GET /socket.io/socket.io.css",
 "GET /socket.io/%2e%2e/socket.io/other.js"]
--- error_code eval
[400, 400, 400]
--- response_body eval
['{"code":0,"message":"Transport unknown"}',
 '{"code":0,"message":"Transport unknown"}',
 '{"code":0,"message":"Transport unknown"}']



=== TEST 7: another method
--- request
POST /socket.io/socket.io.js
x
--- error_code: 405
--- response_headers
Allow: GET, HEAD



=== TEST 8: for another origin that may read it
--- http_config
    websocket_allowed_origins https://app.example.com;
--- request
GET /socket.io/socket.io.js
--- more_headers
Origin: https://app.example.com
--- response_headers
Access-Control-Allow-Origin: https://app.example.com
--- response_body
var io = 1;



=== TEST 9: for one that may only run it
--- request
GET /socket.io/socket.io.js
--- more_headers
Origin: https://app.example.com
--- response_headers
! Access-Control-Allow-Origin
--- response_body
var io = 1;



=== TEST 10: without a folder
--- config
    location /socket.io/ { websocket_socketio on; websocket_echo on; }
--- request
GET /socket.io/socket.io.js
--- error_code: 404
--- response_body chomp
{"message":"Not Found"}



=== TEST 11: a missing folder is told at the start
--- http_config eval
"websocket_redis $ENV{TEST_NGINX_REDIS};
 websocket_mysql $ENV{TEST_NGINX_MYSQL};"
--- config
    location /socket.io/ { websocket_socketio on; }
--- request
GET /socket.io/socket.io.js
--- error_code: 404
--- error_log eval
qr/\[warn\].*"websocket_socketio_bundle" is not set, .*nginx\.conf:\d+/



=== TEST 12: an exact location
--- config
    location = /engine { websocket_socketio on; websocket_echo engineio; }
--- request
GET /engine?EIO=4&transport=websocket
--- error_code: 400
--- response_body chomp
{"code":3,"message":"Bad request"}



=== TEST 13: counters in JSON
--- config
    location = /status { websocket_status; }
    location = /json { websocket_status json; }
--- request eval
["GET /status", "GET /json", "HEAD /status"]
--- response_headers eval
["Content-Type: application/json\nCache-Control: no-store",
 "Content-Type: application/json", "Content-Type: application/json"]
--- response_body_like eval
['^\{"workers":1,"connections":\{"websocket":0,"polling":0\},.*\}$',
 '^\{"workers":1,', '^$']



=== TEST 14: counters for Prometheus
--- config
    location = /metrics { websocket_status prometheus; }
--- request
GET /metrics
--- response_headers
Content-Type: text/plain; version=0.0.4; charset=utf-8
--- response_body_like chomp
# TYPE websocket_connections gauge\nwebsocket_connections\{transport="websocket"\} 0\n



=== TEST 15: counters are only read
--- config
    location = /status { websocket_status; }
--- request
POST /status
x
--- error_code: 405
