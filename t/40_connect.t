# Copyright (C) ngx_http_websocket_module authors

# POST connect, and the checks that every route begins with, in their order.

use Test::Nginx::Socket;
use Test::Nginx::MySQL;

use Digest::SHA qw(sha256_hex);

my $db = Test::Nginx::MySQL->connect($ENV{TEST_NGINX_MYSQL});

# John's, with other ends
add_token(101, 'expired', 'NOW() - INTERVAL 1 MINUTE');
add_token(102, 'fresh', 'NOW() + INTERVAL 1 HOUR');

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config =>
        "websocket_redis $ENV{TEST_NGINX_REDIS};\n"
        . "websocket_mysql $ENV{TEST_NGINX_MYSQL};\n"
        . ($block->http_config // ''));

    $block->set_value(config => <<'END') unless defined $block->config;
    location /api/websocket/ { websocket_api on; }
END

    $block->set_value(more_headers => <<'END') if !defined $block->more_headers;
Authorization: Bearer 1|demo-token-john
Content-Type: application/json
END

    $block->set_value(no_error_log => "[error]\n[alert]\n[crit]")
        unless defined $block->error_log || defined $block->no_error_log;
});

plan tests => 286;

log_level('info');
no_long_string();
run_tests();


sub add_token {
    my ($id, $secret, $expires) = @_;

    my $hash = sha256_hex($secret);

    $db->query("REPLACE INTO personal_access_tokens
                (id, tokenable_type, tokenable_id, name, token, abilities,
                 expires_at)
                VALUES ($id, 'App\\\\Models\\\\User', 1, 'test', '$hash',
                        '[\"*\"]', $expires)");
}


__DATA__

=== TEST 1: the guide's example
--- request
POST /api/websocket/connect
{"connection_id":"conn_1","session_id":"session_1","browser":"Chrome","device_type":"desktop"}
--- error_code: 201
--- response_headers
Content-Type: application/json
Cache-Control: no-cache, private
Vary: Origin
! Access-Control-Allow-Origin
--- response_body_like chomp
\A\{"data":\{"connection_id":"conn_1","status":"connected","user_id":1,"connected_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\}\z



=== TEST 2: the same again by the same user
--- request eval
["POST /api/websocket/connect\n{\"connection_id\":\"conn_2\"}",
 "POST /api/websocket/connect\n{\"connection_id\":\"conn_2\"}"]
--- error_code eval
[201, 201]
--- response_body_like eval
["conn_2", "conn_2"]



=== TEST 3: the id of another user
--- request eval
["POST /api/websocket/connect\n{\"connection_id\":\"conn_3\"}",
 "POST /api/websocket/connect\n{\"connection_id\":\"conn_3\"}"]
--- more_headers eval
["Authorization: Bearer 1|demo-token-john\nContent-Type: application/json",
 "Authorization: Bearer 2|demo-token-jane\nContent-Type: application/json"]
--- error_code eval
[201, 422]
--- response_body_like eval
["conn_3",
 '^\{"message":"The connection id has already been taken\.","errors":\{"connection_id":\["The connection id has already been taken\."\]\}\}$']



=== TEST 4: the id of another tenant's user
--- request eval
["POST /api/websocket/connect\n{\"connection_id\":\"conn_4\"}",
 "POST /api/websocket/connect\n{\"connection_id\":\"conn_4\"}"]
--- more_headers eval
["Authorization: Bearer 1|demo-token-john\nContent-Type: application/json",
 "Authorization: Bearer 4|demo-token-eve\nContent-Type: application/json"]
--- error_code eval
[201, 422]



=== TEST 5: no id, one is made
--- request
POST /api/websocket/connect
{}
--- error_code: 201
--- response_body_like chomp
"connection_id":"[^"]{16,}"



=== TEST 6: no body
--- request
POST /api/websocket/connect
--- more_headers
Authorization: Bearer 1|demo-token-john
--- error_code: 201
--- response_body_like chomp
"connection_id":"[^"]{16,}"



=== TEST 7: null is as absent, unknown fields do not matter
--- request
POST /api/websocket/connect
{"connection_id":null,"browser":null,"device_type":null,"x":{"y":[1]}}
--- error_code: 201



=== TEST 8: another form of the type
--- request
POST /api/websocket/connect
{"connection_id":"conn_8"}
--- more_headers
Authorization: bearer   1|demo-token-john
Content-Type: Application/JSON ; charset=utf-8
--- error_code: 201



=== TEST 9: a token without its id
--- request
POST /api/websocket/connect
{"connection_id":"conn_9"}
--- more_headers
Authorization: Bearer demo-token-john
Content-Type: application/json
--- error_code: 201
--- response_body_like: "user_id":1



=== TEST 10: a token that will expire
--- request
POST /api/websocket/connect
{"connection_id":"conn_10"}
--- more_headers
Authorization: Bearer 102|fresh
Content-Type: application/json
--- error_code: 201



=== TEST 11: a token that has expired
--- request
POST /api/websocket/connect
{"connection_id":"conn_11"}
--- more_headers
Authorization: Bearer 101|expired
Content-Type: application/json
--- error_code: 401
--- response_headers
Content-Type: application/json
WWW-Authenticate: Bearer
--- response_body chomp
{"message":"Unauthenticated."}



=== TEST 12: no token
--- request
POST /api/websocket/connect
{"connection_id":"conn_12"}
--- more_headers
Content-Type: application/json
--- error_code: 401
--- response_body chomp
{"message":"Unauthenticated."}



=== TEST 13: another scheme
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Basic MXxkZW1vLXRva2VuLWpvaG4=
Content-Type: application/json
--- error_code: 401



=== TEST 14: a wrong token, and it is in no log
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 1|demo-token-jane
Content-Type: application/json
--- error_code: 401
--- no_error_log
demo-token-jane
[error]



=== TEST 15: an unknown token
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 4242|demo-token-john
Content-Type: application/json
--- error_code: 401



=== TEST 16: a malformed token
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 1|demo token john
Content-Type: application/json
--- error_code: 401



=== TEST 17: an empty token
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer
Content-Type: application/json
--- error_code: 401



=== TEST 18: an unknown path, before the token
--- request
POST /api/websocket/none
{}
--- more_headers
Content-Type: application/json
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"message":"Not Found"}



