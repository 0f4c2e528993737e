
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/time.h>
#include <hiredis/hiredis.h>

#include <ngx_ws_redis_reply.h>


ngx_ws_redis_type_e
ngx_ws_redis_reply_type(ngx_ws_redis_reply_t *reply)
{
    redisReply *r = (redisReply *) reply;

    if (r == NULL) {
        return NGX_WS_REDIS_NIL;
    }

    switch (r->type) {

    case REDIS_REPLY_STRING:
        return NGX_WS_REDIS_STRING;

    case REDIS_REPLY_STATUS:
        return NGX_WS_REDIS_STATUS;

    case REDIS_REPLY_INTEGER:
        return NGX_WS_REDIS_INTEGER;

    case REDIS_REPLY_ARRAY:
        return NGX_WS_REDIS_ARRAY;

    case REDIS_REPLY_ERROR:
        return NGX_WS_REDIS_ERROR;

    default: /* REDIS_REPLY_NIL */
        return NGX_WS_REDIS_NIL;
    }
}


int64_t
ngx_ws_redis_reply_integer(ngx_ws_redis_reply_t *reply)
{
    redisReply *r = (redisReply *) reply;

    u_char      *p;
    size_t       len;
    int64_t      n;
    ngx_uint_t   negative;

    switch (ngx_ws_redis_reply_type(reply)) {

    case NGX_WS_REDIS_INTEGER:
        return r->integer;

    case NGX_WS_REDIS_STRING:
        break;

    default:
        return 0;
    }

    p = (u_char *) r->str;
    len = r->len;

    negative = (len && *p == '-');

    if (negative) {
        p++;
        len--;
    }

    /* 18 digits fit */

    if (len == 0 || len > 18) {
        return 0;
    }

    for (n = 0; len; p++, len--) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        n = n * 10 + (*p - '0');
    }

    return negative ? -n : n;
}


ngx_str_t
ngx_ws_redis_reply_string(ngx_ws_redis_reply_t *reply)
{
    redisReply *r = (redisReply *) reply;

    ngx_str_t  s;

    switch (ngx_ws_redis_reply_type(reply)) {

    case NGX_WS_REDIS_STRING:
    case NGX_WS_REDIS_STATUS:
    case NGX_WS_REDIS_ERROR:
        s.len = r->len;
        s.data = (u_char *) r->str;
        break;

    default:
        ngx_str_null(&s);
        break;
    }

    return s;
}


ngx_uint_t
ngx_ws_redis_reply_count(ngx_ws_redis_reply_t *reply)
{
    redisReply *r = (redisReply *) reply;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        return 0;
    }

    return r->elements;
}


ngx_ws_redis_reply_t *
ngx_ws_redis_reply_element(ngx_ws_redis_reply_t *reply, ngx_uint_t i)
{
    redisReply *r = (redisReply *) reply;

    if (i >= ngx_ws_redis_reply_count(reply)) {
        return NULL;
    }

    return (ngx_ws_redis_reply_t *) r->element[i];
}
