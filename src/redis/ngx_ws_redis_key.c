
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_decimal.h>
#include <ngx_ws_redis_key.h>


/*
 * key      = prefix [ scope ":" ] word [ ":" user ] [ ":" name ]
 * scope    = "{" tenant "}" / "_"
 */

#define NGX_WS_REDIS_KEY_ALONE     0
#define NGX_WS_REDIS_KEY_GLOBAL    1
#define NGX_WS_REDIS_KEY_TENANTS   2

#define NGX_WS_REDIS_KEY_HAS_USER  0x01
#define NGX_WS_REDIS_KEY_HAS_NAME  0x02


typedef struct {
    ngx_str_t       word;
    ngx_uint_t      scope;
    ngx_uint_t      flags;
} ngx_ws_redis_key_format_t;


static ngx_ws_redis_key_format_t  ngx_ws_redis_key_formats[] = {

    [NGX_WS_REDIS_KEY_USER] =
        { ngx_string("user"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_TENANT] =
        { ngx_string("tenant"), NGX_WS_REDIS_KEY_TENANTS, 0 },

    [NGX_WS_REDIS_KEY_PRESENCE] =
        { ngx_string("presence"), NGX_WS_REDIS_KEY_TENANTS, 0 },

    [NGX_WS_REDIS_KEY_CHANNEL] =
        { ngx_string("ch"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_WORKER] =
        { ngx_string("w"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_HEARTBEAT] =
        { ngx_string("heartbeat"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_REVOKE] =
        { ngx_string("revoke"), NGX_WS_REDIS_KEY_ALONE, 0 },

    [NGX_WS_REDIS_KEY_DEDUP] =
        { ngx_string("dedup"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER|NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_STATUS] =
        { ngx_string("status"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_ONLINE] =
        { ngx_string("online"), NGX_WS_REDIS_KEY_TENANTS, 0 },

    [NGX_WS_REDIS_KEY_EDGES] =
        { ngx_string("edges"), NGX_WS_REDIS_KEY_TENANTS, 0 },

    [NGX_WS_REDIS_KEY_TYPING] =
        { ngx_string("typing"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_CONVERSATION] =
        { ngx_string("conv"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_PENDING] =
        { ngx_string("pending"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_TAKEN] =
        { ngx_string("taken"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_LOST] =
        { ngx_string("lost"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_INBOX] =
        { ngx_string("received"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_SOCKETS] =
        { ngx_string("sockets"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_THROTTLE] =
        { ngx_string("throttle"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_EVENTS] =
        { ngx_string("events"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_SENT] =
        { ngx_string("sent"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_POISON] =
        { ngx_string("events:poison"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_FLIGHT] =
        { ngx_string("flight"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_FLIGHT_TEXT] =
        { ngx_string("flight:text"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_FLIGHT_TAKEN] =
        { ngx_string("flight:taken"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_LOCK] =
        { ngx_string("lock"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_ID] =
        { ngx_string("id"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_LEASES] =
        { ngx_string("leases"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_WATCH] =
        { ngx_string("watch"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_DEAD] =
        { ngx_string("dead"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_OWNED] =
        { ngx_string("owned"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_JOINED] =
        { ngx_string("joined"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_CONNECTION] =
        { ngx_string("conn"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_SESSION] =
        { ngx_string("sid"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_LETTER] =
        { ngx_string("letter"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_ALL_TYPING] =
        { ngx_string("typing"), NGX_WS_REDIS_KEY_GLOBAL, 0 },

    [NGX_WS_REDIS_KEY_ALL_PRESENCE] =
        { ngx_string("presence"), NGX_WS_REDIS_KEY_GLOBAL, 0 }
};


ngx_str_t *
ngx_ws_redis_key(ngx_ws_redis_key_t *key, ngx_str_t *prefix,
    ngx_ws_redis_key_e kind, uint64_t tenant, uint64_t user, ngx_str_t *name)
{
    u_char                     *p;
    ngx_ws_redis_key_format_t  *f;

    f = &ngx_ws_redis_key_formats[kind];

    p = ngx_cpymem(key->data, prefix->data,
                   ngx_min(prefix->len, NGX_WS_REDIS_KEY_PREFIX));

    switch (f->scope) {

    case NGX_WS_REDIS_KEY_TENANTS:
        *p++ = '{';
        p = ngx_ws_decimal(p, tenant);
        *p++ = '}';
        *p++ = ':';
        break;

    case NGX_WS_REDIS_KEY_GLOBAL:
        *p++ = '_';
        *p++ = ':';
        break;

    default: /* NGX_WS_REDIS_KEY_ALONE */
        break;
    }

    p = ngx_cpymem(p, f->word.data, f->word.len);

    if (f->flags & NGX_WS_REDIS_KEY_HAS_USER) {
        *p++ = ':';
        p = ngx_ws_decimal(p, user);
    }

    if (f->flags & NGX_WS_REDIS_KEY_HAS_NAME) {
        *p++ = ':';

        if (name->len) {
            p = ngx_cpymem(p, name->data,
                           ngx_min(name->len, NGX_WS_REDIS_KEY_NAME));
        }
    }

    key->str.len = p - key->data;
    key->str.data = key->data;

    return &key->str;
}