=== TEST 19: the location itself
--- request
GET /api/websocket/
--- error_code: 404



=== TEST 20: below a route
--- request
POST /api/websocket/connect/now
{}
--- error_code: 404



=== TEST 21: the guide's GET
--- request
GET /api/websocket/connect
--- more_headers
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/json
--- response_body chomp
{"message":"Method Not Allowed"}



=== TEST 22: other methods
--- request eval
["PUT /api/websocket/connect\n{}", "DELETE /api/websocket/connect",
 "HEAD /api/websocket/connect"]
--- error_code eval
[405, 405, 405]
--- response_headers eval
["Allow: POST", "Allow: POST", "Allow: POST"]



=== TEST 23: a slash at the end
--- request
POST /api/websocket/connect/
{"connection_id":"conn_23"}
--- error_code: 201



=== TEST 24: a path that is encoded
--- request
POST /api/websocket/%63onnect
{"connection_id":"conn_24"}
--- error_code: 201



=== TEST 25: a location without a slash at its end
--- config
    location /api/websocket { websocket_api on; }
--- request eval
["POST /api/websocket/connect\n{}", "POST /api/websocketconnect\n{}",
 "POST /api/websocket\n{}"]
--- error_code eval
[201, 404, 404]



=== TEST 26: another origin, before the token
--- request
POST /api/websocket/connect
{}
--- more_headers
Origin: http://evil.example.com
Content-Type: application/json
--- error_code: 403
--- response_headers
Content-Type: application/json
Vary: Origin
! Access-Control-Allow-Origin
--- response_body chomp
{"message":"Origin Not Allowed"}
--- error_log
origin "http://evil.example.com" is not allowed



