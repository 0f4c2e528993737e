
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
#define NGX_WS_REDIS_KEY_LISTENED  0x04       /* a channel */


typedef struct {
    ngx_str_t       word;
    ngx_uint_t      scope;
    ngx_uint_t      flags;
} ngx_ws_redis_key_format_t;


static ngx_int_t ngx_ws_redis_key_find(ngx_str_t *word, ngx_uint_t scope,
    ngx_ws_redis_key_e *kind);
static ngx_int_t ngx_ws_redis_key_number(u_char **pos, u_char *end,
    u_char stop, uint64_t *n);


static ngx_ws_redis_key_format_t  ngx_ws_redis_key_formats[] = {

    [NGX_WS_REDIS_KEY_USER] =
        { ngx_string("user"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_LISTENED|NGX_WS_REDIS_KEY_HAS_USER },

    [NGX_WS_REDIS_KEY_TENANT] =
        { ngx_string("tenant"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_LISTENED },

    [NGX_WS_REDIS_KEY_PRESENCE] =
        { ngx_string("presence"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_LISTENED },

    [NGX_WS_REDIS_KEY_CHANNEL] =
        { ngx_string("ch"), NGX_WS_REDIS_KEY_TENANTS,
          NGX_WS_REDIS_KEY_LISTENED|NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_WORKER] =
        { ngx_string("w"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_LISTENED|NGX_WS_REDIS_KEY_HAS_NAME },

    [NGX_WS_REDIS_KEY_HEARTBEAT] =
        { ngx_string("heartbeat"), NGX_WS_REDIS_KEY_GLOBAL,
          NGX_WS_REDIS_KEY_LISTENED },

    [NGX_WS_REDIS_KEY_REVOKE] =
        { ngx_string("revoke"), NGX_WS_REDIS_KEY_ALONE,
          NGX_WS_REDIS_KEY_LISTENED },

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


ngx_int_t
ngx_ws_redis_key_parse(ngx_str_t *channel, ngx_str_t *prefix,
    ngx_ws_redis_key_parts_t *parts)
{
    u_char      *p, *last;
    ngx_str_t    word;
    ngx_uint_t   flags, scope;

    ngx_memzero(parts, sizeof(ngx_ws_redis_key_parts_t));

    if (channel->len <= prefix->len
        || ngx_memcmp(channel->data, prefix->data, prefix->len) != 0)
    {
        return NGX_DECLINED;
    }

    p = channel->data + prefix->len;
    last = channel->data + channel->len;

    scope = NGX_WS_REDIS_KEY_ALONE;

    if (*p == '{') {
        p++;

        if (ngx_ws_redis_key_number(&p, last, '}', &parts->tenant) != NGX_OK
            || p == last || *p++ != ':')
        {
            return NGX_DECLINED;
        }

        scope = NGX_WS_REDIS_KEY_TENANTS;

    } else if (last - p > 2 && p[0] == '_' && p[1] == ':') {
        p += 2;
        scope = NGX_WS_REDIS_KEY_GLOBAL;
    }

    word.data = p;

    while (p < last && *p != ':') {
        p++;
    }

    word.len = p - word.data;

    if (ngx_ws_redis_key_find(&word, scope, &parts->kind) != NGX_OK) {
        return NGX_DECLINED;
    }

    flags = ngx_ws_redis_key_formats[parts->kind].flags;

    if (flags & NGX_WS_REDIS_KEY_HAS_USER) {

        if (p == last) {
            return NGX_DECLINED;
        }

        p++;

        if (ngx_ws_redis_key_number(&p, last, '\0', &parts->user) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (flags & NGX_WS_REDIS_KEY_HAS_NAME) {

        if (last - p < 2 || last - p > 1 + NGX_WS_REDIS_KEY_NAME) {
            return NGX_DECLINED;
        }

        parts->name.data = p + 1;
        parts->name.len = last - parts->name.data;
        p = last;
    }

    return (p == last) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_ws_redis_key_find(ngx_str_t *word, ngx_uint_t scope,
    ngx_ws_redis_key_e *kind)
{
    ngx_uint_t                  i;
    ngx_ws_redis_key_format_t  *f;

    f = ngx_ws_redis_key_formats;

    for (i = 0; i < NGX_WS_REDIS_KEYS; i++) {

        if ((f[i].flags & NGX_WS_REDIS_KEY_LISTENED)
            && f[i].scope == scope
            && f[i].word.len == word->len
            && ngx_memcmp(f[i].word.data, word->data, word->len) == 0)
        {
            *kind = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* a decimal as it is written, up to "stop", which is skipped, or the end */

static ngx_int_t
ngx_ws_redis_key_number(u_char **pos, u_char *end, u_char stop, uint64_t *n)
{
    u_char    *p;
    uint64_t   value, digit;

    value = 0;

    for (p = *pos; p < end && *p >= '0' && *p <= '9'; p++) {
        digit = *p - '0';

        if (value > (0xffffffffffffffffULL - digit) / 10) {
            return NGX_DECLINED;
        }

        value = value * 10 + digit;
    }

    if (p == *pos || (**pos == '0' && p - *pos > 1)) {
        return NGX_DECLINED;
    }

    if (stop) {

        if (p == end || *p != stop) {
            return NGX_DECLINED;
        }

        p++;
    }

    *pos = p;
    *n = value;

    return NGX_OK;
}
