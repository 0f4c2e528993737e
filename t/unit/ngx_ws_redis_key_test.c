
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_key.h>

#include "test.h"


#define MAX  18446744073709551615ULL


static void key_is(ngx_ws_redis_key_e kind, const char *expected);
static void longest(void);


static ngx_str_t  prefix = ngx_string("ws:");
static ngx_str_t  word = ngx_string("a:b");


int
main(void)
{
    key_is(NGX_WS_REDIS_KEY_USER, "ws:{7}:user:12");
    key_is(NGX_WS_REDIS_KEY_TENANT, "ws:{7}:tenant");
    key_is(NGX_WS_REDIS_KEY_PRESENCE, "ws:{7}:presence");
    key_is(NGX_WS_REDIS_KEY_CHANNEL, "ws:{7}:ch:a:b");
    key_is(NGX_WS_REDIS_KEY_WORKER, "ws:_:w:a:b");
    key_is(NGX_WS_REDIS_KEY_HEARTBEAT, "ws:_:heartbeat");
    key_is(NGX_WS_REDIS_KEY_REVOKE, "ws:revoke");
    key_is(NGX_WS_REDIS_KEY_DEDUP, "ws:{7}:dedup:12:a:b");
    key_is(NGX_WS_REDIS_KEY_PENDING, "ws:{7}:pending:12");
    key_is(NGX_WS_REDIS_KEY_EVENTS, "ws:_:events");
    key_is(NGX_WS_REDIS_KEY_LOCK, "ws:_:lock:a:b");
    key_is(NGX_WS_REDIS_KEY_ID, "ws:_:id");
    key_is(NGX_WS_REDIS_KEY_LEASES, "ws:_:leases");
    key_is(NGX_WS_REDIS_KEY_WATCH, "ws:_:watch");
    key_is(NGX_WS_REDIS_KEY_DEAD, "ws:_:dead");
    key_is(NGX_WS_REDIS_KEY_OWNED, "ws:_:owned:a:b");
    key_is(NGX_WS_REDIS_KEY_JOINED, "ws:_:joined:a:b");
    key_is(NGX_WS_REDIS_KEY_CONNECTION, "ws:_:conn:a:b");
    key_is(NGX_WS_REDIS_KEY_SESSION, "ws:_:sid:a:b");

    longest();

    return done();
}


static void
key_is(ngx_ws_redis_key_e kind, const char *expected)
{
    ngx_ws_redis_key_t  key;

    is_str(ngx_ws_redis_key(&key, &prefix, kind, 7, 12, &word), expected,
           expected);
}


static void
longest(void)
{
    u_char               text[1000];
    ngx_str_t            wide, name;
    ngx_uint_t           kind;
    ngx_ws_redis_key_t  *key;

    ngx_memset(text, 'n', sizeof(text));

    wide.len = NGX_WS_REDIS_KEY_PREFIX;
    wide.data = text;

    name.len = sizeof(text);
    name.data = text;

    key = (ngx_ws_redis_key_t *) guard(text, sizeof(ngx_ws_redis_key_t));

    for (kind = 0; kind < NGX_WS_REDIS_KEYS; kind++) {
        (void) ngx_ws_redis_key(key, &wide, kind, MAX, MAX, &name);

        ok(key->str.len <= NGX_WS_REDIS_KEY_LEN, "fits, whatever its parts");
    }

    (void) ngx_ws_redis_key(key, &wide, NGX_WS_REDIS_KEY_CHANNEL, MAX, 0,
                            &name);

    is_int(key->str.len,
           NGX_WS_REDIS_KEY_PREFIX + sizeof("{18446744073709551615}:ch:") - 1
           + NGX_WS_REDIS_KEY_NAME,
           "a name has 255 bytes at most");

    unguard((u_char *) key, sizeof(ngx_ws_redis_key_t));
}
