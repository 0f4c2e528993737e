
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_REPLY_H_INCLUDED_
#define _NGX_WS_REDIS_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * An answer of Redis, valid inside the callback only, and its elements.  All
 * functions take NULL, which is as a nil.
 */

typedef struct ngx_ws_redis_reply_s  ngx_ws_redis_reply_t;


typedef enum {
    NGX_WS_REDIS_NIL = 0,
    NGX_WS_REDIS_STRING,
    NGX_WS_REDIS_STATUS,
    NGX_WS_REDIS_INTEGER,
    NGX_WS_REDIS_ARRAY,
    NGX_WS_REDIS_ERROR
} ngx_ws_redis_type_e;


ngx_ws_redis_type_e ngx_ws_redis_reply_type(ngx_ws_redis_reply_t *reply);

/* An integer, or a string that is one in decimal; else 0. */
int64_t ngx_ws_redis_reply_integer(ngx_ws_redis_reply_t *reply);

/* A view of a string, a status or the text of an error; else empty. */
ngx_str_t ngx_ws_redis_reply_string(ngx_ws_redis_reply_t *reply);

/* Elements of an array; else 0, and NULL for one that is not there. */
ngx_uint_t ngx_ws_redis_reply_count(ngx_ws_redis_reply_t *reply);
ngx_ws_redis_reply_t *ngx_ws_redis_reply_element(ngx_ws_redis_reply_t *reply,
    ngx_uint_t i);


#endif /* _NGX_WS_REDIS_REPLY_H_INCLUDED_ */
