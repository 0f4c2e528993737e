
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_H_INCLUDED_
#define _NGX_WS_MYSQL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_conf.h>
#include <ngx_ws_mysql_stmt.h>
#include <ngx_ws_mysql_value.h>


/*
 * MySQL from the event loop: statements run in nginx's thread pool, at most
 * conf->threads at a time with a connection each, and the others wait in a
 * bounded queue.  While the server is away everything is declined at once;
 * a probe of our own notices its return.
 */

typedef struct ngx_ws_mysql_s     ngx_ws_mysql_t;
typedef struct ngx_ws_mysql_op_s  ngx_ws_mysql_op_t;

/*
 * Called once on the event loop, never from inside the call that started the
 * statement; res is valid only during the callback.
 */
typedef void (*ngx_ws_mysql_done_pt)(void *data, ngx_ws_mysql_result_t *res);


/* one statement of a transaction */

typedef struct {
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_ws_mysql_value_t    *values;
    ngx_uint_t               n;           /* values */
} ngx_ws_mysql_item_t;


/*
 * In init_process, once the zone is attached; conf lives longer.  NULL if it
 * failed, which was logged.
 */
ngx_ws_mysql_t *ngx_ws_mysql_create(ngx_ws_mysql_conf_t *conf,
    ngx_thread_pool_t *tp, ngx_log_t *log);

/*
 * In exit_process: the threads have ended by then.  What is still pending
 * gets no callback.
 */
void ngx_ws_mysql_destroy(ngx_ws_mysql_t *my);

/*
 * Runs one statement.  Values stand in the order of the statement's names:
 * ONE takes one a name, ROWS all rows' values row by row, LIST the items
 * after the values of the other names (at least one item).  They are copied.
 *
 * ROWS in which the server refuses single rows' data: the others go in, these
 * are in res->bad.  A SELECT is tried once more on a new connection if its own
 * was lost, and all statements after a deadlock.
 *
 * Gives a handle for ngx_ws_mysql_cancel(), which ends with the callback; NULL
 * without memory, then done() is not called.
 */
ngx_ws_mysql_op_t *ngx_ws_mysql_query(ngx_ws_mysql_t *my,
    ngx_ws_mysql_stmt_t *stmt, ngx_ws_mysql_value_t *values, ngx_uint_t n,
    ngx_ws_mysql_done_pt done, void *data);

/*
 * The same for several statements in one transaction: all or none, save the
 * rows of ROWS that are in res->bad; none that was not committed by a time,
 * in terms of ngx_current_msec.  Result rows are those of the last statement
 * that gave any.
 */
ngx_ws_mysql_op_t *ngx_ws_mysql_transaction(ngx_ws_mysql_t *my,
    ngx_ws_mysql_item_t *items, ngx_uint_t nitems, ngx_msec_t until,
    ngx_ws_mysql_done_pt done, void *data);

/*
 * done() will not be called.  What changes the database is executed all the
 * same.
 */
void ngx_ws_mysql_cancel(ngx_ws_mysql_op_t *op);

/* 0 while the server is away. */
ngx_uint_t ngx_ws_mysql_is_up(ngx_ws_mysql_t *my);


#endif /* _NGX_WS_MYSQL_H_INCLUDED_ */
