# Copyright (C) ngx_http_websocket_module authors

# Directives that limit, of which nginx has to refuse some.

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(must_die => '');
    $block->set_value(config => '') unless defined $block->config;
});

# a death and one line of the log each
plan tests => 2 * blocks();

no_long_string();
run_tests();

__DATA__

=== TEST 1: a throttle without a window
--- http_config
    websocket_throttle 60;
--- error_log eval
qr/"websocket_throttle" directive needs a limit and a window like "60 1m", or "off" in \S+nginx\.conf:\d+/



=== TEST 2: a throttle of nothing
--- http_config
    websocket_throttle 0 1m;
--- error_log
invalid limit "0" in "websocket_throttle", it must be between 1 and 1000000



=== TEST 3: a throttle of a word
--- config
    websocket_throttle many 1m;
--- error_log
invalid limit "many" in "websocket_throttle"



=== TEST 4: a window that is none
--- config
    location / { websocket_throttle 60 1x; }
--- error_log
invalid window "1x" in "websocket_throttle", it must be a time up to 1d



=== TEST 5: a window of no time
--- config
    location / { websocket_throttle 60 0; }
--- error_log
invalid window "0" in "websocket_throttle"



=== TEST 6: a long window
--- config
    location / { websocket_throttle 60 25h; }
--- error_log
invalid window "25h" in "websocket_throttle"



=== TEST 7: two throttles
--- config
    location / { websocket_throttle off; websocket_throttle 60 1m; }
--- error_log
"websocket_throttle" directive is duplicate



=== TEST 8: a rate of events without a window
--- config
    websocket_event_rate 10;
--- error_log
"websocket_event_rate" directive needs a limit and a window



=== TEST 9: a rate of nothing
--- config
    location /ws { websocket_event_rate 0 1s; }
--- error_log
invalid limit "0" in "websocket_event_rate"



=== TEST 10: two queries of live tokens
--- http_config
    websocket_token_check_query "SELECT 1 WHERE 1 IN (:ids)";
    websocket_token_check_query "SELECT 1 WHERE 1 IN (:ids)";
--- error_log
"websocket_token_check_query" directive is duplicate



=== TEST 11: a query of live tokens with another name
--- http_config
    websocket_token_check_query "SELECT 1 WHERE 1 IN (:all)";
--- error_log
invalid "websocket_token_check_query":



=== TEST 12: no connections
--- config
    websocket_connection_limit 0;
--- error_log
invalid limit "0" in "websocket_connection_limit", it must be "off" or between 1 and 1000



=== TEST 13: another policy
--- config
    websocket_connection_limit 1 first;
--- error_log
invalid policy "first" in "websocket_connection_limit", it must be "evict_oldest" or "reject"



=== TEST 14: no limit with a policy
--- config
    websocket_connection_limit off reject;
--- error_log
invalid limit "off" in "websocket_connection_limit"



=== TEST 15: two limits of connections
--- http_config
    websocket_connection_limit off;
    websocket_connection_limit 1;
--- error_log
"websocket_connection_limit" directive is duplicate



=== TEST 16: rates of addresses
--- config
    websocket_connect_rate 10;
--- error_log
"websocket_connect_rate" directive needs a limit and a window



=== TEST 17: a rate of bad tokens
--- config
    websocket_auth_failure_rate 10 forever;
--- error_log
invalid window "forever" in "websocket_auth_failure_rate"
