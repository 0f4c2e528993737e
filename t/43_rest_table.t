# Copyright (C) ngx_http_websocket_module authors

# REST as a table: what is sent, the status, the body. Every row is asked on a
# connection that is kept; those that are refused also one behind the other,
# in chunks, and over HTTP/2: the answers must be the same.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port);
use Test::Nginx::Server;
use Time::HiRes qw(sleep);

my $h2_port = free_port();

# the token is the user's number
my $auth = q{SELECT :token AS user_id, :token DIV 100 AS tenant_id,
             CONCAT('User ', :token) AS name FROM DUAL
             WHERE :token REGEXP '^[0-9]+$'};
my $users = q{SELECT CONCAT('User ', :user_id) AS name FROM DUAL
              WHERE :user_id DIV 100 = :tenant_id};

my $locations = <<"END";
    location /api/ {
        websocket_api on;
        websocket_throttle off;
        websocket_max_message_size 20000;
        websocket_auth_query "$auth";
        websocket_user_query "$users";
        websocket_allowed_origins https://app.example.com;
    }
END

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    # nginx' own, where sanitizers look at HTTP/2
    allow       => qr{^src/(?:core|http)/\S+ runtime error: },
    http_config => <<"END",
    websocket_redis \$TEST_NGINX_REDIS prefix=table$$:;
    websocket_mysql \$TEST_NGINX_MYSQL;
    keepalive_requests 10000;

    server {
        listen 127.0.0.1:$h2_port http2;
        $locations
    }
END
    config      => $locations);

my $http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);
my $h2 = qx(curl --version 2>&1) =~ /HTTP2/;
my (@section, @refused);

my %message = (
    400 => 'Malformed JSON.', 401 => 'Unauthenticated.', 404 => 'Not Found',
    405 => 'Method Not Allowed', 413 => 'Content Too Large',
    415 => 'Unsupported Media Type');

my $UNAUTHORIZED = '{"message":"Unauthorized"}';
my $TIME = qr/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/;
my $X255 = 'x' x 255;
my $E = "\xc3\xa4";                  # one character, one UTF-16 unit
my $SMILE = "\xf0\x9f\x98\x80";      # one character, two UTF-16 units

# [method, path, body that is good, status of it]
my @routes = (
    [POST => 'connect',           '{"connection_id":"r"}',               201],
    [POST => 'subscribe',         '{"connection_id":"r","channel":"c"}', 200],
    [POST => 'unsubscribe',       '{"connection_id":"r","channel":"c"}', 200],
    [POST => 'presence/update',   '{"status":"online"}',                 200],
    [POST => 'typing',      '{"conversation_id":"c","is_typing":false}', 200],
    [POST => 'disconnect',        '{"connection_id":"r"}',               200],
    [GET  => 'online-users',      undef,                                 200],
    [GET  => 'presence/101',      undef,                                 200],
    [GET  => 'presence/me',       undef,                                 200],
    [GET  => 'typing/c',          undef,                                 200],
    [GET  => 'stats',             undef,                                 200],
);


# The checks that all routes begin with, and their order: each row takes away
# what the one before it was refused for.

