
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_key.h>

#include "test.h"


#define MAX  18446744073709551615ULL


static void key_is(ngx_ws_redis_key_e kind, const char *expected);
static void parses(const char *channel, ngx_ws_redis_key_e kind,
    uint64_t tenant, uint64_t user, const char *name);
static void unknown(const char *channel, size_t len, const char *name);
static void longest(void);


static ngx_str_t  prefix = ngx_string("ws:");
static ngx_str_t  word = ngx_string("a:b");


int
main(void)
{
    const char         **p;
    static const char   *others[] = {
        "", "w", "ws", "ws:", "ws:{", "ws:{}", "ws:{7", "ws:{7}", "ws:{7}:",
        "ws:{7}user:12", "ws:{7}:user", "ws:{7}:user:", "ws:{7}:user:x",
        "ws:{7}:user:012", "ws:{7}:user:12:", "ws:{7}:user:12 ",
        "ws:{7}:user:-1", "ws:{7}:user:18446744073709551616",
        "ws:{7}:user:99999999999999999999", "ws:{07}:user:12",
        "ws:{-7}:user:12", "ws:{x}:user:12", "ws:{7}:users:12",
        "ws:{7}:use:12", "ws:{18446744073709551616}:user:12", "ws:7:user:12",
        "ws:{7}:tenant:", "ws:{7}:tenant:1", "ws:{7}:tenants",
        "ws:{7}:presence:1", "ws:{7}:ch", "ws:{7}:ch:", "ws:_:w", "ws:_:w:",
        "ws:_:heartbeat:", "ws:_", "ws:_:", "ws:__:w:x", "ws:_:revoke",
        "ws:{7}:revoke", "ws:revoke:", "ws:revoked", "ws:user:12",
        "ws:_:user:12", "ws:{7}:w:x", "xs:{7}:user:12", "ws:ws:{7}:user:12",

        /* keys are not channels */
        "ws:{7}:status:12", "ws:{7}:pending:12", "ws:_:events", "ws:_:id",
        "ws:_:conn:x", "ws:_:lock:record",
        NULL
    };

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

    parses("ws:{7}:user:12", NGX_WS_REDIS_KEY_USER, 7, 12, "");
    parses("ws:{0}:user:0", NGX_WS_REDIS_KEY_USER, 0, 0, "");
    parses("ws:{18446744073709551615}:user:18446744073709551615",
           NGX_WS_REDIS_KEY_USER, MAX, MAX, "");
    parses("ws:{7}:tenant", NGX_WS_REDIS_KEY_TENANT, 7, 0, "");
    parses("ws:{7}:presence", NGX_WS_REDIS_KEY_PRESENCE, 7, 0, "");
    parses("ws:{7}:ch:x", NGX_WS_REDIS_KEY_CHANNEL, 7, 0, "x");
    parses("ws:{7}:ch:{8}:user:1", NGX_WS_REDIS_KEY_CHANNEL, 7, 0,
           "{8}:user:1");
    parses("ws:{7}:ch::", NGX_WS_REDIS_KEY_CHANNEL, 7, 0, ":");
    parses("ws:_:w:host-1-abc", NGX_WS_REDIS_KEY_WORKER, 0, 0, "host-1-abc");
    parses("ws:_:heartbeat", NGX_WS_REDIS_KEY_HEARTBEAT, 0, 0, "");
    parses("ws:revoke", NGX_WS_REDIS_KEY_REVOKE, 0, 0, "");

    for (p = others; *p; p++) {
        unknown(*p, ngx_strlen(*p), *p);
    }

    unknown("ws:{7}:user:1\0", 14, "a NUL in a number");

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
parses(const char *channel, ngx_ws_redis_key_e kind, uint64_t tenant,
    uint64_t user, const char *name)
{
    u_char                    *area;
    ngx_str_t                  text;
    ngx_ws_redis_key_t         key;
    ngx_ws_redis_key_parts_t   parts;

    text.len = ngx_strlen(channel);
    area = guard(channel, text.len);
    text.data = area;

    is_int(ngx_ws_redis_key_parse(&text, &prefix, &parts), NGX_OK, channel);
    is_int(parts.kind, kind, "its kind");
    ok(parts.tenant == tenant && parts.user == user, "its numbers");
    is_str(&parts.name, name, "its name");

    is_str(ngx_ws_redis_key(&key, &prefix, parts.kind, parts.tenant,
                            parts.user, &parts.name),
           channel, "there and back");

    unguard(area, text.len);
}


static void
unknown(const char *channel, size_t len, const char *name)
{
    u_char                    *area;
    ngx_str_t                  text;
    ngx_ws_redis_key_parts_t   parts;

    area = guard(channel, len);
    text.len = len;
    text.data = area;

    is_int(ngx_ws_redis_key_parse(&text, &prefix, &parts), NGX_DECLINED,
           name);

    unguard(area, len);
}


static void
longest(void)
{
    ngx_str_t                  wide, name;
    ngx_uint_t                 kind;
    ngx_ws_redis_key_t        *key;
    ngx_ws_redis_key_parts_t   parts;
    u_char                     text[1000];

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

    is_int(ngx_ws_redis_key_parse(&key->str, &wide, &parts), NGX_OK,
           "the longest name");
    is_int(parts.name.len, NGX_WS_REDIS_KEY_NAME, "has 255 bytes");

    unguard((u_char *) key, sizeof(ngx_ws_redis_key_t));

    name.len = sizeof("ws:{7}:ch:") - 1 + NGX_WS_REDIS_KEY_NAME + 1;
    ngx_memcpy(name.data, "ws:{7}:ch:", sizeof("ws:{7}:ch:") - 1);
    unknown((char *) name.data, name.len, "a name of 256 bytes");
}
