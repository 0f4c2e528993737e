# Copyright (C) ngx_http_websocket_module authors

# POST disconnect.

use Test::Nginx::Socket;

my $john = "Authorization: Bearer 1|demo-token-john\n"
           . "Content-Type: application/json\n";

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config =>
        "websocket_redis $ENV{TEST_NGINX_REDIS};\n"
        . "websocket_mysql $ENV{TEST_NGINX_MYSQL};\n"
        . ($block->http_config // ''));

    $block->set_value(config => <<'END');
    location /api/websocket/ { websocket_api on; }
END

    $block->set_value(more_headers => $john)
        unless defined $block->more_headers;

    $block->set_value(no_error_log => "[error]\n[alert]\n[crit]");
});

plan tests => 106;

log_level('info');
no_long_string();
run_tests();


sub connect_and {
    my ($id, @requests) = @_;

    return ["POST /api/websocket/connect\n{\"connection_id\":\"$id\"}",
            @requests];
}

sub disconnect {
    return "POST /api/websocket/disconnect\n{\"connection_id\":\"$_[0]\"}";
}

sub john_and {
    return [$john, map { "Authorization: Bearer $_\n"
                         . "Content-Type: application/json" } @_];
}


__DATA__

=== TEST 1: the guide's example, and a second call
--- request eval
::connect_and('gone_1', ::disconnect('gone_1'), ::disconnect('gone_1'))
--- error_code eval
[201, 200, 200]
--- response_headers eval
[("Content-Type: application/json") x 3]
--- response_body_like eval
["gone_1",
 '^\{"message":"Disconnected successfully"\}$',
 '^\{"message":"Disconnected successfully"\}$']



=== TEST 2: and connected again
--- request eval
::connect_and('gone_2', ::disconnect('gone_2'), @{::connect_and('gone_2')})
--- error_code eval
[201, 200, 201]



=== TEST 3: another user's
--- request eval: ::connect_and('gone_3', ::disconnect('gone_3'))
--- more_headers eval: ::john_and('2|demo-token-jane')
--- error_code eval
[201, 403]
--- response_body_like eval
["gone_3", '^\{"message":"Unauthorized"\}$']



=== TEST 4: another tenant's
--- request eval: ::connect_and('gone_4', ::disconnect('gone_4'))
--- more_headers eval: ::john_and('4|demo-token-eve')
--- error_code eval
[201, 404]
--- response_body_like eval
["gone_4", '^\{"message":"Not Found"\}$']



=== TEST 5: an unknown one
--- request eval: ::disconnect('never')
--- error_code: 404
--- response_body chomp
{"message":"Not Found"}



=== TEST 6: none
--- request
POST /api/websocket/disconnect
{}
--- error_code: 422
--- response_body chomp
{"message":"The connection id field is required.","errors":{"connection_id":["The connection id field is required."]}}



=== TEST 7: no body, null, an empty string, an array of fields
--- request eval
["POST /api/websocket/disconnect",
 "POST /api/websocket/disconnect\n{\"connection_id\":null}",
 "POST /api/websocket/disconnect\n{\"connection_id\":\"\"}",
 "POST /api/websocket/disconnect\n[]"]
--- error_code eval
[422, 422, 422, 422]



=== TEST 8: a number
--- request
POST /api/websocket/disconnect
{"connection_id":8}
--- error_code: 422
--- response_body chomp
{"message":"The connection id field must be a string.","errors":{"connection_id":["The connection id field must be a string."]}}



=== TEST 9: not authenticated
--- request eval: ::disconnect('gone_9')
--- more_headers
Content-Type: application/json
--- error_code: 401
--- response_headers
WWW-Authenticate: Bearer
--- response_body chomp
{"message":"Unauthenticated."}



=== TEST 10: another method
--- request
GET /api/websocket/disconnect
--- error_code: 405
--- response_headers
Allow: POST



=== TEST 11: another type
--- request eval: ::disconnect('gone_11')
--- more_headers
Authorization: Bearer 1|demo-token-john
Content-Type: text/plain
--- error_code: 415



=== TEST 12: a body that does not parse
--- request
POST /api/websocket/disconnect
{"connection_id":"gone_12"
--- error_code: 400
--- response_body chomp
{"message":"Malformed JSON."}



=== TEST 13: a large body
--- http_config
    websocket_max_message_size 20;
--- request eval: ::disconnect('gone_13')
--- error_code: 413
--- response_body chomp
{"message":"Content Too Large"}
