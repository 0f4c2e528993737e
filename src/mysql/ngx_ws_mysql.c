
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_latency.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_item.h>
#include <ngx_ws_mysql_server.h>


#define NGX_WS_MYSQL_WAITING       10000
#define NGX_WS_MYSQL_WAITING_SIZE  (32 * 1024 * 1024)

#define NGX_WS_MYSQL_HOLD          60000


/*
 * Life of an operation: waiting, running in a thread, and done, or waiting
 * again; or refused, which is told from a posted event.
 */

typedef enum {
    ngx_ws_mysql_waiting = 0,
    ngx_ws_mysql_running,
    ngx_ws_mysql_refused
} ngx_ws_mysql_state_e;


struct ngx_ws_mysql_op_s {
    ngx_queue_t              queue;
    ngx_ws_mysql_t          *my;
    ngx_ws_mysql_done_pt     done;        /* NULL once cancelled */
    void                    *data;
    ngx_ws_mysql_state_e     state;
    size_t                   size;
    ngx_msec_t               deadline;    /* of the waiting */
    uint64_t                 submitted;   /* when, in microseconds */
    const char              *refusal;
    ngx_ws_mysql_run_t       run;
};


struct ngx_ws_mysql_s {
    ngx_ws_mysql_conf_t     *conf;
    ngx_ws_mysql_server_t   *server;
    ngx_log_t               *log;

    /* after three pointers as in ngx_connection_t, for the debug log */
    ngx_int_t                ident;

    ngx_queue_t              waiting;
    ngx_queue_t              running;
    ngx_queue_t              refused;
    ngx_uint_t               nwaiting;
    size_t                   size;        /* of what waits */
    ngx_uint_t               pending;

    ngx_event_t              expire;      /* of the first that waits */
    ngx_event_t              refuse;
    ngx_event_t              hold;        /* keeps a leaving worker alive */
};


static ngx_ws_mysql_op_t *ngx_ws_mysql_op_create(ngx_ws_mysql_t *my,
    ngx_ws_mysql_item_t *items, ngx_uint_t nitems);