=== TEST 27: another origin, on an unknown path
--- request
POST /api/websocket/none
{}
--- more_headers
Origin: http://evil.example.com
--- error_code: 404
--- response_headers
! Access-Control-Allow-Origin
--- error_log
origin "http://evil.example.com" is not allowed



=== TEST 28: a listed origin
--- http_config
    websocket_allowed_origins https://app.example.com;
--- request
POST /api/websocket/connect
{"connection_id":"conn_28"}
--- more_headers
Origin: https://app.example.com
Authorization: Bearer 1|demo-token-john
Content-Type: application/json
--- error_code: 201
--- response_headers
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Credentials: true
Access-Control-Expose-Headers: Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset
Vary: Origin



=== TEST 29: a refusal that a listed origin may read
--- http_config
    websocket_allowed_origins https://app.example.com;
--- request
POST /api/websocket/connect
{}
--- more_headers
Origin: https://app.example.com
--- error_code: 401
--- response_headers
Access-Control-Allow-Origin: https://app.example.com



=== TEST 30: a preflight request has no token
--- http_config
    websocket_allowed_origins https://app.example.com;
--- request
OPTIONS /api/websocket/connect
--- more_headers
Origin: https://app.example.com
Access-Control-Request-Method: POST
Access-Control-Request-Headers: authorization,content-type
--- error_code: 204
--- response_headers
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Credentials: true
Access-Control-Allow-Methods: POST
Access-Control-Allow-Headers: authorization,content-type
Access-Control-Max-Age: 600
Vary: Origin
! Content-Type
--- response_body



=== TEST 31: a preflight request from elsewhere
--- request
OPTIONS /api/websocket/connect
--- more_headers
Origin: https://app.example.com
Access-Control-Request-Method: POST
--- error_code: 403
--- response_headers
! Access-Control-Allow-Origin
! Access-Control-Allow-Methods
--- error_log
origin "https://app.example.com" is not allowed



=== TEST 32: OPTIONS without an origin, and on an unknown path
--- request eval
["OPTIONS /api/websocket/connect", "OPTIONS /api/websocket/none"]
--- more_headers
--- error_code eval
[204, 404]
--- response_headers eval
["Allow: POST", "! Allow"]



=== TEST 33: a large body
--- http_config
    websocket_max_message_size 100;
--- request eval
"POST /api/websocket/connect\n{\"x\":\"" . "x" x 100 . "\"}"
--- error_code: 413
--- response_headers
Content-Type: application/json
--- response_body chomp
{"message":"Content Too Large"}



=== TEST 34: a large body, after the token
--- http_config
    websocket_max_message_size 100;
--- request eval
"POST /api/websocket/connect\n" . "x" x 101
--- more_headers
Content-Type: text/plain
--- error_code: 401



=== TEST 35: a large body, before its type
--- http_config
    websocket_max_message_size 100;
--- request eval
"POST /api/websocket/connect\n" . "x" x 101
--- more_headers
Authorization: Bearer 1|demo-token-john
Content-Type: text/plain
--- error_code: 413



=== TEST 36: client_max_body_size does not matter
--- config
    location /api/websocket/ { websocket_api on; client_max_body_size 10; }
--- request
POST /api/websocket/connect
{"connection_id":"conn_36"}
--- error_code: 201



=== TEST 37: another type
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 1|demo-token-john
Content-Type: text/plain
--- error_code: 415
--- response_headers
Content-Type: application/json
--- response_body chomp
{"message":"Unsupported Media Type"}



=== TEST 38: no type
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 1|demo-token-john
--- error_code: 415



=== TEST 39: a type that only begins alike
--- request
POST /api/websocket/connect
{}
--- more_headers
Authorization: Bearer 1|demo-token-john
Content-Type: application/json5
--- error_code: 415



