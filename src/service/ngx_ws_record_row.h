
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RECORD_ROW_H_INCLUDED_
#define _NGX_WS_RECORD_ROW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql.h>
#include <ngx_ws_redis.h>


/*
 * Entries of the stream as rows.  What is an entry's kind has a statement of
 * that kind, whose placeholders are the entry's fields.
 */

typedef enum {
    NGX_WS_RECORD_ROW_EVENT = 0,
    NGX_WS_RECORD_ROW_STATUS,
    NGX_WS_RECORD_ROW_CONNECTION,
    NGX_WS_RECORD_ROW_TYPING,
    NGX_WS_RECORD_ROW_PRESENCE,
    NGX_WS_RECORD_ROW_KINDS
} ngx_ws_record_row_kind_e;


/* The statement of a kind, for many rows; NULL without memory. */
ngx_ws_mysql_stmt_t *ngx_ws_record_row_compile(ngx_pool_t *pool,
    ngx_ws_record_row_kind_e kind);

/*
 * The statement without values that deletes what statuses have made of events
 * that were put aside before; NULL without memory.
 */
ngx_ws_mysql_stmt_t *ngx_ws_record_row_orphans(ngx_pool_t *pool);

/* Fields is an array of names and values; KINDS if there is no such kind. */
ngx_ws_record_row_kind_e ngx_ws_record_row_kind(ngx_ws_redis_reply_t *fields);

/*
 * How many rows they make.  Each occurrence of a kind's first name begins one,
 * in which what is not named is as in the row before; a status may be that of
 * many events.
 */
ngx_uint_t ngx_ws_record_row_count(ngx_ws_record_row_kind_e kind,
    ngx_ws_redis_reply_t *fields);

/*
 * Writes as many values a row as the kind's statement has names, views into
 * the reply or the pool.  A field that is absent is NULL.  NGX_ERROR without
 * memory.
 */
ngx_int_t ngx_ws_record_row_values(ngx_ws_record_row_kind_e kind,
    ngx_ws_redis_reply_t *fields, ngx_ws_mysql_value_t *values,
    ngx_pool_t *pool);


#endif /* _NGX_WS_RECORD_ROW_H_INCLUDED_ */