for (@routes) {
    my ($method, $path, $body, $status) = @$_;
    my $other = $method eq 'GET' ? 'POST' : 'GET';
    my $allow = { Allow => allow($method, $path) };
    my $evil = [Origin => 'https://evil.example.com'];
    my $large = 'x' x 20_001;
    my $text = ['Content-Type' => 'text/plain'];

    section("$method $path", 101);
    row($method, $path, $body, $status);
    row($method, "$path/", $body, $status);
    row($method, "$path?a=b&token=x", $body, $status);

    section("$method $path, the order of checks", undef);
    row('PUT',   "$path/x/y", $large, 404, undef, [@$evil, @$text]);
    row($other,  "$path/x/y", $large, 404, undef, [@$evil, @$text]);
    row('PUT',   $path, $large, 405, undef, [@$evil, @$text], $allow);
    row($_,      $path, undef,  405, undef, $evil, $allow)
        for $path eq 'presence/update' ? () : $other,
            qw(PATCH DELETE PROPFIND BREW);
    row($method, $path, $large, 403, '{"message":"Origin Not Allowed"}',
        [@$evil, @$text], { Vary => 'Origin' });
    row($method, $path, $large, 401, undef, $text,
        { 'WWW-Authenticate' => 'Bearer' });
    row($method, $path, $large, 401, undef, [@$text, Authorization => $_])
        for 'Bearer', 'Bearer x y', 'Bearer nobody', 'Basic MTAx', '101';

    next if $method eq 'GET';

    section("$method $path, its body", 102);
    row($method, $path, $large, 413, undef, $text);
    row($method, $path, '{',    415, undef, $text);
    row($method, $path, '{',    415, undef, ['Content-Type' => undef]);
    row($method, $path, '{',    400);
    row($method, $path, '{}',   422, qr/^\{"message":"The .* field is required/)
        if $path ne 'connect';
}

section('GET, whatever its body is', 103);
row(GET => 'stats', $_, 200) for '{', "\xff", 'x' x 30_000;
row(GET => 'stats', 'a=b', 200, undef, ['Content-Type' => 'text/plain']);


section('paths', 104);
row(POST => 'connect/x',          '{}', 404);
row(POST => 'Connect',            '{}', 404);
row(POST => 'connec',             '{}', 404);
row(POST => 'connects',           '{}', 404);
row(POST => '',                   '{}', 404);
row(POST => 'connect//',          '{}', 201);     # merge_slashes
row(POST => 'x/../connect',       '{}', 201);
row(POST => '%63onnect',          '{}', 201);
row(POST => 'presence%2Fupdate',  '{}', 404);     # one segment
row(POST => 'presence/update/x',  '{}', 404);
row(GET  => 'presence',         undef, 404);
row(GET  => 'presence/',        undef, 404);
row(GET  => 'typing/',          undef, 405, undef, [], { Allow => 'POST' });
row(GET  => 'presence/update',  undef, 404);      # nobody's number
row(GET  => 'online-users/1',   undef, 404);
row(GET  => 'stats/x',          undef, 404);


section('presence/{userId}', 105);
row(GET => "presence/$_->[0]", undef, $_->[1],
    $_->[1] == 200 ? qr/^\{"data":\{"user_id":$_->[2],"status":"offline",/
                   : undef)
    for ['105', 200, 105],           ['150', 200, 150],
        ['%31%30%35', 200, 105],     ['0105', 200, 105],
        ['me', 200, 105],            ['ME', 404],
        ['%6D%65', 200, 105],        ['205', 404],
        ['0', 404],                  ['-1', 404],
        ['1.0', 404],                ['1e2', 404],
        ['105x', 404],               ['%20105', 404],
        ['x105', 404],               ['105%2F', 404],
        ['9007199254740993', 404],   ['18446744073709551617', 404],
        ['99999999999999999999999999', 404];


section('typing/{conversationId}', 106);
row(GET => "typing/$_->[0]", undef, $_->[1],
    $_->[1] == 200 ? '{"data":[],"count":0}' : undef)
    for ['conv_1', 200],      ['a%2Fb', 200],     ['a%20b', 200],
        ['%C3%A4', 200],      ['a+b', 200],       ['%25', 200],
        [$X255, 200],         ["x$X255", 404],    ['%C3%A4' x 128, 404],
        ['%FF', 404],         ['a%01b', 404],     ['a%0Ab', 404],
        ['a%7Fb', 404],       ['%C2%85', 404],    ['%ED%A0%80', 404],
        ['a/b', 404];


section('JSON', 107);
row(POST => 'connect', $_, 400)
    for '{', '}', '[', '{"a"}', '{"a":}', '{"a":1,}', '[1,]', '{"a":1}}',
        '{}{}', '{} x', "{'a':1}", '{a:1}', '{"a":01}', '{"a":+1}',
        '{"a":.5}', '{"a":1.}', '{"a":NaN}', '{"a":Infinity}', '{"a":True}',
        '{"a":"\x41"}', '{"a":"\u12"}', "{\"a\":\"\n\"}", "{\"a\":\"\x01\"}",
        "{\"a\":\"\0\"}", "{}\0", "\0", '/**/{}', 'connection_id=a', '<a/>',
        "\xef\xbb\xbf{}", "{\0}\0", ' ', "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xc3\"}", "{\"\xff\":1}",
        "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
        '{"a":' . '9' x 20 . '}';
row(POST => 'connect', $_, 413)                   # the limits of a document
    for '{"a":' . '[' x 64 . ']' x 64 . '}', '[' x 20_000,
        '[' . '0,' x 9_000 . '0]';
row(POST => 'connect', $_, 201)
    for '', '{}', " \t\r\n{} ", '{"a":' . '[' x 63 . ']' x 63 . '}', '[]',
        'null', '1', '"x"', 'true', '{"a":1e400,"b":-0.5E-3}', '{"":1}',
        '{"a":"\ud83d\ude00\/\u0000"}', "{\"a\":\"$SMILE\"}";
row(POST => 'connect', '{"connection_id":"a","connection_id":"b"}', 201,
    qr/"connection_id":"b"/);
row(POST => 'connect', '{"connection_id":"\u0061\u0062"}', 201,
    qr/"connection_id":"ab"/);
row(POST => 'connect', '{"Connection_id":5,"connectionId":5}', 201);

for (['application/json', 201],
     ['Application/JSON', 201],
     ['application/json; charset=utf-8', 201],
     ['application/json ;charset=utf-8', 201],
     ['application/json;', 201],
     ['application/jsonx', 415],
     ['application/json, text/plain', 415],
     ['application/problem+json', 415],
     ['text/json', 415],
     ['application/x-www-form-urlencoded', 415],
     ['multipart/form-data; boundary=a', 415],
     ['', 415])
{
    my ($type, $status) = @$_;
    row(POST => 'connect', '{}', $status, undef, ['Content-Type' => $type]);
}

section('Accept does not matter', 108);
row(GET => 'stats', undef, 200, undef, [Accept => 'text/html'],
    { 'Content-Type' => 'application/json' });
row(GET => 'none', undef, 404, undef, [Accept => 'text/html'],
    { 'Content-Type' => 'application/json' });


section('connect', 109);
row(POST => 'connect', '{"connection_id":"c","session_id":"s","browser":"b",'
                       . '"device_type":"tablet"}', 201,
    qr/^\{"data":\{"connection_id":"c","status":"connected","user_id":109,
       "connected_at":$TIME\}\}$/x);
row(POST => 'connect', "{\"connection_id\":\"$_\"}", 201,
    qr/"connection_id":"\Q$_\E"/)
    for $X255, $E x 127, $SMILE, 'a b', '5', 'a/b';
row(POST => 'connect', "{\"connection_id\":\"$_\"}", 201,
    qr/"connection_id":"[^"]{16,}"/) for '', ' ', '\t';
row(POST => 'connect', "{\"connection_id\":$_}", 422,
    invalid('connection_id', 'The connection id field must be a string.'))
    for 0, 5, 1.5, 'true', 'false', '[]', '["a"]', '{}', '{"a":"b"}';
row(POST => 'connect', "{\"connection_id\":\"$_\"}", 422,
    invalid('connection_id', 'The connection id field format is invalid.'))
    for 'a\u0000b', '\u0000', 'a\nb', "\x7f", '\u0085';
row(POST => 'connect', "{\"connection_id\":\"$_\"}", 422,
    invalid('connection_id', 'The connection id field must not be greater '
                             . 'than 255 characters.'))
    for "x$X255", $SMILE x 256;
row(POST => 'connect', "{\"connection_id\":\"$_\"}", 422,
    invalid('connection_id', 'The connection id field must not be greater '
                             . 'than 255 bytes.')) for $E x 128;

for (['session_id', 255], ['browser', 50]) {
    my ($field, $max) = @$_;
    my $name = $field =~ tr/_/ /r;

    row(POST => 'connect', "{\"$field\":\"$_\"}", 201)
        for '', 'x', 'x' x $max, $SMILE x $max, $E x $max;
    row(POST => 'connect', "{\"$field\":\"$_\"}", 422,
        invalid($field, "The $name field must not be greater than $max"
                        . ' characters.'))
        for 'x' x ($max + 1), $SMILE x ($max + 1);
    row(POST => 'connect', "{\"$field\":$_}", 422,
        invalid($field, "The $name field must be a string."))
        for 0, 1, 'true', '[]', '{}';
    row(POST => 'connect', "{\"$field\":null}", 201);
}

row(POST => 'connect', "{\"device_type\":$_}", 201)
    for '"mobile"', '"desktop"', '"tablet"', 'null', '""';
row(POST => 'connect', "{\"device_type\":$_}", 422,
    invalid('device_type', 'The selected device type is invalid.'))
    for '"web"', '"Mobile"', '"mobile "', '"mobile\u0000"', 0, 1, 'true',
        '[]', '["mobile"]', '{}';
row(POST => 'connect', '{"session_id":1,"browser":2}', 422,
    '{"message":"The session id field must be a string. (and 1 more error)",'
    . '"errors":{"session_id":["The session id field must be a string."],'
    . '"browser":["The browser field must be a string."]}}');


section("somebody else's connection", 110);
row(POST => 'connect', '{"connection_id":"of_110"}', 201);
section('of the same tenant', 111);
row(POST => 'connect', '{"connection_id":"of_110"}', 422,
    invalid('connection_id', 'The connection id has already been taken.'));
row(POST => $_, '{"connection_id":"of_110","channel":"c"}', 403, $UNAUTHORIZED)
    for qw(disconnect subscribe unsubscribe);
section('of another tenant', 210);
row(POST => 'connect', '{"connection_id":"of_110"}', 422,
    invalid('connection_id', 'The connection id has already been taken.'));
row(POST => $_, '{"connection_id":"of_110","channel":"c"}', 404)
    for qw(disconnect subscribe unsubscribe);


for my $path (qw(disconnect subscribe unsubscribe)) {
    section($path, 112);
    row(POST => $path, "{\"connection_id\":$_,\"channel\":\"c\"}", 422,
        invalid('connection_id', 'The connection id field is required.'))
        for 'null', '""', '"  "';
    row(POST => $path, "{\"connection_id\":$_,\"channel\":\"c\"}", 422,
        invalid('connection_id', 'The connection id field must be a string.'))
        for 0, 5, 'true', '[]', '{}';
    row(POST => $path, "{\"connection_id\":\"$_->[0]\",\"channel\":\"c\"}",
        422, invalid('connection_id', "The connection id field $_->[1]."))
        for ['a\u0000', 'format is invalid'],
            ["x$X255", 'must not be greater than 255 characters'];
    row(POST => $path, '{"connection_id":"none","channel":"c"}', 404);
    row(POST => $path, $_, 422) for '', '[]', 'null', '"connection_id"', '0';
}

section('disconnect', 113);
row(POST => 'connect', '{"connection_id":"of_113"}', 201);
row(POST => 'disconnect', '{"connection_id":"of_113"}', 200,
    '{"message":"Disconnected successfully"}') for 1, 2;
row(POST => $_, '{"connection_id":"of_113","channel":"c"}', 404)
    for qw(subscribe unsubscribe);


section('channels', 114);
row(POST => 'connect', '{"connection_id":"of_114"}', 201);

for (['subscribe', 'Subscribed to'], ['unsubscribe', 'Unsubscribed from']) {
    my ($path, $what) = @$_;

    row(POST => $path, channel($_), 200,
        "{\"message\":\"$what channel\",\"channel\":\"$_\"}")
        for 'group.events.2', 'user:me', 'user:114', 'private-user.me',
            'private-user.114', 'club:1', 'broadcast', 'presence', 'a b',
            $X255, $E x 127, '5', 'user', 'club', 'presence-x';
    row(POST => $path, channel($_), 403, $UNAUTHORIZED)
        for 'user:115', 'user:214', 'private-user.1', 'club:2', 'club:me',
            'user:0114', 'user:', 'User:115', 'club:';
    row(POST => $path, channel($_), 422,
        invalid('channel', 'The channel field is required.')) for '', ' ';
    row(POST => $path, channel($_), 422,
        invalid('channel', 'The channel field format is invalid.'))
        for 'a\u0000', '\u0000', 'a\tb', '\u0085';
    row(POST => $path, channel("x$X255"), 422,
        invalid('channel', 'The channel field must not be greater than 255 '
                           . 'characters.'));
    row(POST => $path, channel($E x 128), 422,
        invalid('channel', 'The channel field must not be greater than 255 '
                           . 'bytes.'));
    row(POST => $path, "{\"connection_id\":\"of_114\",\"channel\":$_}", 422,
        invalid('channel', 'The channel field must be a string.'))
        for 0, 5, 'true', '[]', '["a"]', '{}';
    row(POST => $path, '{"connection_id":5}', 422,
        '{"message":"The connection id field must be a string. (and 1 more '
        . 'error)","errors":{"connection_id":["The connection id field must '
        . 'be a string."],"channel":["The channel field is required."]}}');
}


section('presence/update', 115);
row(POST => 'presence/update', "{\"status\":\"$_\"}", 200,
    qr/^\{"data":\{"status":"$_","device":null,"updated_at":$TIME\}\}$/)
    for qw(online away busy offline);
row(POST => 'presence/update', "{\"status\":\"busy\",\"device\":\"$_\"}", 200,
    qr/"device":"$_"/) for qw(mobile desktop tablet web);
row(POST => 'presence/update', "{\"status\":$_}", 422,
    invalid('status', 'The status field is required.')) for 'null', '""';
row(POST => 'presence/update', "{\"status\":$_}", 422,
    invalid('status', 'The selected status is invalid.'))
    for '"Online"', '"idle"', '"online\u0000"', 0, 1, 'true', '[]', '{}';
row(POST => 'presence/update', "{\"status\":\"away\",\"device\":$_}", 422,
    invalid('device', 'The selected device is invalid.'))
    for '"fridge"', 0, 'true', '[]', '{}';

section('presence/update, what was said', 116);
row(POST => 'presence/update', message($_), 200)
    for 'null', '""', '"x"', '"' . 'x' x 500 . '"', '"' . $SMILE x 500 . '"',
        '"' . $E x 500 . '"', '"a\u0000b\n"';
row(POST => 'presence/update', message($_), 422,
    invalid('last_message', 'The last message field must be a string.'))
    for 0, 'true', '[]', '{}';
row(POST => 'presence/update', message('"' . $_ x 501 . '"'), 422,
    invalid('last_message', 'The last message field must not be greater than '
                            . '500 characters.')) for 'x', $E, $SMILE;
row(POST => 'presence/update', '{"status":"away","connection_id":5}', 422,
    invalid('connection_id', 'The connection id field must be a string.'));
row(POST => 'presence/update', '{"status":"away","connection_id":"a\u0000"}',
    422,
    invalid('connection_id', 'The connection id field format is invalid.'));


section('typing', 117);
row(POST => 'typing', typing('"c"', $_), 200,
    qr/^\{"data":\{"conversation_id":"c","is_typing":true,
       "expires_at":$TIME\}\}$/x) for 'true', 1, '"1"';
row(POST => 'typing', typing('"c"', $_), 200,
    '{"data":{"conversation_id":"c","is_typing":false,"expires_at":null}}')
    for 'false', 0, '"0"';
row(POST => 'typing', typing('"c"', $_), 422,
    invalid('is_typing', 'The is typing field must be true or false.'))
    for 2, -1, 1.5, '"true"', '"yes"', '[]', '{}';
row(POST => 'typing', typing('"c"', $_), 422,
    invalid('is_typing', 'The is typing field is required.'))
    for 'null', '""';
row(POST => 'typing', typing($_, 0), 422,
    invalid('conversation_id', 'The conversation id field is required.'))
    for 'null', '""', '" "';
row(POST => 'typing', typing($_, 0), 422,
    invalid('conversation_id', 'The conversation id field must be a string.'))
    for 0, 5, 'true', '[]', '{}';
row(POST => 'typing', typing('"a\u0000"', 0), 422,
    invalid('conversation_id',
            'The conversation id field format is invalid.'));
row(POST => 'typing', typing("\"x$X255\"", 0), 422,
    invalid('conversation_id', 'The conversation id field must not be '
                               . 'greater than 255 characters.'));

section('typing, the kind of conversation', 118);
row(POST => 'typing', typing('"c"', 0, $_), 200)
    for '"direct"', '"group"', '"broadcast"', 'null', '""';
row(POST => 'typing', typing('"c"', 0, $_), 422,
    invalid('conversation_type', 'The selected conversation type is invalid.'))
    for '"Direct"', '"channel"', '"direct\u0000"', 0, 'true', '[]', '{}';
row(POST => 'typing', '{}', 422,
    '{"message":"The conversation id field is required. (and 1 more error)",'
    . '"errors":{"conversation_id":["The conversation id field is required."]'
    . ',"is_typing":["The is typing field is required."]}}');


section();

note 'HEAD';

for (grep { $_->[0] eq 'GET' } @routes) {
    my $path = $_->[1];
    my %headers = (Authorization => 'Bearer 119');
    my ($head, $get) = map { $http->request($_ => "/api/$path", undef,
                                            \%headers) } qw(HEAD GET);

    is($head->status, 200, $path);
    is($head->header('Content-Length'), $get->header('Content-Length'),
       'the length of what GET gives');
    is($head->body, '', 'and nothing of it');
}

for (@routes) {
    my ($method, $path) = @$_;
    my $res = $http->request(OPTIONS => "/api/$path");

    is($res->status, 204, "OPTIONS $path");
    is($res->header('Allow'), allow($method, $path), 'what is allowed');
    is($res->body, '', 'no body');
}


note 'HTTP/1.0';

my $stream = Test::Nginx::Stream->new(port => $nginx->port);
$stream->write("GET /api/stats HTTP/1.0\r\nAuthorization: Bearer 119\r\n\r\n");
like($stream->read_all, qr/\AHTTP\/1\.1 200 .*\}\z/s, 'without a Host');


note 'one behind the other';

$stream = Test::Nginx::Stream->new(port => $nginx->port, timeout => 20);
$stream->write(join '', map { request_of($_) } @refused);

my $pipe = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);
$pipe->{stream} = $stream;
check($_, scalar $pipe->receive, 'pipelined') for @refused;


note 'in chunks';

for my $row (grep { length($_->{body} // '') } @refused) {
    $http->stream->write(request_of($row, 7000));
    check($row, scalar $http->receive, 'in chunks');
}


note 'over HTTP/2';

SKIP: {
    skip 'curl with HTTP/2 is not there', 1 if !$h2;

    check($_, scalar over_http2($_), 'over HTTP/2') for @refused;
}

$nginx->check;

done_testing();


# Rows belong to a section, which names it and the user who asks.

sub section {
    @section = @_;
    note $section[0] if @section;
}


# A status and perhaps a body, a text or a pattern; what is sent beyond the
# usual, as names and values; what must be in the answer's head.

sub row {
    my ($method, $path, $body, $status, $expected, $headers, $head) = @_;

    $expected //= "{\"message\":\"$message{$status}\"}" if $message{$status};

    my %row = (method => $method, path => "/api/$path", body => $body,
               status => $status, expected => $expected,
               head => $head // {}, section => $section[0]);

    $row{headers} = [
        Host => 'localhost',
        defined $section[1] ? (Authorization => "Bearer $section[1]") : (),
        defined $body && length $body
            ? ('Content-Type' => 'application/json') : (),
    ];

    my %replaced = @{$headers // []};
    my @pairs = @{$row{headers}};

    @{$row{headers}} = ();

    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @{$row{headers}}, $name, $value if !exists $replaced{$name};
    }

    push @{$row{headers}}, %replaced;

    push @refused, \%row if $status >= 400;

    $http->stream->write(request_of(\%row));
    check(\%row, scalar $http->receive, '');
}


sub request_of {
    my ($row, $chunk) = @_;

    my @pairs = @{$row->{headers}};
    my $body = $row->{body} // '';
    my $head = "$row->{method} $row->{path} HTTP/1.1\r\n";

    while (my ($name, $value) = splice @pairs, 0, 2) {
        $head .= "$name: $value\r\n" if defined $value;
    }

    return "$head\r\n" if !defined $row->{body};
    return "${head}Content-Length: " . length($body) . "\r\n\r\n$body"
        if !$chunk;

    return "${head}Transfer-Encoding: chunked\r\n\r\n"
           . join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
                      unpack "(a$chunk)*", $body) . "0\r\n\r\n";
}


sub over_http2 {
    my ($row) = @_;

    my $url = "http://127.0.0.1:$h2_port$row->{path}";
    my @pairs = @{$row->{headers}};
    my @command = qw(curl -s -i --path-as-is --http2-prior-knowledge -m 20 -X);

    push @command, $row->{method}, '-H', 'Content-Type:';

    while (my ($name, $value) = splice @pairs, 0, 2) {
        next if $name eq 'Host' || !defined $value;
        push @command, '-H', $value eq '' ? "$name;" : "$name: $value";
    }

    if (defined $row->{body}) {
        open my $file, '>', $nginx->dir . '/body' or die $!;
        print $file $row->{body};
        close $file;
        push @command, '--data-binary', '@' . $nginx->dir . '/body';
    }

    # curl may lose an answer that comes before it has sent all: then nginx
    # stands still meanwhile

    my $tries = defined $row->{body} ? 50 : 1;

    for (1 .. $tries) {
        my @workers = $_ > 1 ? $nginx->workers : ();

        kill STOP => @workers;
        open my $pipe, '-|', @command, $url or die $!;
        sleep 0.02 * $_ if @workers;
        kill CONT => @workers;

        my $answer = do { local $/; <$pipe> } // '';
        my ($head, $body) = $answer =~ /\A(.*?)\r\n\r\n(.*)\z/s or next;
        my ($status) = $head =~ m{^HTTP/2 (\d+)} or next;
        my %headers;

        push @{$headers{lc $1}}, $2 while $head =~ /^([^:\s]+): (.*?)\r?$/mg;

        return bless { status => $status, headers => \%headers,
                       body => $body }, 'Test::Nginx::HTTP::Response';
    }

    return;
}


sub check {
    my ($row, $res, $how) = @_;

    my $expected = $row->{expected};
    my $name = join ' ', grep { length } $row->{method},
                    substr($row->{path}, 5, 40),
                    substr($row->{body} // '', 0, 60) =~ tr/\x20-\x7e/?/cr,
                    "=> $row->{status}", $how;

    if (!$res) {
        fail("$name, no answer");
        return;
    }

    my $ok = $res->status == $row->{status}
             && (!defined $expected
                 || (ref $expected ? $res->body =~ $expected
                                   : $res->body eq $expected));

    for my $header (sort keys %{$row->{head}}) {
        $ok &&= ($res->header($header) // '') eq $row->{head}{$header};
    }

    ok($ok, $name) or diag(join ' ', 'got', $res->status, $res->body,
                                'and not', $expected // 'anything');
}


# "update" may be somebody's id, too, as far as the path goes

sub allow {
    my ($method, $path) = @_;

    return $path eq 'presence/update' ? 'GET, HEAD, POST'
           : $method eq 'GET' ? 'GET, HEAD' : 'POST';
}


# Laravel's answer for one field

sub invalid {
    my ($field, $text) = @_;

    return "{\"message\":\"$text\",\"errors\":{\"$field\":[\"$text\"]}}";
}


sub channel {
    my ($name) = @_;

    return "{\"connection_id\":\"of_114\",\"channel\":\"$name\"}";
}


sub message {
    my ($value) = @_;

    return "{\"status\":\"away\",\"last_message\":$value}";
}


sub typing {
    my ($conversation, $is_typing, $type) = @_;

    return "{\"conversation_id\":$conversation,\"is_typing\":$is_typing"
           . (defined $type ? ",\"conversation_type\":$type" : '') . '}';
}