=== TEST 40: a body that does not parse
--- request
POST /api/websocket/connect
{"connection_id":
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"message":"Malformed JSON."}



=== TEST 41: a body that is not UTF-8
--- request eval
"POST /api/websocket/connect\n{\"browser\":\"\xff\"}"
--- error_code: 400



=== TEST 42: invalid fields
--- request
POST /api/websocket/connect
{"connection_id":5,"session_id":{},"browser":true,"device_type":"fridge"}
--- error_code: 422
--- response_body chomp
{"message":"The connection id field must be a string. (and 3 more errors)","errors":{"connection_id":["The connection id field must be a string."],"session_id":["The session id field must be a string."],"browser":["The browser field must be a string."],"device_type":["The selected device type is invalid."]}}



=== TEST 43: one more error
--- request
POST /api/websocket/connect
{"session_id":1,"browser":2}
--- error_code: 422
--- response_body_like chomp
"message":"The session id field must be a string\. \(and 1 more error\)"



=== TEST 44: long fields
--- request eval
"POST /api/websocket/connect\n" . '{"connection_id":"' . "c" x 256
. '","session_id":"' . "s" x 256 . '","browser":"' . "b" x 51 . '"}'
--- error_code: 422
--- response_body chomp
{"message":"The connection id field must not be greater than 255 characters. (and 2 more errors)","errors":{"connection_id":["The connection id field must not be greater than 255 characters."],"session_id":["The session id field must not be greater than 255 characters."],"browser":["The browser field must not be greater than 50 characters."]}}



=== TEST 45: the longest fields
--- request eval
"POST /api/websocket/connect\n" . '{"connection_id":"' . "c" x 255
. '","session_id":"' . "s" x 255 . '","browser":"' . "\xc3\xa4" x 50 . '"}'
--- error_code: 201



=== TEST 46: a control character in the id
--- request
POST /api/websocket/connect
{"connection_id":"a\u0000b"}
--- error_code: 422



=== TEST 47: a query of one's own
--- http_config
    websocket_auth_query "SELECT 7 AS user_id, 70 AS tenant_id FROM DUAL WHERE :token = 'seven'";
--- request
POST /api/websocket/connect
{"connection_id":"conn_47"}
--- more_headers
Authorization: Bearer seven
Content-Type: application/json
--- error_code: 201
--- response_body_like: "user_id":7



=== TEST 48: MySQL is away
--- http_config
    websocket_auth_query "SELECT :id, :hash FROM no_such_table";
--- request
POST /api/websocket/connect
{}
--- error_code: 503
--- response_headers
Retry-After: 5
Content-Type: application/json
--- response_body chomp
{"message":"Service Unavailable"}
--- error_log
no_such_table



=== TEST 49: beside other access modules
--- config
    location /api/websocket/ {
        websocket_api on;
        satisfy any;
        allow 127.0.0.1;
        deny all;
    }
--- request eval
["POST /api/websocket/connect\n{\"connection_id\":\"conn_49\"}",
 "POST /api/websocket/connect\n{}"]
--- more_headers eval
["Authorization: Bearer 1|demo-token-john\nContent-Type: application/json",
 "Content-Type: application/json"]
--- error_code eval
[201, 401]



=== TEST 50: after other access modules
--- config
    location /api/websocket/ {
        websocket_api on;
        deny all;
    }
--- request
POST /api/websocket/connect
{}
--- error_code: 403
--- error_log
access forbidden by rule



=== TEST 51: variables
--- http_config
    log_format ws "user $websocket_user_id of $websocket_tenant_id by $websocket_connection_id, $websocket_transport";
--- config
    location /api/websocket/ {
        websocket_api on;
        access_log logs/error.log ws;
    }
--- request
POST /api/websocket/connect
{"connection_id":"conn_51"}
--- error_code: 201
--- error_log
user 1 of 1 by conn_51, -
