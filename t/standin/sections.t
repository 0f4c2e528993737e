# Copyright (C) ngx_http_websocket_module authors

# Every section and function that the stand-in offers, on nginx' own
# directives.  All of it passes with OpenResty's module, too.

use Test::Nginx::Socket;

$ENV{TEST_NGINX_WORD} = 'word';

repeat_each(2);

plan tests => repeat_each() * 53;

add_block_preprocessor(sub {
    my ($block) = @_;

    if (!defined $block->http_config) {
        $block->set_value(http_config =>
                          'map $host $from_default { default yes; }');
    }
});

config_preamble("add_header X-Preamble yes;\n");
log_level('info');
no_long_string();
server_name('example.com');
timeout(5);
worker_connections(100);

run_tests();

__DATA__

=== TEST 1: request, response_headers, response_body, no_error_log
--- config
    location /a {
        add_header X-Twice 1;
        add_header X-Twice 2;
        add_header X-Port $server_port;
        return 200 "$request_method $arg_x $host $from_default\n";
    }
--- request
    # an empty line or a comment may come first
    GET /a?x=1
--- response_headers
X-Twice: 1, 2
X-Port: $ServerPort
! X-Preamble
! X-Other
--- response_body
GET 1 example.com yes
--- no_error_log
[error]
[alert]



=== TEST 2: the root location, response_headers_like, response_body_like
--- config
--- request
GET /index.html
--- response_headers_like
Content-Type: text/.*
ETag: "[0-9a-f-]+"
--- response_body_like: It works!
--- error_code: 200



=== TEST 3: config_preamble
--- config
--- request
GET /
--- response_headers
X-Preamble: yes



=== TEST 4: must_die
--- config
    nonsense;
--- must_die
--- error_log
unknown directive "nonsense"



=== TEST 5: must_die with an exit code, main_config
--- main_config
    events { }
--- config
--- must_die: 1



=== TEST 6: error_log with patterns, response_body with a pattern
--- config
    location /none { }
--- request
GET /none/x
--- error_code: 404
--- error_log eval
[qr/open\(\) \S+ failed/, 'request: "GET /none/x']
--- no_error_log eval
qr/\[(alert|crit|emerg)\]/
--- response_body eval
qr/404 Not Found/



=== TEST 7: pipelined_requests with a header each
--- config
    location ~ ^/\d {
        return 200 "$request_uri $http_connection $http_x $content_length";
    }
--- pipelined_requests eval
["GET /1", "POST /2\nbody\n", "GET /3 HTTP/1.0"]
--- more_headers eval
["X: 1", "X: 2\n# X: 3", "X: 3"]
--- response_body eval
["/1 keep-alive 1 ", "/2 keep-alive 2 4", "/3 close 3 "]
--- error_code eval
[200, 200, 200]



=== TEST 8: several requests, user_files
--- http_config
    map $request_method $answer { POST posted; }
--- config
    location /proxy {
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/back;
    }
    location /back { return 200 "$answer $http_content_length"; }
    location /f { root html; }
--- user_files
>>> f/a.txt
hello $TEST_NGINX_WORD
>>> f/b.txt 201801010000.00
b
--- request eval
["POST /proxy\nab=c", "GET /f/a.txt", "GET /f/b.txt"]
--- response_headers eval
["! Last-Modified", "Content-Length: 11",
 "Last-Modified: Mon, 01 Jan 2018 00:00:00 GMT"]
--- response_body eval
["posted 4", "hello word\n", "b\n"]



=== TEST 9: user_files as an array, a chunked response
--- config
    location /ssi { ssi on; ssi_types text/plain; }
--- user_files eval
[["ssi/a", '<!--# echo var="arg_x" -->' . "-" x 50000 . "\n"]]
--- request
GET /ssi/a?x=start
--- response_headers
Transfer-Encoding: chunked
--- response_body eval
"start" . "-" x 50000 . "\n"



=== TEST 10: raw_request in parts
--- config
    location /r { return 200 "raw $http_x"; }
--- raw_request eval
["GET /r HT", "TP/1.0\r\nX: 5\r\n", "\r\n"]
--- raw_request_middle_delay: 0.01
--- response_body chomp
raw 5



=== TEST 11: raw_request, response_body with filters
--- config
    location /r { return 200 "raw"; }
--- raw_request eval: "GET /r HTTP/1.0\r\n\r\n"
--- response_body eval: "r" . "aw"



=== TEST 12: abort, timeout, no status
--- config
    location /r { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/; }
--- raw_request eval
"POST /r HTTP/1.0\r\nContent-Length: 5\r\n\r\n"
--- timeout: 100ms
--- abort
--- error_code:



=== TEST 13: wait
--- config
    location /r { limit_rate 1000; error_log logs/error.log notice;
                  rewrite_log on; rewrite ^ /index.html break; }
--- request
HEAD /r
--- wait: 0.05
--- error_log
rewritten data: "/index.html"



=== TEST 14: the environment in configurations and bodies
--- main_config
    env TEST=$TEST_NGINX_WORD;
--- config
    location /a { return 200 "$TEST_NGINX_WORD $http_content_length"; }
--- request
POST /a
  text  
--- more_headers
Content-Length: 8
--- response_body chomp
$TEST_NGINX_WORD 8



=== TEST 15: a skipped block
--- SKIP
--- config
--- request
GET /none



=== TEST 16: 304 and HEAD have no body
--- config
--- request eval
["HEAD /index.html", "GET /index.html"]
--- more_headers eval
["", "If-None-Match: *"]
--- error_code eval
[200, 304]
--- response_body eval
["", ""]
