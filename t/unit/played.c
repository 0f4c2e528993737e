
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_execute.h>
#include <ngx_ws_mysql_link.h>

#include "played.h"
#include "test.h"


#define TIMERS  8


struct ngx_ws_mysql_link_s {
    ngx_uint_t           open;
};


static ngx_event_t *timer_event(ngx_uint_t i);
static void tell(const char *fmt, ...);


ngx_ws_mysql_t            *my;
ngx_ws_mysql_conf_t        conf;
ngx_ws_mysql_stmt_t        select_stmt, update_stmt;

ngx_uint_t                 pool_full;
ngx_uint_t                 links;
ngx_uint_t                 nopen;
ngx_uint_t                 nopen_max = 100;
ngx_int_t                  open_rc;
ngx_int_t                  execute_rc;

static ngx_rbtree_node_t  *nodes[TIMERS];
static ngx_uint_t          nnodes;

static ngx_thread_task_t  *tasks;          /* posted, the first one first */

static u_char              sent[512];
static u_char             *sent_last = sent;
static uint64_t            metrics[NGX_WS_METRIC_N];

uint64_t                  *ngx_ws_metrics = metrics;
ngx_queue_t                ngx_posted_next_events;
ngx_rbtree_t               ngx_event_timer_rbtree;
volatile ngx_msec_t        ngx_current_msec = 1000000;
sig_atomic_t               ngx_terminate;


void
begin(void)
{
    static ngx_uint_t  order;

    ngx_queue_init(&ngx_posted_next_events);

    select_stmt.read_only = 1;
    select_stmt.nnames = 1;
    select_stmt.nhead = 1;
    select_stmt.order = &order;

    update_stmt = select_stmt;
    update_stmt.read_only = 0;

    conf.threads = 2;
    conf.timeout = 2000;

    create();
}


void
create(void)
{
    my = ngx_ws_mysql_create(&conf, NULL, &test_log);
}


void
end(void)
{
    loop();
    destroy();
}


void
destroy(void)
{
    ngx_ws_mysql_destroy(my);
    ngx_queue_init(&ngx_posted_next_events);

    is_int(links, 0, "destroyed with all links");
    is_int(nnodes, 0, "... and timers");
}


void
run_tasks(void)
{
    while (tasks) {
        tasks->handler(tasks->ctx, &test_log);
        tasks = tasks->next;
    }
}


ngx_ws_mysql_op_t *
query(answer_t *a, uint64_t n)
{
    ngx_ws_mysql_value_t  v;

    ngx_ws_mysql_set_uint(&v, n);

    return ngx_ws_mysql_query(my, &select_stmt, &v, 1, answered, a);
}


void
answered(void *data, ngx_ws_mysql_result_t *res)
{
    answer_t  *a = data;

    a->done++;
    a->rc = res->rc;
    a->error.len = ngx_min(res->error.len, sizeof(a->text));
    a->error.data = a->text;

    if (a->error.len) {
        ngx_memcpy(a->text, res->error.data, a->error.len);
    }

    if (res->nrows) {
        a->n = (ngx_uint_t) res->values[0].as.u;
    }

    if (a->again) {
        a->again--;
        (void) query(a, a->n + 1);
    }
}


void
is_sent(const char *expected, const char *name)
{
    ngx_str_t  s;

    s.data = sent;
    s.len = sent_last - sent;

    is_str(&s, expected, name);

    sent_last = sent;
}


void
forget(void)
{
    sent_last = sent;
}


void
loop(void)
{
    ngx_uint_t  i;

    for (i = 0; i < 3; i++) {
        complete();

        while (tasks) {
            complete();
            i = 0;
        }
    }
}


void
complete(void)
{
    ngx_event_t        *ev;
    ngx_thread_task_t  *list, *next, *t;

    list = tasks;
    tasks = NULL;

    for (t = list; t; t = t->next) {
        t->handler(t->ctx, &test_log);
    }

    for (t = list; t; t = next) {
        next = t->next;
        t->event.active = 0;
        t->event.complete = 1;
        t->event.handler(&t->event);
    }

    if (!ngx_queue_empty(&ngx_posted_next_events)) {
        ev = ngx_queue_data(ngx_queue_head(&ngx_posted_next_events),
                            ngx_event_t, queue);
        ngx_delete_posted_event(ev);
        ev->handler(ev);
    }
}


