
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_cleanup.h>
#include <ngx_ws_lock.h>
#include <ngx_ws_mysql_log.h>


/*
 * Rows of one statement, as sql/<table>_cleanup.sql has it; the pause after
 * such a one lets others at the tables.
 */
#define NGX_WS_CLEANUP_ROWS    1000
#define NGX_WS_CLEANUP_PAUSE   50
#define NGX_WS_CLEANUP_ROUND   5000

/* seconds; whatever is configured, what may be alive is kept for these */
#define NGX_WS_CLEANUP_ALIVE   (24 * 60 * 60)
#define NGX_WS_CLEANUP_PENDING (30 * 24 * 60 * 60)

/* after its end an indicator may still be read as one that has ended */
#define NGX_WS_CLEANUP_TYPING  10

#define NGX_WS_CLEANUP_NAMES   2


typedef struct {
    const char           *stmt;
    ngx_str_t             status;
    size_t                keep;       /* offset in the conf, of seconds */
    time_t                least;      /* they are not less than this */
} ngx_ws_cleanup_step_t;


#define NGX_WS_CLEANUP_CONNECTIONS                                            \
    offsetof(ngx_ws_worker_conf_t, retention_connections)
#define NGX_WS_CLEANUP_EVENTS                                                 \
    offsetof(ngx_ws_worker_conf_t, retention_events)
#define NGX_WS_CLEANUP_CONSTANT  ((size_t) -1)


static const ngx_ws_cleanup_step_t  ngx_ws_cleanup_steps[] = {

    { "connection_cleanup",
      ngx_string("disconnected"),
      NGX_WS_CLEANUP_CONNECTIONS,
      0 },

    /* heard of every hour, so that these were left behind */

    { "connection_cleanup",
      ngx_string("connected"),
      NGX_WS_CLEANUP_CONNECTIONS,
      NGX_WS_CLEANUP_ALIVE },

    { "event_expire",
      ngx_null_string,
      NGX_WS_CLEANUP_CONSTANT,
      NGX_WS_CLEANUP_PENDING },

    { "event_cleanup",
      ngx_string("delivered"),
      NGX_WS_CLEANUP_EVENTS,
      0 },

    { "event_cleanup",
      ngx_string("failed"),
      NGX_WS_CLEANUP_EVENTS,
      0 },

    { "typing_cleanup",
      ngx_null_string,
      NGX_WS_CLEANUP_CONSTANT,
      NGX_WS_CLEANUP_TYPING }
};

#define NGX_WS_CLEANUP_STEPS                                                  \
    (sizeof(ngx_ws_cleanup_steps) / sizeof(ngx_ws_cleanup_step_t))


struct ngx_ws_cleanup_s {
    ngx_ws_worker_t      *worker;
    ngx_pool_t           *pool;
    ngx_ws_mysql_stmt_t  *stmts[NGX_WS_CLEANUP_STEPS];
    ngx_ws_lock_t         lock;
    ngx_event_t           timer;
    ngx_ws_mysql_op_t    *op;
    ngx_uint_t            step;
    ngx_ws_mysql_log_t    refusals[NGX_WS_CLEANUP_STEPS];
};


static ngx_int_t ngx_ws_cleanup_compile(ngx_ws_cleanup_t *cleanup);
static void ngx_ws_cleanup_taken(void *data);
static void ngx_ws_cleanup_lost(void *data);
static void ngx_ws_cleanup_timer(ngx_event_t *ev);
static void ngx_ws_cleanup_done(void *data, ngx_ws_mysql_result_t *res);
static time_t ngx_ws_cleanup_before(ngx_ws_cleanup_t *cleanup,
    const ngx_ws_cleanup_step_t *step);


static const ngx_ws_lock_handler_t  ngx_ws_cleanup_lock_handler = {
    ngx_ws_cleanup_taken,
    ngx_ws_cleanup_lost
};


static ngx_str_t  ngx_ws_cleanup_names[] = {
    ngx_string("status"),
    ngx_string("before"),
    ngx_null_string
};


