
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_backoff.h>
#include <ngx_ws_latency.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_task.h>


#define NGX_WS_MYSQL_WAITING      10000
#define NGX_WS_MYSQL_WAITING_SIZE (32 * 1024 * 1024)

#define NGX_WS_MYSQL_PROBE_MIN    200
#define NGX_WS_MYSQL_PROBE_MAX    1000
#define NGX_WS_MYSQL_PROBE_IDLE   15000
#define NGX_WS_MYSQL_HOLD         60000

/* how long a server that is full is not asked for another connection */
#define NGX_WS_MYSQL_CROWDED      1000

/* so long after the last time that is told again */
#define NGX_WS_MYSQL_QUIET        60000


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
    ngx_uint_t               open;        /* the link was, at the start */
    ngx_thread_task_t        thread;
    ngx_ws_mysql_task_t      task;
};


struct ngx_ws_mysql_s {
    ngx_ws_mysql_conf_t     *conf;
    ngx_thread_pool_t       *tp;
    ngx_log_t               *log;

    /* after three pointers as in ngx_connection_t, for the debug log */
    ngx_int_t                ident;

    ngx_queue_t              waiting;
    ngx_queue_t              running;
    ngx_queue_t              refused;
    ngx_uint_t               nwaiting;
    size_t                   size;        /* of what waits */
    ngx_uint_t               pending;

    /*
     * The last one that was used is taken first: the others may rest.  Those
     * without a connection lie below.
     */
    ngx_ws_mysql_link_t    **idle;
    ngx_uint_t               nidle;
    ngx_uint_t               nopen;       /* of all links */

    ngx_event_t              expire;      /* of the first that waits */
    ngx_event_t              refuse;
    ngx_event_t              probe;
    ngx_event_t              crowded;     /* no new connection until then */
    ngx_event_t              hold;        /* keeps a leaving worker alive */

    ngx_ws_backoff_t         backoff;
    ngx_msec_t               seen;        /* when the server answered last */
    ngx_msec_t               full;        /* when it was, the last time */

    unsigned                 probing:1;   /* a probe is under way */
    unsigned                 doubt:1;     /* ask the server now */
    unsigned                 away:1;
};


static ngx_ws_mysql_op_t *ngx_ws_mysql_op_create(ngx_ws_mysql_t *my,
    ngx_ws_mysql_item_t *items, ngx_uint_t nitems);
static ngx_uint_t ngx_ws_mysql_units(ngx_ws_mysql_item_t *item);
static ngx_uint_t ngx_ws_mysql_nparams(ngx_ws_mysql_item_t *item);
static ngx_ws_mysql_value_t *ngx_ws_mysql_param(ngx_ws_mysql_item_t *item,
    ngx_uint_t units, ngx_uint_t k);
