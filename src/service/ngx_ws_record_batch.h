
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RECORD_BATCH_H_INCLUDED_
#define _NGX_WS_RECORD_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_record_row.h>


/*
 * Entries of the stream on their way to MySQL, the rows of each kind together.
 */

typedef struct {
    ngx_str_t                  id;         /* of the entry in the stream */
    ngx_str_t                  error;      /* why it was refused */
    ngx_uint_t                 errnum;
    ngx_uint_t                 row;        /* of the entry: the first is 1 */
    unsigned                   refused:1;
} ngx_ws_record_entry_t;


typedef struct {
    ngx_ws_mysql_stmt_t       *stmt;
    ngx_ws_mysql_value_t      *values;     /* views into the reply */
    ngx_ws_record_entry_t    **entries;    /* by row */
    ngx_uint_t                 n;          /* rows */
} ngx_ws_record_rows_t;


typedef struct {
    ngx_pool_t                *pool;
    ngx_ws_record_entry_t     *entries;
    ngx_uint_t                 n;
    size_t                     size;       /* of all values */
    ngx_ws_record_rows_t       rows[NGX_WS_RECORD_ROW_KINDS];
    ngx_ws_record_rows_t      *items[NGX_WS_RECORD_ROW_KINDS];
} ngx_ws_record_batch_t;


/*
 * entries is Redis' array of them; those that are no rows are refused.  NULL
 * without memory.
 */
ngx_ws_record_batch_t *ngx_ws_record_batch_create(
    ngx_ws_redis_reply_t *entries, ngx_ws_mysql_stmt_t **stmts,
    ngx_log_t *log);
void ngx_ws_record_batch_destroy(ngx_ws_record_batch_t *batch);

/*
 * What has to be executed, while the reply is there: gives how many items,
 * NGX_WS_RECORD_ROW_KINDS at most.
 */
ngx_uint_t ngx_ws_record_batch_items(ngx_ws_record_batch_t *batch,
    ngx_ws_mysql_item_t *items);

/* Notes which rows MySQL has put aside. */
void ngx_ws_record_batch_refused(ngx_ws_record_batch_t *batch,
    ngx_ws_mysql_result_t *res);


#endif /* _NGX_WS_RECORD_BATCH_H_INCLUDED_ */
