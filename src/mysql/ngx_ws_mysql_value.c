
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_value.h>


static ngx_int_t ngx_ws_mysql_value_parse(ngx_str_t *s, uint64_t *n);


ngx_int_t
ngx_ws_mysql_get_uint(ngx_ws_mysql_value_t *v, uint64_t *n)
{
    switch (v->type) {

    case NGX_WS_MYSQL_NULL:
        return NGX_DECLINED;

    case NGX_WS_MYSQL_INT:

        if (v->as.i < 0) {
            return NGX_ERROR;
        }

        *n = (uint64_t) v->as.i;
        return NGX_OK;

    case NGX_WS_MYSQL_UINT:
        *n = v->as.u;
        return NGX_OK;

    case NGX_WS_MYSQL_STRING:
        return ngx_ws_mysql_value_parse(&v->as.s, n);
    }

    return NGX_ERROR;
}


ngx_str_t
ngx_ws_mysql_get_str(ngx_ws_mysql_value_t *v, u_char *buf)
{
    ngx_str_t  s;

    s.data = buf;
    s.len = 0;

    switch (v->type) {

    case NGX_WS_MYSQL_NULL:
        break;

    case NGX_WS_MYSQL_INT:
        s.len = ngx_sprintf(buf, "%L", v->as.i) - buf;
        break;

    case NGX_WS_MYSQL_UINT:
        s.len = ngx_sprintf(buf, "%uL", v->as.u) - buf;
        break;

    case NGX_WS_MYSQL_STRING:
        s = v->as.s;
        break;
    }

    return s;
}


/* a fraction has to be nothing but zeros */

static ngx_int_t
ngx_ws_mysql_value_parse(ngx_str_t *s, uint64_t *n)
{
    u_char      c;
    size_t      i;
    uint64_t    value;
    ngx_uint_t  fraction;

    value = 0;
    fraction = 0;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (c == '.' && i > 0 && !fraction) {
            fraction = 1;
            continue;
        }

        if (c < '0' || c > '9' || (fraction && c != '0')) {
            return NGX_ERROR;
        }

        if (fraction) {
            continue;
        }

        if (value > (UINT64_MAX - (uint64_t) (c - '0')) / 10) {
            return NGX_ERROR;
        }

        value = value * 10 + (uint64_t) (c - '0');
    }

    if (s->len == 0) {
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}