static void ngx_ws_mysql_submit(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_dispatch(ngx_ws_mysql_t *my);
static ngx_uint_t ngx_ws_mysql_usable(ngx_ws_mysql_t *my);
static void ngx_ws_mysql_start(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_thread(void *data, ngx_log_t *log);
static void ngx_ws_mysql_done(ngx_event_t *ev);
static void ngx_ws_mysql_release(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_wait(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_crowded_handler(ngx_event_t *ev);
static void ngx_ws_mysql_finish(ngx_ws_mysql_op_t *op,
    ngx_ws_mysql_result_t *res);
static void ngx_ws_mysql_op_free(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_dequeue(ngx_ws_mysql_op_t *op);
static void ngx_ws_mysql_refuse(ngx_ws_mysql_op_t *op, const char *reason);
static void ngx_ws_mysql_refuse_handler(ngx_event_t *ev);
static void ngx_ws_mysql_expire_handler(ngx_event_t *ev);
static void ngx_ws_mysql_hold_handler(ngx_event_t *ev);
static void ngx_ws_mysql_seen(ngx_ws_mysql_t *my, ngx_ws_mysql_task_t *task);
static void ngx_ws_mysql_away(ngx_ws_mysql_t *my, ngx_str_t *error);
static void ngx_ws_mysql_probe_arm(ngx_ws_mysql_t *my);
static void ngx_ws_mysql_probe_handler(ngx_event_t *ev);
static void ngx_ws_mysql_probe_done(void *data, ngx_ws_mysql_result_t *res);
static void ngx_ws_mysql_event(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_ws_mysql_t *my);


ngx_ws_mysql_t *
ngx_ws_mysql_create(ngx_ws_mysql_conf_t *conf, ngx_thread_pool_t *tp,
    ngx_log_t *log)
{
    ngx_uint_t       i;
    ngx_ws_mysql_t  *my;

    if (ngx_ws_mysql_link_init(log) != NGX_OK) {
        return NULL;
    }

    my = ngx_calloc(sizeof(ngx_ws_mysql_t)
                    + conf->threads * sizeof(ngx_ws_mysql_link_t *), log);
    if (my == NULL) {
        return NULL;
    }

    my->conf = conf;
    my->tp = tp;
    my->log = log;
    my->ident = -1;
    my->idle = (ngx_ws_mysql_link_t **) (my + 1);

    ngx_queue_init(&my->waiting);
    ngx_queue_init(&my->running);
    ngx_queue_init(&my->refused);

    for (i = 0; i < conf->threads; i++) {
        my->idle[i] = ngx_ws_mysql_link_create(conf, log);

        if (my->idle[i] == NULL) {
            ngx_ws_mysql_destroy(my);
            return NULL;
        }

        my->nidle++;
    }

    ngx_ws_mysql_event(&my->expire, ngx_ws_mysql_expire_handler, my);
    ngx_ws_mysql_event(&my->refuse, ngx_ws_mysql_refuse_handler, my);
    ngx_ws_mysql_event(&my->probe, ngx_ws_mysql_probe_handler, my);
    ngx_ws_mysql_event(&my->crowded, ngx_ws_mysql_crowded_handler, my);
    ngx_ws_mysql_event(&my->hold, ngx_ws_mysql_hold_handler, my);

    my->probe.cancelable = 1;
    my->crowded.cancelable = 1;

    ngx_ws_backoff_init(&my->backoff, NGX_WS_MYSQL_PROBE_MIN,
                        NGX_WS_MYSQL_PROBE_MAX);

    ngx_ws_metric_set(MYSQL_UP, 1);

    /* connects the first link, and tells whether it can */

    my->doubt = 1;
    ngx_add_timer(&my->probe, 1);

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

            if (op->task.link) {
                ngx_ws_mysql_link_destroy(op->task.link);
            }

            ngx_ws_mysql_op_free(op);
        }
    }

    while (my->nidle) {
        ngx_ws_mysql_link_destroy(my->idle[--my->nidle]);
    }

    if (my->expire.timer_set) {
        ngx_del_timer(&my->expire);
    }

    if (my->probe.timer_set) {
        ngx_del_timer(&my->probe);
    }

    if (my->crowded.timer_set) {
        ngx_del_timer(&my->crowded);
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

    op->task.until = until;
    op->task.fenced = 1;
    op->done = done;
    op->data = data;

    ngx_ws_mysql_submit(op);

    return op;
}


void
ngx_ws_mysql_cancel(ngx_ws_mysql_op_t *op)
{
    op->done = NULL;

    if (op->state == ngx_ws_mysql_waiting && op->task.nsteps == 1
        && op->task.steps[0].stmt->read_only)
    {
        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_refuse(op, "cancelled");
    }
}


ngx_uint_t
ngx_ws_mysql_is_up(ngx_ws_mysql_t *my)
{
    return !my->away;
}


/* one block with all that the thread reads */

static ngx_ws_mysql_op_t *
ngx_ws_mysql_op_create(ngx_ws_mysql_t *my, ngx_ws_mysql_item_t *items,
    ngx_uint_t nitems)
{
    size_t                 size, strings;
    u_char                *p;
    ngx_uint_t             i, k, n, total, units;
    ngx_ws_mysql_op_t     *op;
    ngx_ws_mysql_step_t   *step;
    ngx_ws_mysql_value_t  *v;

    total = 0;
    strings = 0;

    for (i = 0; i < nitems; i++) {
        n = ngx_ws_mysql_nparams(&items[i]);
        units = ngx_ws_mysql_units(&items[i]);
        total += n;

        for (k = 0; k < n; k++) {
            v = ngx_ws_mysql_param(&items[i], units, k);

            if (v->type == NGX_WS_MYSQL_STRING) {
                strings += v->as.s.len;
            }
        }
    }

    size = sizeof(ngx_ws_mysql_op_t) + nitems * sizeof(ngx_ws_mysql_step_t)
           + total * sizeof(ngx_ws_mysql_value_t) + strings;

    op = ngx_alloc(size, my->log);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(ngx_ws_mysql_op_t));

    step = (ngx_ws_mysql_step_t *) (op + 1);
    v = (ngx_ws_mysql_value_t *) (step + nitems);
    p = (u_char *) (v + total);

    op->my = my;
    op->size = size;
    op->task.steps = step;
    op->task.nsteps = nitems;

    for (i = 0; i < nitems; i++, step++) {
        n = ngx_ws_mysql_nparams(&items[i]);
        units = ngx_ws_mysql_units(&items[i]);

        step->stmt = items[i].stmt;
        step->units = units;
        step->params = v;

        for (k = 0; k < n; k++, v++) {
            *v = *ngx_ws_mysql_param(&items[i], units, k);

            if (v->type == NGX_WS_MYSQL_STRING) {
                p = ngx_cpymem(p, v->as.s.data, v->as.s.len);
                v->as.s.data = p - v->as.s.len;
            }
        }
    }

    return op;
}


static ngx_uint_t
ngx_ws_mysql_units(ngx_ws_mysql_item_t *item)
{
    switch (item->stmt->kind) {

    case NGX_WS_MYSQL_ROWS:
        return item->n / item->stmt->nnames;

    case NGX_WS_MYSQL_LIST:
        return ngx_ws_mysql_task_units(item->n - (item->stmt->nnames - 1));

    default: /* NGX_WS_MYSQL_ONE */
        return 1;
    }
}


static ngx_uint_t
ngx_ws_mysql_nparams(ngx_ws_mysql_item_t *item)
{
    return item->stmt->nhead
           + item->stmt->nunit * ngx_ws_mysql_units(item)
           + item->stmt->ntail;
}


/* the value of the "?" number k; a list is filled up with its last item */

static ngx_ws_mysql_value_t *
ngx_ws_mysql_param(ngx_ws_mysql_item_t *item, ngx_uint_t units, ngx_uint_t k)
{
    ngx_uint_t            *order, row;
    ngx_ws_mysql_stmt_t   *stmt;

    stmt = item->stmt;
    order = stmt->order;

    if (k >= stmt->nhead && k < stmt->nhead + units * stmt->nunit) {
        k -= stmt->nhead;
        row = k / stmt->nunit;

        if (stmt->kind == NGX_WS_MYSQL_LIST) {
            return &item->values[ngx_min(stmt->nnames - 1 + row,
                                         item->n - 1)];
        }

        return &item->values[row * stmt->nnames + order[k % stmt->nunit]];
    }

    if (k >= stmt->nhead) {
        k -= (units - 1) * stmt->nunit;
    }

    return &item->values[order[k]];
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

    if (my->away) {
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
ngx_ws_mysql_dispatch(ngx_ws_mysql_t *my)
{
    ngx_ws_mysql_op_t  *op;

    while (my->nwaiting && ngx_ws_mysql_usable(my)) {
        op = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                            queue);

        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_start(op);
    }
}


/* while the server is full only a link that is connected is of use */

static ngx_uint_t
ngx_ws_mysql_usable(ngx_ws_mysql_t *my)
{
    if (my->nidle == 0) {
        return 0;
    }

    return !my->crowded.timer_set
           || my->nopen == 0
           || ngx_ws_mysql_link_is_open(my->idle[my->nidle - 1]);
}


static void
ngx_ws_mysql_start(ngx_ws_mysql_op_t *op)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    op->state = ngx_ws_mysql_running;
    op->task.link = my->idle[--my->nidle];
    op->open = ngx_ws_mysql_link_is_open(op->task.link);

    op->thread.ctx = &op->task;
    op->thread.handler = ngx_ws_mysql_thread;
    op->thread.event.handler = ngx_ws_mysql_done;
    op->thread.event.data = op;
    op->thread.event.log = my->log;

    ngx_queue_insert_tail(&my->running, &op->queue);

    if (ngx_thread_task_post(my->tp, &op->thread) == NGX_OK) {
        return;
    }

    ngx_queue_remove(&op->queue);

    my->nidle++;
    op->task.link = NULL;

    ngx_ws_mysql_refuse(op, "the thread pool is full");
}


static void
ngx_ws_mysql_thread(void *data, ngx_log_t *log)
{
    ngx_ws_mysql_task_t *task = data;

    task->log = log;

    ngx_ws_mysql_task_run(task);
}


static void
ngx_ws_mysql_done(ngx_event_t *ev)
{
    ngx_ws_mysql_t     *my;
    ngx_ws_mysql_op_t  *op;

    op = ev->data;
    my = op->my;

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, my->log, 0,
                   "mysql done rc:%i errnum:%ui rows:%ui", op->task.res.rc,
                   op->task.res.errnum, op->task.res.nrows);

    ngx_queue_remove(&op->queue);

    ngx_ws_mysql_release(op);

    if (op->task.crowded && my->nopen) {
        ngx_ws_mysql_wait(op);
        return;
    }

    ngx_ws_mysql_seen(my, &op->task);
    ngx_ws_mysql_dispatch(my);
    ngx_ws_mysql_finish(op, &op->task.res);
}


static void
ngx_ws_mysql_release(ngx_ws_mysql_op_t *op)
{
    ngx_uint_t            open;
    ngx_ws_mysql_t       *my;
    ngx_ws_mysql_link_t  *link;

    my = op->my;
    link = op->task.link;
    op->task.link = NULL;

    open = ngx_ws_mysql_link_is_open(link);

    my->nopen -= op->open;
    my->nopen += open;

    if (open) {
        my->idle[my->nidle++] = link;
        return;
    }

    ngx_memmove(my->idle + 1, my->idle,
                my->nidle * sizeof(ngx_ws_mysql_link_t *));
    my->idle[0] = link;
    my->nidle++;
}


/*
 * The server takes no more connections, but this worker has one: that is not
 * a server that is away.  The operation goes back to where it was.
 */

static void
ngx_ws_mysql_wait(ngx_ws_mysql_op_t *op)
{
    ngx_queue_t        *q;
    ngx_msec_int_t      left;
    ngx_ws_mysql_t     *my;
    ngx_ws_mysql_op_t  *first;

    my = op->my;

    if (my->full == 0 || ngx_current_msec - my->full > NGX_WS_MYSQL_QUIET) {
        ngx_log_error(NGX_LOG_WARN, my->log, 0,
                      "mysql takes no more connections: %V, this worker "
                      "goes on with %ui of %ui", &op->task.res.error,
                      my->nopen, my->conf->threads);
    }

    my->full = ngx_current_msec;
    ngx_add_timer(&my->crowded, NGX_WS_MYSQL_CROWDED);

    if (op->task.nsteps == 0) {
        ngx_ws_mysql_dispatch(my);
        ngx_ws_mysql_finish(op, &op->task.res);
        return;
    }

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

    ngx_ws_mysql_dispatch(my);
}


static void
ngx_ws_mysql_crowded_handler(ngx_event_t *ev)
{
    ngx_ws_mysql_dispatch(ev->data);
}


static void
ngx_ws_mysql_finish(ngx_ws_mysql_op_t *op, ngx_ws_mysql_result_t *res)
{
    ngx_ws_mysql_t  *my;

    my = op->my;

    if (op->task.nsteps) {

        if (--my->pending == 0) {
            ngx_del_timer(&my->hold);
        }

        ngx_ws_metric_set(MYSQL_PENDING, my->pending);
    }

    if (op->task.nsteps && (op->done || op->state == ngx_ws_mysql_running)) {
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
    ngx_ws_mysql_task_free(&op->task);
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
ngx_ws_mysql_seen(ngx_ws_mysql_t *my, ngx_ws_mysql_task_t *task)
{
    if (task->away) {
        ngx_ws_mysql_away(my, &task->res.error);
        return;
    }

    switch (task->res.rc) {

    case NGX_OK:
    case NGX_ERROR:
        break;

    case NGX_AGAIN:
        /* was it the connection, or is it the server? */
        my->doubt = 1;
        ngx_add_timer(&my->probe, 1);
        return;

    default:
        return;
    }

    my->seen = ngx_current_msec;

    if (my->away) {
        my->away = 0;
        ngx_ws_metric_set(MYSQL_UP, 1);
        ngx_ws_backoff_reset(&my->backoff);

        ngx_log_error(NGX_LOG_NOTICE, my->log, 0, "mysql is back");
    }
}


static void
ngx_ws_mysql_away(ngx_ws_mysql_t *my, ngx_str_t *error)
{
    ngx_ws_mysql_op_t  *op;

    if (!my->away) {
        my->away = 1;
        ngx_ws_metric_set(MYSQL_UP, 0);

        ngx_log_error(NGX_LOG_ERR, my->log, 0, "mysql is away: %V", error);

        ngx_ws_mysql_probe_arm(my);
    }

    while (my->nwaiting) {
        op = ngx_queue_data(ngx_queue_head(&my->waiting), ngx_ws_mysql_op_t,
                            queue);

        ngx_ws_mysql_dequeue(op);
        ngx_ws_mysql_refuse(op, "mysql is away");
    }
}


static void
ngx_ws_mysql_probe_arm(ngx_ws_mysql_t *my)
{
    ngx_add_timer(&my->probe, my->away ? ngx_ws_backoff_next(&my->backoff,
                                                             ngx_random())
                                       : NGX_WS_MYSQL_PROBE_IDLE);
}


static void
ngx_ws_mysql_probe_handler(ngx_event_t *ev)
{
    ngx_ws_mysql_t     *my;
    ngx_ws_mysql_op_t  *op;

    my = ev->data;

    if (my->probing) {
        return;
    }

    if (my->nidle && (my->away || my->doubt
                      || ngx_current_msec - my->seen
                         >= NGX_WS_MYSQL_PROBE_IDLE))
    {
        op = ngx_ws_mysql_op_create(my, NULL, 0);

        if (op) {
            my->probing = 1;
            my->doubt = 0;

            op->done = ngx_ws_mysql_probe_done;
            op->data = my;

            ngx_ws_mysql_start(op);
            return;
        }
    }

    ngx_ws_mysql_probe_arm(my);
}


static void
ngx_ws_mysql_probe_done(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_mysql_t *my = data;

    my->probing = 0;

    ngx_ws_mysql_probe_arm(my);
}


static void
ngx_ws_mysql_event(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_ws_mysql_t *my)
{
    ev->handler = handler;
    ev->data = my;
    ev->log = my->log;
}
