
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_name.h>
#include <ngx_ws_packet.h>
#include <ngx_ws_utf8.h>


static ngx_int_t ngx_ws_name_reserved(ngx_ws_name_t *name, size_t prefix,
    uint64_t id, ngx_uint_t me);
static ngx_uint_t ngx_ws_name_is(ngx_str_t *name, const char *text);


/* a name with one of these in front, in whatever case, is never plain */

typedef struct {
    ngx_str_t            prefix;
    ngx_ws_name_kind_e   kind;
    ngx_uint_t           me;       /* whether "me" may stand for the id */
} ngx_ws_name_prefix_t;


static ngx_ws_name_prefix_t  ngx_ws_name_prefixes[] = {

    { ngx_string("user:"), NGX_WS_NAME_PERSONAL, 1 },

    { ngx_string("private-user."), NGX_WS_NAME_PERSONAL, 1 },

    { ngx_string("club:"), NGX_WS_NAME_TENANT, 0 },

    { ngx_null_string, NGX_WS_NAME_PLAIN, 0 }
};


ngx_int_t
ngx_ws_name_resolve(ngx_str_t *name, uint64_t user, uint64_t tenant,
    ngx_ws_name_t *out)
{
    ngx_ws_name_prefix_t  *p;

    if (!ngx_ws_name_visible(name, NGX_WS_NAME_LEN)) {
        return NGX_ERROR;
    }

    out->name = *name;

    for (p = ngx_ws_name_prefixes; p->prefix.len; p++) {

        if (name->len < p->prefix.len
            || ngx_strncasecmp(name->data, p->prefix.data, p->prefix.len) != 0)
        {
            continue;
        }

        out->kind = p->kind;
        out->id = (p->kind == NGX_WS_NAME_PERSONAL) ? user : tenant;

        if (ngx_memcmp(name->data, p->prefix.data, p->prefix.len) != 0) {
            return NGX_DECLINED;
        }

        return ngx_ws_name_reserved(out, p->prefix.len, out->id, p->me);
    }

    if (ngx_ws_name_is(name, "broadcast")) {
        out->kind = NGX_WS_NAME_TENANT;
        out->id = tenant;

    } else if (ngx_ws_name_is(name, "presence")) {
        out->kind = NGX_WS_NAME_PRESENCE;
        out->id = tenant;

    } else {
        out->kind = NGX_WS_NAME_PLAIN;
        out->id = 0;
    }

    return NGX_OK;
}


size_t
ngx_ws_name_record(u_char *p, ngx_ws_name_t *name)
{
    size_t   len;
    u_char  *last, buf[NGX_INT64_LEN];

    switch (name->kind) {

    case NGX_WS_NAME_PERSONAL:
        last = ngx_sprintf(buf, "%uL", name->id);
        len = ngx_ws_packet_put_text(p, 0, "private-user.");
        return ngx_ws_packet_put(p, len, buf, (size_t) (last - buf));

    case NGX_WS_NAME_TENANT:
        return ngx_ws_packet_put_text(p, 0, "broadcast");

    case NGX_WS_NAME_PRESENCE:
        return ngx_ws_packet_put_text(p, 0, "presence");

    default: /* NGX_WS_NAME_PLAIN */
        return ngx_ws_packet_put_str(p, 0, &name->name);
    }
}


ngx_uint_t
ngx_ws_name_visible(ngx_str_t *s, size_t max)
{
    size_t          i;
    u_char          ch;
    ngx_ws_utf8_t   utf8;

    if (s->len == 0 || s->len > max) {
        return 0;
    }

    ngx_ws_utf8_init(&utf8);

    if (ngx_ws_utf8_check(&utf8, s->data, s->len) != NGX_OK
        || !ngx_ws_utf8_complete(&utf8))
    {
        return 0;
    }

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ch < 0x20 || ch == 0x7f) {
            return 0;
        }

        /* U+0080..9F; valid UTF-8 has a byte behind this one */

        if (ch == 0xc2 && s->data[i + 1] < 0xa0) {
            return 0;
        }
    }

    return 1;
}


/* what follows the prefix must be the id in its one canonical form */

static ngx_int_t
ngx_ws_name_reserved(ngx_ws_name_t *name, size_t prefix, uint64_t id,
    ngx_uint_t me)
{
    u_char     *last, buf[NGX_INT64_LEN];
    ngx_str_t   rest;

    rest.data = name->name.data + prefix;
    rest.len = name->name.len - prefix;

    if (me && ngx_ws_name_is(&rest, "me")) {
        return NGX_OK;
    }

    last = ngx_sprintf(buf, "%uL", id);

    if (rest.len == (size_t) (last - buf)
        && ngx_memcmp(rest.data, buf, rest.len) == 0)
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_ws_name_is(ngx_str_t *name, const char *text)
{
    size_t  len;

    len = ngx_strlen(text);

    return name->len == len && ngx_memcmp(name->data, text, len) == 0;
}
