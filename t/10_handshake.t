# Copyright (C) ngx_http_websocket_module authors

# The opening handshake (RFC 6455, section 4.2): what it needs, what refuses
# it, and what of it follows the configuration.

use Test::Nginx::Socket;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(config => <<'END') unless defined $block->config;
    location = /echo { websocket on; websocket_echo on; }
    location /socket.io/ { websocket_socketio on; websocket_echo on; }
END
});

plan tests => 116;

no_long_string();
run_tests();


# A handshake with the given fields instead of its own, or without those
# that are given as "Name:" alone; what follows the head comes last.  A refused
# one is asked to be the last request of its connection.

sub handshake {
    my ($line, $behind, @fields) = @_;

    my @own = (
        'Host: 127.0.0.1',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
    );

    my %given = map { (/^([^:]+)/)[0] => 1 } @fields;

    $line .= ' HTTP/1.1' if $line !~ / HTTP/;

    return [join("\r\n", $line, (grep { !$given{(/^([^:]+)/)[0]} } @own),
                 (grep { !/:\z/ } @fields), '', $behind)];
}


sub accepted { return handshake($_[0], hello() . bye(), @_[1 .. $#_]) }

sub refused {
    my ($line, @fields) = @_;

    unshift @fields, 'Connection: Upgrade, close'
        if !grep { /^Connection:/ } @fields;

    return handshake($line, '', @fields);
}


# Frames, masked by zeros.

sub frame {
    my ($opcode, $payload) = @_;

    return pack('CCN', 0x80 | $opcode, 0x80 | length $payload, 0) . $payload;
}

sub hello { return frame(1, 'hello') }

sub bye { return frame(8, pack('n', 1000)) }


__DATA__

=== TEST 1: the example of RFC 6455
--- raw_request eval: ::accepted('GET /echo')
--- error_code: 101
--- response_headers
Upgrade: websocket
Connection: upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
! Sec-WebSocket-Extensions
! Sec-WebSocket-Protocol
! Content-Length
! Transfer-Encoding
--- response_body eval
"\x81\x05hello\x88\x02\x03\xe8"
--- no_error_log
[error]
[alert]



=== TEST 2: lists, in whatever case
--- raw_request eval
::accepted('GET /echo', 'Upgrade: h2c, WebSocket',
           'Connection: keep-alive, UPGRADE')
--- error_code: 101
--- response_body eval
"\x81\x05hello\x88\x02\x03\xe8"



=== TEST 3: lists of several lines
--- raw_request eval
::accepted('GET /echo', 'Upgrade: foo', 'Upgrade: websocket',
           'Connection: keep-alive', 'Connection: Upgrade')
--- error_code: 101
--- response_body eval
"\x81\x05hello\x88\x02\x03\xe8"



=== TEST 4: a large head
--- raw_request eval
::accepted('GET /echo', 'X-Large: ' . 'x' x 6000)
--- error_code: 101
--- response_body eval
"\x81\x05hello\x88\x02\x03\xe8"



=== TEST 5: byte by byte
--- raw_request eval
[split //, ::accepted('GET /echo')->[0]]
--- raw_request_middle_delay: 0.001
--- error_code: 101
--- response_body eval
"\x81\x05hello\x88\x02\x03\xe8"



=== TEST 6: behind other requests of the connection
--- config
    location = /echo { websocket on; websocket_echo on; }
    location = /first { return 204; }
--- raw_request eval
["GET /first HTTP/1.1\r\nHost: a\r\n\r\n" x 2 . ::accepted('GET /echo')->[0]]
--- error_code: 204
--- response_body eval
qr/\A\QHTTP\E\/1\.1 204 .* 101 Switching Protocols\r\n.*\r\n\r\n\x81\x05hello\x88\x02\x03\xe8\z/s



=== TEST 7: no upgrade at all
--- request
GET /echo
--- error_code: 426
--- response_headers
Upgrade: websocket
Connection: close, upgrade
Sec-WebSocket-Version: 13
Content-Type: application/json
--- response_body chomp
{"message":"Upgrade Required"}
--- error_log
websocket handshake refused: no "Upgrade: websocket"



=== TEST 8: an upgrade to something else
--- raw_request eval: ::refused('GET /echo', 'Upgrade: h2c')
--- error_code: 426
--- response_headers
Upgrade: websocket
--- response_body chomp
{"message":"Upgrade Required"}



=== TEST 9: HTTP/1.0 has no upgrade
--- raw_request eval: ::refused('GET /echo HTTP/1.0')
--- error_code: 426
--- response_headers
! Upgrade
--- response_body chomp
{"message":"Upgrade Required"}



=== TEST 10: another version
--- raw_request eval: ::refused('GET /echo', 'Sec-WebSocket-Version: 8')
--- error_code: 426
--- response_headers
Sec-WebSocket-Version: 13
--- response_body chomp
{"message":"Upgrade Required"}



=== TEST 11: no version
--- raw_request eval: ::refused('GET /echo', 'Sec-WebSocket-Version:')
--- error_code: 426
--- response_headers
Sec-WebSocket-Version: 13



=== TEST 12: two versions
--- raw_request eval
::refused('GET /echo', 'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Version: 8')
--- error_code: 426
--- response_headers
Sec-WebSocket-Version: 13



=== TEST 13: another method
--- raw_request eval: ::refused('POST /echo')
--- error_code: 405
--- response_headers
Allow: GET
! Upgrade
--- response_body chomp
{"message":"Method Not Allowed"}



=== TEST 14: Connection without upgrade
--- raw_request eval: ::refused('GET /echo', 'Connection: close')
--- error_code: 400
--- response_headers
! Upgrade
! Sec-WebSocket-Accept
--- response_body chomp
{"message":"Bad Request"}



=== TEST 15: no key
--- raw_request eval: ::refused('GET /echo', 'Sec-WebSocket-Key:')
--- error_code: 400
--- response_body chomp
{"message":"Bad Request"}



=== TEST 16: a short key
--- raw_request eval: ::refused('GET /echo', 'Sec-WebSocket-Key: Zm9v')
--- error_code: 400
--- response_body chomp
{"message":"Bad Request"}



=== TEST 17: two keys
--- raw_request eval
::refused('GET /echo', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
--- error_code: 400



=== TEST 18: a body
--- raw_request eval
::refused('GET /echo', 'Content-Length: 2', "X: y\r\n\r\nab")
--- error_code: 400



=== TEST 19: a chunked body
--- raw_request eval
::refused('GET /echo', 'Transfer-Encoding: chunked', "X: y\r\n\r\n0\r\n")
--- error_code: 400



=== TEST 20: without a host
--- raw_request eval: ::refused('GET /echo', 'Host:')
--- error_code: 400



=== TEST 21: the first subprotocol
--- raw_request eval
::accepted('GET /echo', 'Sec-WebSocket-Protocol: chat, superchat')
--- error_code: 101
--- response_headers
Sec-WebSocket-Protocol: chat



=== TEST 22: bad subprotocols
--- raw_request eval
::refused('GET /echo', 'Sec-WebSocket-Protocol: chat, chat')
--- error_code: 400
--- response_headers
! Sec-WebSocket-Protocol



=== TEST 23: compression is off
--- raw_request eval
::accepted('GET /echo', 'Sec-WebSocket-Extensions: permessage-deflate')
--- error_code: 101
--- response_headers
! Sec-WebSocket-Extensions



=== TEST 24: compression is on
--- http_config
    websocket_compression on;
--- raw_request eval
::accepted('GET /echo', 'Sec-WebSocket-Extensions: foo',
           'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits')
--- error_code: 101
--- response_headers
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12



=== TEST 25: a client's window cannot be limited
--- http_config
    websocket_compression on;
--- raw_request eval
::accepted('GET /echo', 'Sec-WebSocket-Extensions: permessage-deflate')
--- error_code: 101
--- response_headers
Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover



=== TEST 26: other extensions
--- http_config
    websocket_compression on;
--- raw_request eval
::accepted('GET /echo', 'Sec-WebSocket-Extensions: foo; bar=1, permessage-deflate; x')
--- error_code: 101
--- response_headers
! Sec-WebSocket-Extensions



=== TEST 27: bad extensions
--- http_config
    websocket_compression on;
--- raw_request eval
::refused('GET /echo', 'Sec-WebSocket-Extensions: foo;;')
--- error_code: 400
--- response_headers
! Sec-WebSocket-Extensions



=== TEST 28: the same origin
--- raw_request eval
::accepted('GET /echo', 'Host: example.com:81', 'Origin: http://Example.com:81')
--- error_code: 101



=== TEST 29: the default port, and TLS that a proxy has ended
--- raw_request eval
::accepted('GET /echo', 'Host: example.com:443', 'Origin: https://example.com')
--- error_code: 101



=== TEST 30: another port
--- raw_request eval
::refused('GET /echo', 'Host: example.com:81', 'Origin: http://example.com')
--- error_code: 403
--- error_log
origin "http://example.com" is not allowed



=== TEST 31: another host
--- raw_request eval
::refused('GET /echo', 'Host: example.com', 'Origin: http://www.example.com')
--- error_code: 403
--- response_headers
! Upgrade
Content-Type: application/json
--- response_body chomp
{"message":"Origin Not Allowed"}
--- error_log
origin "http://www.example.com" is not allowed



=== TEST 32: no origin at all
--- raw_request eval: ::refused('GET /echo', 'Origin: null')
--- error_code: 403
--- error_log
origin "null" is not allowed



=== TEST 33: two origins
--- raw_request eval
::refused('GET /echo', 'Host: a', 'Origin: http://a', 'Origin: http://a')
--- error_code: 403



=== TEST 34: a listed origin
--- http_config
    websocket_allowed_origins https://a.example.com https://app.example.com:8443;
--- raw_request eval
::accepted('GET /echo', 'Origin: https://app.example.com:8443')
--- error_code: 101



=== TEST 35: a listed origin with the default port
--- http_config
    websocket_allowed_origins https://app.example.com:443;
--- raw_request eval
::accepted('GET /echo', 'Origin: https://app.example.com')
--- error_code: 101



=== TEST 36: a listed origin by another scheme
--- http_config
    websocket_allowed_origins https://app.example.com;
--- raw_request eval
::refused('GET /echo', 'Origin: http://app.example.com')
--- error_code: 403



=== TEST 37: the same origin beside a list
--- http_config
    websocket_allowed_origins https://app.example.com;
--- raw_request eval
::accepted('GET /echo', 'Host: a', 'Origin: http://a')
--- error_code: 101



=== TEST 38: subdomains
--- http_config
    websocket_allowed_origins https://*.example.com;
--- raw_request eval
::accepted('GET /echo', 'Origin: https://a.b.example.com')
--- error_code: 101



=== TEST 39: the domain of subdomains
--- http_config
    websocket_allowed_origins https://*.example.com;
--- raw_request eval
::refused('GET /echo', 'Origin: https://example.com')
--- error_code: 403



=== TEST 40: a domain with the same end
--- http_config
    websocket_allowed_origins https://*.example.com;
--- raw_request eval
::refused('GET /echo', 'Origin: https://badexample.com')
--- error_code: 403



=== TEST 41: whatever comes
--- http_config
    websocket_allowed_origins *;
--- raw_request eval
::accepted('GET /echo', 'Origin: https://anything.example.net')
--- error_code: 101



=== TEST 42: a list of the location instead of the one of the server
--- config
    websocket_allowed_origins *;
    location = /echo {
        websocket on;
        websocket_echo on;
        websocket_allowed_origins https://app.example.com;
    }
--- raw_request eval
::refused('GET /echo', 'Origin: https://www.example.com')
--- error_code: 403



=== TEST 43: Engine.IO, with settings from everywhere
--- http_config
    websocket_ping_interval 5s;
    websocket_ping_timeout 6s;
    websocket_max_message_size 7000;
--- config
    websocket_ping_timeout 4s;
    location /socket.io/ {
        websocket_socketio on;
        websocket_echo on;
        websocket_max_message_size 8000;
    }
--- raw_request eval
::handshake('GET /socket.io/?EIO=4&transport=websocket', ::bye())
--- error_code: 101
--- response_body eval
qr/\A\x81.0\{"sid":"[\w-]{20}","upgrades":\[\],"pingInterval":5000,"pingTimeout":4000,"maxPayload":8000\}\x88\x02\x03\xe8\z/s



=== TEST 44: Engine.IO, an unknown transport
--- request
GET /socket.io/?EIO=4&transport=pigeon
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"code":0,"message":"Transport unknown"}



=== TEST 45: Engine.IO, an unknown session
--- raw_request eval
::refused('GET /socket.io/?EIO=4&transport=websocket&sid=none')
--- error_code: 400
--- response_body chomp
{"code":1,"message":"Session ID unknown"}



=== TEST 46: Engine.IO, a bad method
--- raw_request eval: ::refused('PUT /socket.io/?EIO=4&transport=websocket')
--- error_code: 400
--- response_body chomp
{"code":2,"message":"Bad handshake method"}



=== TEST 47: Engine.IO, no upgrade
--- request
GET /socket.io/?EIO=4&transport=websocket
--- error_code: 400
--- response_body chomp
{"code":3,"message":"Bad request"}



=== TEST 48: Engine.IO, another origin
--- raw_request eval
::refused('GET /socket.io/?EIO=4&transport=websocket',
          'Origin: http://www.example.com')
--- error_code: 403
--- response_body chomp
{"code":4,"message":"Forbidden"}
--- error_log
origin "http://www.example.com" is not allowed



=== TEST 49: Engine.IO, an old version
--- raw_request eval
::refused('GET /socket.io/?EIO=3&transport=websocket')
--- error_code: 400
--- response_body chomp
{"code":5,"message":"Unsupported protocol version"}



=== TEST 50: Engine.IO, a preflight request
--- http_config
    websocket_allowed_origins https://app.example.com;
--- request
OPTIONS /socket.io/?EIO=4&transport=polling
--- more_headers
Origin: https://app.example.com
Access-Control-Request-Method: POST
Access-Control-Request-Headers: authorization
--- error_code: 204
--- response_headers
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Credentials: true
Access-Control-Allow-Methods: GET, HEAD, POST
Access-Control-Allow-Headers: authorization
Vary: Origin



=== TEST 51: inside of "if"
--- config
    location = /echo {
        if ($arg_a) { set $b 1; }
        websocket on;
        websocket_echo on;
        websocket_compression on;
    }
--- raw_request eval
::accepted('GET /echo?a=1', 'Sec-WebSocket-Extensions: permessage-deflate')
--- error_code: 101
--- response_headers_like
Sec-WebSocket-Extensions: permessage-deflate.*