static void ngx_ws_mysql_submit(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_dispatch(void *data);
static void ngx_ws_mysql_start(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_done(ngx_ws_mysql_run_t *run, ngx_int_t rc);
static void ngx_ws_mysql_wait(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_finish(ngx_ws_mysql_op_t *op,
    ngx_ws_mysql_result_t *res);
static void ngx_ws_mysql_op_free(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_dequeue(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_refuse(ngx_ws_mysql_op_t *op, const char *reason);
static void ngx_ws_mysql_refuse_handler(ngx_event_t *ev);
static void ngx_ws_mysql_expire_handler(ngx_event_t *ev);
static void ngx_ws_mysql_hold_handler(ngx_event_t *ev);
static void ngx_ws_mysql_away(void *data);
static void ngx_ws_mysql_event(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_ws_mysql_t *my);


static const ngx_ws_mysql_server_handler_t  ngx_ws_mysql_server_handler = {
    ngx_ws_mysql_dispatch,
    ngx_ws_mysql_away
};


ngx_ws_mysql_t *
ngx_ws_mysql_create(ngx_ws_mysql_conf_t *conf, ngx_thread_pool_t *tp,
    ngx_log_t *log)
{
    ngx_ws_mysql_t  *my;

    my = ngx_calloc(sizeof(ngx_ws_mysql_t), log);
    if (my == NULL) {
        return NULL;
    }

    my->conf = conf;
    my->log = log;
    my->ident = -1;

    ngx_queue_init(&my->waiting);
    ngx_queue_init(&my->running);
    ngx_queue_init(&my->refused);

    ngx_ws_mysql_event(&my->expire, ngx_ws_mysql_expire_handler, my);
    ngx_ws_mysql_event(&my->refuse, ngx_ws_mysql_refuse_handler, my);
    ngx_ws_mysql_event(&my->hold, ngx_ws_mysql_hold_handler, my);

    my->server = ngx_ws_mysql_server_create(conf, tp,
                                            &ngx_ws_mysql_server_handler, my,
                                            log);
    if (my->server == NULL) {
        ngx_free(my);
        return NULL;
    }

    return my;
}


void
ngx_ws_mysql_destroy(ngx_ws_mysql_t *my)
{
    ngx_uint_t          i;
    ngx_queue_t        *queues[3], *q;
    ngx_ws_mysql_op_t  *op;

    queues[0] = &my->waiting;
    queues[1] = &my->running;
    queues[2] = &my->refused;

    for (i = 0; i < 3; i++) {

        while (!ngx_queue_empty(queues[i])) {
            q = ngx_queue_head(queues[i]);
            ngx_queue_remove(q);

            op = ngx_queue_data(q, ngx_ws_mysql_op_t, queue);

            if (op->run.task.link) {
                ngx_ws_mysql_link_destroy(op->run.task.link);
            }

            ngx_ws_mysql_op_free(op);
        }
    }

    ngx_ws_mysql_server_destroy(my->server);

    if (my->expire.timer_set) {
        ngx_del_timer(&my->expire);
    }

    if (my->hold.timer_set) {
        ngx_del_timer(&my->hold);
    }

    if (my->refuse.posted) {
        ngx_delete_posted_event(&my->refuse);
    }

    ngx_free(my);
}


ngx_ws_mysql_op_t *
ngx_ws_mysql_query(ngx_ws_mysql_t *my, ngx_ws_mysql_stmt_t *stmt,
    ngx_ws_mysql_value_t *values, ngx_uint_t n, ngx_ws_mysql_done_pt done,
    void *data)
{
    ngx_ws_mysql_op_t    *op;
    ngx_ws_mysql_item_t   item;

    item.stmt = stmt;
    item.values = values;
    item.n = n;

    op = ngx_ws_mysql_op_create(my, &item, 1);
    if (op == NULL) {
        return NULL;
    }

    op->done = done;
    op->data = data;

    ngx_ws_mysql_submit(op);

    return op;
}


ngx_ws_mysql_op_t *
ngx_ws_mysql_transaction(ngx_ws_mysql_t *my, ngx_ws_mysql_item_t *items,
    ngx_uint_t nitems, ngx_msec_t until, ngx_ws_mysql_done_pt done,
    void *data)
{
    ngx_ws_mysql_op_t  *op;

    op = ngx_ws_mysql_op_create(my, items, nitems);
    if (op == NULL) {
        return NULL;
    }

    op->run.task.until = until;
    op->run.task.fenced = 1;
    op->done = done;
    op->data = data;

    ngx_ws_mysql_submit(op);

    return op;
}


void
ngx_ws_mysql_cancel(ngx_ws_mysql_op_t *op)
{
    op->done = NULL;

    if (op->state == ngx_ws_mysql_waiting && op->run.task.nsteps == 1
        && op->run.task.steps[0].stmt->read_only)
    {
        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_refuse(op, "cancelled");
    }
}


ngx_uint_t
ngx_ws_mysql_is_up(ngx_ws_mysql_t *my)
{
    return ngx_ws_mysql_server_is_up(my->server);
}


/* one block with all that the thread reads */

static ngx_ws_mysql_op_t *
ngx_ws_mysql_op_create(ngx_ws_mysql_t *my, ngx_ws_mysql_item_t *items,
    ngx_uint_t nitems)
{
    size_t              size;
    ngx_ws_mysql_op_t  *op;

    size = sizeof(ngx_ws_mysql_op_t) + ngx_ws_mysql_item_size(items, nitems);

    op = ngx_alloc(size, my->log);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(ngx_ws_mysql_op_t));

    op->my = my;
    op->size = size;

    ngx_ws_mysql_item_copy(items, nitems, &op->run.task, op + 1);

    return op;
}


static void
ngx_ws_mysql_submit(ngx_ws_mysql_op_t *op)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    if (my->pending++ == 0) {
        ngx_add_timer(&my->hold, NGX_WS_MYSQL_HOLD);
    }

    ngx_ws_metric_set(MYSQL_PENDING, my->pending);

    if (!ngx_ws_mysql_server_is_up(my->server)) {
        ngx_ws_mysql_refuse(op, "mysql is away");
        return;
    }

    /* one alone may be of any size */

    if (my->nwaiting == NGX_WS_MYSQL_WAITING
        || (my->nwaiting && my->size + op->size > NGX_WS_MYSQL_WAITING_SIZE))
    {
        ngx_ws_mysql_refuse(op, "too much is waiting for mysql");
        return;
    }

    op->submitted = ngx_ws_latency_now();
    op->deadline = ngx_current_msec + my->conf->timeout;

    ngx_queue_insert_tail(&my->waiting, &op->queue);
    my->nwaiting++;
    my->size += op->size;

    if (!my->expire.timer_set) {
        ngx_add_timer(&my->expire, my->conf->timeout);
    }

    ngx_ws_mysql_dispatch(my);
}


static void
ngx_ws_mysql_dispatch(void *data)
{
    ngx_ws_mysql_t *my = data;

    ngx_ws_mysql_op_t  *op;

    while (my->nwaiting && ngx_ws_mysql_server_usable(my->server)) {
        op = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                            queue);

        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_start(op);
    }
}


static void
ngx_ws_mysql_start(ngx_ws_mysql_op_t *op)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    op->state = ngx_ws_mysql_running;
    op->run.done = ngx_ws_mysql_done;
    op->run.data = op;

    if (ngx_ws_mysql_server_run(my->server, &op->run) != NGX_OK) {
        ngx_ws_mysql_refuse(op, "the thread pool is full");
        return;
    }

    ngx_queue_insert_tail(&my->running, &op->queue);
}


static void
ngx_ws_mysql_done(ngx_ws_mysql_run_t *run, ngx_int_t rc)
{
    ngx_ws_mysql_op_t  *op;

    op = run->data;

    ngx_queue_remove(&op->queue);

    if (rc == NGX_AGAIN) {
        ngx_ws_mysql_wait(op);
        ngx_ws_mysql_dispatch(op->my);
        return;
    }

    ngx_ws_mysql_dispatch(op->my);
    ngx_ws_mysql_finish(op, &run->task.res);
}


/* back to where it was */

static void
ngx_ws_mysql_wait(ngx_ws_mysql_op_t *op)
{
    ngx_queue_t        *q;
    ngx_msec_int_t      left;
    ngx_ws_mysql_t     *my;
    ngx_ws_mysql_op_t  *first;

    my = op->my;

    op->state = ngx_ws_mysql_waiting;

    for (q = ngx_queue_head(&my->waiting);
         q != ngx_queue_sentinel(&my->waiting);
         q = ngx_queue_next(q))
    {
        first = ngx_queue_data(q, ngx_ws_mysql_op_t, queue);

        if (first->submitted > op->submitted) {
            break;
        }
    }

    ngx_queue_insert_tail(q, &op->queue);
    my->nwaiting++;
    my->size += op->size;

    first = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                           queue);
    left = (ngx_msec_int_t) (first->deadline - ngx_current_msec);

    ngx_add_timer(&my->expire, (ngx_msec_t) ngx_max(left, 1));
}


