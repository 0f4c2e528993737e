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
