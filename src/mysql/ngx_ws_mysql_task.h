
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_TASK_H_INCLUDED_
#define _NGX_WS_MYSQL_TASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_link.h>


/*
 * What a thread does: statements with attempts, transactions, and the search
 * for rows at fault.  A task and its link belong to one thread at a time; the
 * caller sees to that.
 */

/* a statement with its values in the order of its "?", for each unit */

typedef struct {
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_ws_mysql_value_t    *params;
    ngx_uint_t               units;       /* rows, or items of the list */
} ngx_ws_mysql_step_t;


/*
 * Several steps, and those that are fenced, are one transaction; no steps only
 * ask whether the server is there.
 */

typedef struct {
    ngx_ws_mysql_link_t     *link;
    ngx_ws_mysql_step_t     *steps;
    ngx_uint_t               nsteps;
    ngx_msec_t               until;       /* in ngx_current_msec's terms */
    ngx_log_t               *log;

    ngx_ws_mysql_result_t    res;
    ngx_array_t              bad;         /* ngx_ws_mysql_bad_t */
    ngx_pool_t              *pool;        /* of the result */

    unsigned                 fenced:1;    /* nothing is changed after that */
    unsigned                 transaction:1;
    unsigned                 away:1;      /* out: could not connect */
    unsigned                 crowded:1;   /* out: there are too many */
} ngx_ws_mysql_task_t;


/* The fixed size, 1 to NGX_WS_MYSQL_UNITS, into which n units fit. */
ngx_uint_t ngx_ws_mysql_task_units(ngx_uint_t n);

/* Fills task->res and task->away; blocks. */
void ngx_ws_mysql_task_run(ngx_ws_mysql_task_t *task);

/* Frees the result. */
void ngx_ws_mysql_task_free(ngx_ws_mysql_task_t *task);


#endif /* _NGX_WS_MYSQL_TASK_H_INCLUDED_ */