ngx_ws_cleanup_t *
ngx_ws_cleanup_create(ngx_ws_worker_t *w)
{
    ngx_pool_t        *pool;
    ngx_ws_cleanup_t  *cleanup;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, w->log);
    if (pool == NULL) {
        return NULL;
    }

    cleanup = ngx_pcalloc(pool, sizeof(ngx_ws_cleanup_t));
    if (cleanup == NULL) {
        goto failed;
    }

    cleanup->worker = w;
    cleanup->pool = pool;

    if (ngx_ws_cleanup_compile(cleanup) != NGX_OK) {
        goto failed;
    }

    cleanup->timer.handler = ngx_ws_cleanup_timer;
    cleanup->timer.data = cleanup;
    cleanup->timer.log = w->log;
    cleanup->timer.cancelable = 1;

    ngx_ws_lock_init(&cleanup->lock, w, "cleanup",
                     &ngx_ws_cleanup_lock_handler, cleanup);

    return cleanup;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_ws_cleanup_compile(ngx_ws_cleanup_t *cleanup)
{
    ngx_str_t             err, text;
    ngx_uint_t            i;
    ngx_ws_mysql_stmt_t  *stmt;

    for (i = 0; i < NGX_WS_CLEANUP_STEPS; i++) {

        text = ngx_ws_mysql_stmt_text(ngx_ws_cleanup_steps[i].stmt);

        stmt = ngx_ws_mysql_stmt_compile(cleanup->pool, &text,
                                         NGX_WS_MYSQL_ONE,
                                         ngx_ws_cleanup_names, &err);
        if (stmt == NULL) {

            if (err.len) {
                ngx_log_error(NGX_LOG_ALERT, cleanup->worker->log, 0,
                              "invalid statement \"%s\": %V",
                              ngx_ws_cleanup_steps[i].stmt, &err);
            }

            return NGX_ERROR;
        }

        cleanup->stmts[i] = stmt;
    }

    return NGX_OK;
}


void
ngx_ws_cleanup_destroy(ngx_ws_cleanup_t *cleanup)
{
    ngx_ws_lock_cleanup(&cleanup->lock);

    if (cleanup->timer.timer_set) {
        ngx_del_timer(&cleanup->timer);
    }

    if (cleanup->op) {
        ngx_ws_mysql_cancel(cleanup->op);
    }

    ngx_destroy_pool(cleanup->pool);
}


void
ngx_ws_cleanup_up(ngx_ws_cleanup_t *cleanup)
{
    ngx_ws_lock_up(&cleanup->lock);
}


void
ngx_ws_cleanup_down(ngx_ws_cleanup_t *cleanup)
{
    ngx_ws_lock_down(&cleanup->lock);
}


static void
ngx_ws_cleanup_taken(void *data)
{
    ngx_ws_cleanup_t *cleanup = data;

    cleanup->step = 0;

    if (cleanup->op == NULL) {
        ngx_add_timer(&cleanup->timer, NGX_WS_CLEANUP_PAUSE);
    }
}


static void
ngx_ws_cleanup_lost(void *data)
{
    ngx_ws_cleanup_t *cleanup = data;

    if (cleanup->timer.timer_set) {
        ngx_del_timer(&cleanup->timer);
    }
}


static void
ngx_ws_cleanup_timer(ngx_event_t *ev)
{
    ngx_ws_cleanup_t *cleanup = ev->data;

    ngx_ws_mysql_value_t          values[NGX_WS_CLEANUP_NAMES];
    const ngx_ws_cleanup_step_t  *step;

    if (!ngx_ws_lock_held(&cleanup->lock)) {
        ngx_add_timer(ev, NGX_WS_CLEANUP_ROUND);
        return;
    }

    step = &ngx_ws_cleanup_steps[cleanup->step];

    values[0].type = NGX_WS_MYSQL_STRING;
    values[0].as.s = step->status;
    ngx_ws_mysql_set_uint(&values[1], ngx_ws_cleanup_before(cleanup, step));

    cleanup->op = ngx_ws_mysql_query(cleanup->worker->mysql,
                                     cleanup->stmts[cleanup->step], values,
                                     NGX_WS_CLEANUP_NAMES,
                                     ngx_ws_cleanup_done, cleanup);
    if (cleanup->op == NULL) {
        ngx_add_timer(ev, NGX_WS_CLEANUP_ROUND);
    }
}


static void
ngx_ws_cleanup_done(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_cleanup_t *cleanup = data;

    ngx_msec_t           pause;
    ngx_ws_mysql_log_t  *refusal;

    cleanup->op = NULL;
    refusal = &cleanup->refusals[cleanup->step];

    if (res->rc == NGX_OK) {
        ngx_ws_mysql_log_taken(refusal);

    } else if (res->errnum && ngx_ws_mysql_is_up(cleanup->worker->mysql)) {
        ngx_ws_mysql_log_seldom(refusal, cleanup->worker->log,
                                "refuses the clean-up", res);
    }

    pause = NGX_WS_CLEANUP_PAUSE;

    if (res->rc != NGX_OK || res->affected < NGX_WS_CLEANUP_ROWS) {

        if (++cleanup->step == NGX_WS_CLEANUP_STEPS) {
            cleanup->step = 0;
            pause = NGX_WS_CLEANUP_ROUND;
        }
    }

    if (ngx_ws_lock_held(&cleanup->lock)) {
        ngx_add_timer(&cleanup->timer, pause);
    }
}


static time_t
ngx_ws_cleanup_before(ngx_ws_cleanup_t *cleanup,
    const ngx_ws_cleanup_step_t *step)
{
    time_t   keep;
    u_char  *conf;

    keep = step->least;

    if (step->keep != NGX_WS_CLEANUP_CONSTANT) {
        conf = (u_char *) cleanup->worker->conf;
        keep = ngx_max(keep, *(time_t *) (conf + step->keep));
    }

    return ngx_max(ngx_time() - keep, 1);
}
