# Copyright (C) ngx_http_websocket_module authors

# Origins as a table: REST, polling, Socket.IO's WebSocket and the plain one
# have one list and one answer, and refusals are in the log with the origin.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Server;

my $locations = join "\n", map { <<"END" } qw(same listed any inner);
    location /$_/api/ { websocket_api on; ORIGINS }
    location /$_/socket.io/ { websocket_socketio on; ORIGINS }
    location /$_/ws { websocket on; ORIGINS }
END

my %origins = (
    same   => '',
    listed => 'websocket_allowed_origins https://app.example.com
               http://localhost:3000 https://*.example.org null;',
    any    => 'websocket_allowed_origins *;',
    inner  => 'websocket_allowed_origins https://inner.example.com;');

$locations =~ s{(location /(\w+)/.*?)ORIGINS}{$1$origins{$2}}g;

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL;',
    config      => $locations);

my $http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20,
                                  host_header => 'chat.example.com');

my %upgrade = (Upgrade => 'websocket', Connection => 'Upgrade',
               'Sec-WebSocket-Version' => 13,
               'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==');

# name, path, headers, status where it is good, body where it is refused
my @doors = (
    ['REST', 'api/stats', {Authorization => 'Bearer 1|demo-token-john'}, 200,
     '{"message":"Origin Not Allowed"}'],
    ['polling', 'socket.io/?EIO=4&transport=polling', {}, 200,
     '{"code":4,"message":"Forbidden"}'],
    ['WebSocket', 'socket.io/?EIO=4&transport=websocket', \%upgrade, 101,
     '{"code":4,"message":"Forbidden"}'],
    ['plain WebSocket', 'ws', \%upgrade, 101,
     '{"message":"Origin Not Allowed"}'],
);

# which list, origin, whether it may
my @table = (
    [same   => undef,                             1],
    [same   => 'http://chat.example.com',         1],
    [same   => 'https://chat.example.com',        1],  # TLS may end before us
    [same   => 'HTTP://Chat.Example.COM',         1],
    [same   => 'http://chat.example.com:8080',    0],
    [same   => 'http://example.com',              0],
    [same   => 'http://evil.chat.example.com',    0],
    [same   => 'http://chat.example.com.evil.io', 0],
    [same   => 'null',                            0],
    [same   => '',                                0],
    [same   => '*',                               0],
    [same   => 'chat.example.com',                0],
    [same   => 'http://chat.example.com/',        0],
    [same   => 'http://u@chat.example.com',       0],

    [listed => undef,                             1],
    [listed => 'https://app.example.com',         1],
    [listed => 'https://app.example.com:443',     1],
    [listed => 'https://APP.example.com',         1],
    [listed => 'http://chat.example.com',         1],  # the same one
    [listed => 'http://localhost:3000',           1],
    [listed => 'https://a.example.org',           1],
    [listed => 'https://a.b.example.org',         1],
    [listed => 'null',                            1],
    [listed => 'http://app.example.com',          0],
    [listed => 'https://app.example.com:8443',    0],
    [listed => 'http://localhost',                0],
    [listed => 'http://localhost:30000',          0],
    [listed => 'https://example.org',             0],
    [listed => 'https://evilexample.org',         0],
    [listed => 'https://*.example.org',           0],
    [listed => 'https://app.example.com.evil.io', 0],
    [listed => 'https://app.example.com, https://evil.io', 0],

    [any    => undef,                             1],
    [any    => 'https://whatever.example.net',    1],
    [any    => 'null',                            1],
    [any    => 'nonsense',                        0],
    [any    => '*',                               0],

    [inner  => 'https://inner.example.com',       1],
    [inner  => 'https://app.example.com',         0],
);

my @OPEN = ('Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials');

for (@table) {
    my ($list, $origin, $good) = @$_;

    for (@doors) {
        my ($door, $path, $headers, $status, $body) = @$_;
        my $name = "$list, $door, " . ($origin // 'no origin');
        my $log = $nginx->log_size;
        my $res = $http->get("/$list/$path", { %$headers, Origin => $origin });

        $http->close if $status == 101;

        if (!$good) {
            is($res->status, 403, "$name is refused");
            is($res->body, $body, 'and told so');
            is($res->header($_), undef, "no $_") for @OPEN;
            like($nginx->error_log($log),
                 qr/origin "\Q$origin\E" is not allowed/, 'it is in the log');

        } else {
            is($res->status, $status, "$name is good");

            if ($status == 200) {
                is($res->header($OPEN[0]), $origin, $OPEN[0]);
                is($res->header($OPEN[1]), defined $origin ? 'true' : undef,
                   $OPEN[1]);
            }
        }

        is($res->header('Vary'), 'Origin', 'Vary') if $status == 200;
    }
}


note 'preflight';

for (['REST',    'api/typing',                       'POST'],
     ['REST',    'api/stats',                        'GET, HEAD'],
     ['polling', 'socket.io/?EIO=4&transport=polling', 'GET, HEAD, POST'])
{
    my ($door, $path, $methods) = @$_;
    my %ask = ('Access-Control-Request-Method' => 'POST',
               'Access-Control-Request-Headers' =>
                   'authorization,content-type,x-connection-id');

    my $res = $http->request(OPTIONS => "/listed/$path", undef,
        { %ask, Origin => 'https://app.example.com' });

    is($res->status, 204, "$door, $path");
    is($res->body, '', 'no body');
    is($res->header($OPEN[0]), 'https://app.example.com', $OPEN[0]);
    is($res->header($OPEN[1]), 'true', $OPEN[1]);
    is($res->header('Access-Control-Allow-Methods'), $methods, 'methods');
    is($res->header('Access-Control-Allow-Headers'),
       $ask{'Access-Control-Request-Headers'}, 'headers');
    is($res->header('Access-Control-Max-Age'), 600, 'for some time');
    is($res->header('Vary'), 'Origin', 'Vary');

    $res = $http->request(OPTIONS => "/listed/$path", undef,
        { %ask, Origin => 'https://evil.example.com' });

    is($res->status, 403, 'from elsewhere');
    is($res->header($_), undef, "no $_")
        for @OPEN, 'Access-Control-Allow-Methods',
            'Access-Control-Allow-Headers';

    $res = $http->request(OPTIONS => "/listed/$path", undef,
        { Origin => 'https://app.example.com' });

    is($res->status, 204, 'OPTIONS that is no preflight');
    is($res->header('Access-Control-Allow-Methods'), undef,
       'has no need of methods');
    is($res->header('Allow'), $methods, 'but of those there are');
}


note 'refusals that a listed origin may read';

for (['api/none',  404], ['api/connect', 405]) {
    my ($path, $status) = @$_;
    my $res = $http->get("/listed/$path",
                         { Origin => 'https://app.example.com' });

    is($res->status, $status, "$path");
    is($res->header($OPEN[0]), 'https://app.example.com', $OPEN[0]);
    is($res->header('Vary'), 'Origin', 'Vary');
}

is($http->get('/listed/api/stats', { Origin => 'https://app.example.com' })
       ->header($OPEN[0]), 'https://app.example.com', 'a token is missing');

$nginx->check;

done_testing();