static void
ngx_ws_mysql_finish(ngx_ws_mysql_op_t *op, ngx_ws_mysql_result_t *res)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    if (--my->pending == 0) {
        ngx_del_timer(&my->hold);
    }

    ngx_ws_metric_set(MYSQL_PENDING, my->pending);

    if (op->done || op->state == ngx_ws_mysql_running) {
        ngx_ws_metric_add(MYSQL_QUERIES, 1);

        if (op->state == ngx_ws_mysql_running) {
            ngx_ws_latency_add(NGX_WS_METRIC_MYSQL_LATENCY, op->submitted);
        }

        if (res->rc != NGX_OK) {
            ngx_ws_metric_add(MYSQL_ERRORS, 1);
        }
    }

    if (op->done) {
        op->done(op->data, res);
    }

    ngx_ws_mysql_op_free(op);
}


static void
ngx_ws_mysql_op_free(ngx_ws_mysql_op_t *op)
{
    ngx_ws_mysql_task_free(&op->run.task);
    ngx_free(op);
}


static void
ngx_ws_mysql_dequeue(ngx_ws_mysql_op_t *op)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    ngx_queue_remove(&op->queue);
    my->nwaiting--;
    my->size -= op->size;

    if (my->nwaiting == 0 && my->expire.timer_set) {
        ngx_del_timer(&my->expire);
    }
}


static void
ngx_ws_mysql_refuse(ngx_ws_mysql_op_t *op, const char *reason)
{
    op->state = ngx_ws_mysql_refused;
    op->refusal = reason;

    ngx_queue_insert_tail(&op->my->refused, &op->queue);
    ngx_post_event(&op->my->refuse, &ngx_posted_next_events);
}


static void
ngx_ws_mysql_refuse_handler(ngx_event_t *ev)
{
    ngx_queue_t             queue, *q;
    ngx_ws_mysql_t         *my;
    ngx_ws_mysql_op_t      *op;
    ngx_ws_mysql_result_t   res;

    my = ev->data;

    /* what callbacks add is for the next time */

    ngx_queue_init(&queue);
    ngx_queue_add(&queue, &my->refused);
    ngx_queue_init(&my->refused);

    while (!ngx_queue_empty(&queue)) {
        q = ngx_queue_head(&queue);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_ws_mysql_op_t, queue);

        ngx_memzero(&res, sizeof(ngx_ws_mysql_result_t));
        res.rc = NGX_DECLINED;
        res.error.data = (u_char *) op->refusal;
        res.error.len = ngx_strlen(op->refusal);

        ngx_ws_mysql_finish(op, &res);
    }
}


static void
ngx_ws_mysql_expire_handler(ngx_event_t *ev)
{
    ngx_msec_int_t      left;
    ngx_ws_mysql_t     *my;
    ngx_ws_mysql_op_t  *op;

    my = ev->data;

    while (my->nwaiting) {
        op = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                            queue);

        left = (ngx_msec_int_t) (op->deadline - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            return;
        }

        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_refuse(op, "mysql is too slow");
    }
}


/*
 * A leaving worker goes on while a timer is set that is not cancelable: the
 * completions of its threads must not be missed.
 */

static void
ngx_ws_mysql_hold_handler(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_WS_MYSQL_HOLD);
}


static void
ngx_ws_mysql_away(void *data)
{
    ngx_ws_mysql_t *my = data;

    ngx_ws_mysql_op_t  *op;

    while (my->nwaiting) {
        op = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                            queue);

        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_refuse(op, "mysql is away");
    }
}


static void
ngx_ws_mysql_event(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_ws_mysql_t *my)
{
    ev->handler = handler;
    ev->data = my;
    ev->log = my->log;
}