void
step(ngx_msec_t msec)
{
    ngx_uint_t          i;
    ngx_event_t        *ev;
    ngx_thread_task_t  *later;

    ngx_current_msec += msec;

    for (i = 0; i < nnodes; /* void */ ) {
        ev = timer_event(i);

        if ((ngx_msec_int_t) (ev->timer.key - ngx_current_msec) <= 0) {
            ngx_rbtree_delete(&ngx_event_timer_rbtree, &ev->timer);
            ev->timer_set = 0;
            ev->handler(ev);
            i = 0;

        } else {
            i++;
        }
    }

    later = tasks;
    tasks = NULL;
    complete();
    tasks = later;
}


ngx_uint_t
timers(ngx_uint_t cancelable)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < nnodes; i++) {
        n += (timer_event(i)->cancelable == cancelable);
    }

    return n;
}


static ngx_event_t *
timer_event(ngx_uint_t i)
{
    return (ngx_event_t *) ((u_char *) nodes[i]
                            - offsetof(ngx_event_t, timer));
}


static void
tell(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    sent_last = ngx_vslprintf(sent_last, sent + sizeof(sent), fmt, args);
    va_end(args);
}


ngx_int_t
ngx_thread_task_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task)
{
    ngx_thread_task_t  **t;

    if (pool_full) {
        return NGX_ERROR;
    }

    task->event.active = 1;
    task->next = NULL;

    for (t = &tasks; *t; t = &(*t)->next) { /* void */ }

    *t = task;

    return NGX_OK;
}


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    nodes[nnodes++] = node;
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_uint_t  i;

    for (i = 0; nodes[i] != node; i++) { /* void */ }

    nodes[i] = nodes[--nnodes];
}


ngx_int_t
ngx_ws_mysql_link_init(ngx_log_t *log)
{
    return NGX_OK;
}


ngx_ws_mysql_link_t *
ngx_ws_mysql_link_create(ngx_ws_mysql_conf_t *c, ngx_log_t *log)
{
    links++;

    return ngx_calloc(sizeof(ngx_ws_mysql_link_t), log);
}


void
ngx_ws_mysql_link_destroy(ngx_ws_mysql_link_t *link)
{
    links--;
    nopen -= link->open;
    ngx_free(link);
}


ngx_int_t
ngx_ws_mysql_link_open(ngx_ws_mysql_link_t *link)
{
    if (open_rc == NGX_OK && !link->open && nopen >= nopen_max) {
        tell("full ");
        return NGX_BUSY;
    }

    tell("open ");

    if (open_rc == NGX_OK) {
        nopen += !link->open;
        link->open = 1;

    } else {
        nopen -= link->open;
        link->open = 0;
    }

    return open_rc;
}


ngx_uint_t
ngx_ws_mysql_link_is_open(ngx_ws_mysql_link_t *link)
{
    return link->open;
}


void
ngx_ws_mysql_link_close(ngx_ws_mysql_link_t *link)
{
    nopen -= link->open;
    link->open = 0;

    if (open_rc == NGX_OK && nopen < nopen_max) {
        tell("close ");
    }
}


ngx_int_t
ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link, const char *sql)
{
    tell("%*s ", strcspn(sql, " "), sql);

    return NGX_OK;
}


ngx_int_t
ngx_ws_mysql_execute(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_ws_mysql_value_t *params,
    ngx_uint_t units, ngx_pool_t *pool, ngx_ws_mysql_result_t *res)
{
    ngx_uint_t  i, n;

    n = stmt->nhead + units * stmt->nunit + stmt->ntail;

    for (i = 0; i < n; i++) {

        switch (params[i].type) {

        case NGX_WS_MYSQL_NULL:
            tell("NULL ");
            break;

        case NGX_WS_MYSQL_STRING:
            tell("%V ", &params[i].as.s);
            break;

        default:
            tell("%uL ", params[i].as.u);
        }
    }

    if (execute_rc == NGX_OK && stmt == &select_stmt) {
        res->values = ngx_palloc(pool, sizeof(ngx_ws_mysql_value_t));
        res->values[0] = params[0];
        res->nrows = 1;
        res->ncols = 1;
    }

    return execute_rc;
}


size_t
ngx_ws_mysql_link_room(ngx_ws_mysql_link_t *link)
{
    return 1024 * 1024;
}


ngx_uint_t
ngx_ws_mysql_link_errnum(ngx_ws_mysql_link_t *link)
{
    return 2002;
}


ngx_str_t
ngx_ws_mysql_link_error(ngx_ws_mysql_link_t *link)
{
    ngx_str_t  s;

    ngx_str_set(&s, "no server");

    return s;
}
