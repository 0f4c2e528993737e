
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_SERVER_H_INCLUDED_
#define _NGX_WS_MYSQL_SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_conf.h>
#include <ngx_ws_mysql_task.h>


/*
 * The server as a worker has it: links that run tasks in nginx's thread pool,
 * and whether it is there, which a probe of our own asks.
 */

typedef struct ngx_ws_mysql_server_s  ngx_ws_mysql_server_t;
typedef struct ngx_ws_mysql_run_s     ngx_ws_mysql_run_t;

/*
 * Once the task was in a thread, and has lost its link.  NGX_OK: its result
 * is there.  NGX_AGAIN: it was not executed, because the server takes no more
 * connections, but is there: later, by another link.
 */
typedef void (*ngx_ws_mysql_run_done_pt)(ngx_ws_mysql_run_t *run,
    ngx_int_t rc);


/* of the owner, zeroed but for the task's steps */

struct ngx_ws_mysql_run_s {
    ngx_ws_mysql_server_t     *server;
    ngx_ws_mysql_run_done_pt   done;
    void                      *data;
    ngx_uint_t                 open;      /* the link was, at the start */
    ngx_thread_task_t          thread;
    ngx_ws_mysql_task_t        task;
};


typedef struct {
    void                     (*ready)(void *data);    /* perhaps usable */
    void                     (*away)(void *data);     /* nothing is run now */
} ngx_ws_mysql_server_handler_t;


/* As ngx_ws_mysql_create() and ngx_ws_mysql_destroy(). */
ngx_ws_mysql_server_t *ngx_ws_mysql_server_create(ngx_ws_mysql_conf_t *conf,
    ngx_thread_pool_t *tp, const ngx_ws_mysql_server_handler_t *handler,
    void *data, ngx_log_t *log);
void ngx_ws_mysql_server_destroy(ngx_ws_mysql_server_t *server);

/* Whether there is a link for another task. */
ngx_uint_t ngx_ws_mysql_server_usable(ngx_ws_mysql_server_t *server);

/*
 * Runs the task in a thread; the server is usable.  NGX_ERROR if the thread
 * pool is full, then done() is not called.
 */
ngx_int_t ngx_ws_mysql_server_run(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_run_t *run);

/* 0 while it is away. */
ngx_uint_t ngx_ws_mysql_server_is_up(ngx_ws_mysql_server_t *server);


#endif /* _NGX_WS_MYSQL_SERVER_H_INCLUDED_ */
