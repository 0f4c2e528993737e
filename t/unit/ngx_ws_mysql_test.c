
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The event side, with the task, on a link that is played here, and so is the
 * thread pool: a list of tasks, which run when the test says so.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_execute.h>
#include <ngx_ws_mysql_link.h>

#include "test.h"


#define TIMERS  8


typedef struct {
    ngx_uint_t           done;
    ngx_uint_t           again;
    ngx_int_t            rc;
    ngx_str_t            error;
    u_char               text[64];
    ngx_uint_t           n;
} answer_t;


struct ngx_ws_mysql_link_s {
    ngx_uint_t           open;
};


static void begin(void);
static void end(void);
static void queries(void);
static void values(void);
static void waiting(void);
static void full(void);
static void away(void);
static void crowded(void);
static void cancelled(void);
static void unknown(void);
static void memory(void);
static void left(void);
static ngx_ws_mysql_op_t *query(answer_t *a, uint64_t n);
static void answered(void *data, ngx_ws_mysql_result_t *res);
static void tell(const char *fmt, ...);
static void is_sent(const char *expected, const char *name);
static void loop(void);
static void complete(void);
static void step(ngx_msec_t msec);
static ngx_uint_t timers(ngx_uint_t cancelable);
static ngx_event_t *timer_event(ngx_uint_t i);


static ngx_ws_mysql_t        *my;
static ngx_ws_mysql_conf_t    conf;
static ngx_ws_mysql_stmt_t    select_stmt, update_stmt, rows_stmt, list_stmt;

static ngx_rbtree_node_t     *nodes[TIMERS];
static ngx_uint_t             nnodes;

static ngx_thread_task_t     *tasks;       /* posted, the first one first */
static ngx_uint_t             pool_full;

static ngx_uint_t             links;
static ngx_uint_t             nopen;
static ngx_uint_t             nopen_max = 100;   /* what the server takes */
static ngx_int_t              open_rc;
static ngx_int_t              execute_rc;
static u_char                 sent[512];
static u_char                *sent_last = sent;
static uint64_t               metrics[NGX_WS_METRIC_N];

uint64_t                     *ngx_ws_metrics = metrics;
ngx_queue_t                   ngx_posted_next_events;
ngx_rbtree_t                  ngx_event_timer_rbtree;
volatile ngx_msec_t           ngx_current_msec = 1000000;
sig_atomic_t                  ngx_terminate;


int
main(void)
{
    ngx_queue_init(&ngx_posted_next_events);

    select_stmt.read_only = 1;
    select_stmt.nnames = 1;
    select_stmt.nhead = 1;
    select_stmt.order = ngx_calloc(sizeof(ngx_uint_t), &test_log);

    update_stmt = select_stmt;
    update_stmt.read_only = 0;

    begin();
    queries();
    values();
    waiting();
    full();
    away();
    crowded();
    cancelled();
    unknown();
    memory();
    end();

    left();

    ngx_free(select_stmt.order);

    return done();
}


static void
begin(void)
{
    conf.threads = 2;
    conf.timeout = 2000;

    my = ngx_ws_mysql_create(&conf, NULL, &test_log);

    ok(my != NULL, "created");
    is_int(links, 2, "... with as many links as threads");
    ok(ngx_ws_mysql_is_up(my), "... up until it is known better");
    is_int(timers(0), 0, "... and keeps nobody from leaving");

    step(1);
    is_sent("", "a probe waits for a thread");
    loop();
    is_sent("open DO ", "... and asks the server");

    step(14999);
    loop();
    is_sent("", "no probe for some time");
    step(1);
    loop();
    is_sent("open DO ", "... then again");
}


static void
end(void)
{
    loop();
    ngx_ws_mysql_destroy(my);

    is_int(links, 0, "destroyed with all links");
    is_int(nnodes, 0, "... and timers");
}


static void
queries(void)
{
    answer_t    a[5];
    ngx_uint_t  i;

    ngx_memzero(a, sizeof(a));

    for (i = 0; i < 5; i++) {
        (void) query(&a[i], i);
    }

    is_int(metrics[NGX_WS_METRIC_MYSQL_PENDING], 5, "five queries");
    is_int(timers(0), 2, "a leaving worker waits for them");

    complete();
    is_sent("open 0 open 1 ", "two run at a time");
    ok(a[0].done == 1 && a[1].done == 1 && a[2].done == 0,
       "... and are answered");

    complete();
    is_sent("open 2 open 3 ", "then the next two");

    complete();
    is_sent("open 4 ", "and the last one");

    for (i = 0; i < 5; i++) {
        ok(a[i].done == 1 && a[i].rc == NGX_OK && a[i].n == i,
           "each has its own answer");
    }

    is_int(metrics[NGX_WS_METRIC_MYSQL_PENDING], 0, "nothing is left");
    is_int(timers(0), 0, "... to wait for");

    /* a callback that asks again */

    a[0].done = 0;
    a[0].again = 3;
    (void) query(&a[0], 7);
    loop();
    is_int(a[0].done, 4, "callbacks may ask again");
    is_sent("open 7 open 8 open 9 open 10 ", "... and are answered");

    step(20000);
    loop();
    is_sent("open DO ", "a probe when nothing was asked");
}


static void
values(void)
{
    answer_t              a, late;
    ngx_str_t             s;
    ngx_uint_t            order[6];
    ngx_msec_t            now;
    u_char                text[] = "abc";
    struct timespec       ts;
    ngx_ws_mysql_item_t   items[2];
    ngx_ws_mysql_value_t  v[15];

    ngx_memzero(&a, sizeof(answer_t));
    ngx_memzero(&late, sizeof(answer_t));
    ngx_memzero(v, sizeof(v));

    /* "VALUES (:b, :a)" with two rows */

    order[0] = 1;
    order[1] = 0;

    rows_stmt.kind = NGX_WS_MYSQL_ROWS;
    rows_stmt.nnames = 2;
    rows_stmt.nunit = 2;
    rows_stmt.order = order;

    s.len = 3;
    s.data = text;

    ngx_ws_mysql_set_uint(&v[0], 1);
    ngx_ws_mysql_set_str(&v[1], &s);
    ngx_ws_mysql_set_uint(&v[2], 2);
    ngx_ws_mysql_set_null(&v[3]);

    (void) ngx_ws_mysql_query(my, &rows_stmt, v, 4, answered, &a);
    ngx_memset(text, 'x', 3);
    loop();
    is_sent("open START abc 1 NULL 2 COMMIT ", "rows in their order");
    is_int(a.done, 1, "... are answered");

    /* ":a IN (:list) AND :b = :a" with three items */

    order[0] = 0;
    order[1] = 2;
    order[2] = 1;
    order[3] = 0;

    list_stmt.kind = NGX_WS_MYSQL_LIST;
    list_stmt.nnames = 3;
    list_stmt.nhead = 1;
    list_stmt.nunit = 1;
    list_stmt.ntail = 2;
    list_stmt.order = order;

    ngx_ws_mysql_set_uint(&v[0], 10);
    ngx_ws_mysql_set_uint(&v[1], 20);
    ngx_ws_mysql_set_uint(&v[2], 31);
    ngx_ws_mysql_set_uint(&v[3], 32);
    ngx_ws_mysql_set_uint(&v[4], 33);

    (void) ngx_ws_mysql_query(my, &list_stmt, v, 5, answered, &a);
    loop();
    is_sent("open 10 31 32 33 33 33 33 33 33 33 33 20 10 ",
            "a list is filled up to a fixed size");

    (void) ngx_ws_mysql_query(my, &list_stmt, v, 3, answered, &a);
    loop();
    is_sent("open 10 31 20 10 ", "a list of one");

    items[0].stmt = &update_stmt;
    items[0].values = &v[0];
    items[0].n = 1;
    items[1].stmt = &list_stmt;
    items[1].values = v;
    items[1].n = 3;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    now = (ngx_msec_t) ts.tv_sec * 1000;

    (void) ngx_ws_mysql_transaction(my, items, 2, now + 10000, answered, &a);
    loop();
    is_sent("open START 10 10 31 20 10 COMMIT ", "a transaction");

    (void) ngx_ws_mysql_transaction(my, items, 2, now, answered, &late);
    loop();
    is_sent("", "one that comes too late");
    is_int(late.rc, NGX_DECLINED, "... is declined");
    is_int(a.done, 4, "... and all are answered");
}


static void
waiting(void)
{
    answer_t    a[5];
    ngx_uint_t  i;

    ngx_memzero(a, sizeof(a));

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    step(1000);
    (void) query(&a[4], 4);
    step(999);
    is_int(a[2].done, 0, "what waits has its time");
    step(1);
    ok(a[2].done == 1 && a[3].done == 1, "... and is declined then");
    is_int(a[2].rc, NGX_DECLINED, "... not executed");
    is_str(&a[2].error, "mysql is too slow", "... with a reason");
    ok(a[0].done == 0 && a[1].done == 0, "what runs is not");
    is_int(a[4].done, 0, "nor what waits since later");

    loop();
    ok(a[0].rc == NGX_OK && a[1].rc == NGX_OK && a[4].rc == NGX_OK,
       "which are answered");
    is_sent("open 0 open 1 open 4 ", "... and executed");
}


static void
full(void)
{
    answer_t              a, last;
    ngx_str_t             s;
    ngx_uint_t            i;
    ngx_ws_mysql_value_t  v;

    ngx_memzero(&a, sizeof(answer_t));
    ngx_memzero(&last, sizeof(answer_t));

    for (i = 0; i < 10002; i++) {
        (void) query(&a, 1);
    }

    (void) query(&last, 1);
    is_int(last.done, 0, "more than may wait");
    step(0);
    ok(last.done == 1 && last.rc == NGX_DECLINED, "... is declined");
    is_str(&last.error, "too much is waiting for mysql", "... with a reason");
    is_int(a.done, 0, "the others wait");
    loop();
    is_int(a.done, 10002, "... and are answered");

    /* two run, one waits of whatever size, and then no more */

    s.len = 20 * 1024 * 1024;
    s.data = ngx_calloc(s.len, &test_log);
    ngx_ws_mysql_set_str(&v, &s);
    ngx_memzero(&a, sizeof(answer_t));

    for (i = 0; i < 4; i++) {
        (void) ngx_ws_mysql_query(my, &update_stmt, &v, 1, answered, &a);
    }

    ngx_free(s.data);

    step(0);
    ok(a.done == 1 && a.rc == NGX_DECLINED, "too many bytes are declined");
    loop();
    ok(a.done == 4 && a.rc == NGX_OK, "the others are executed");

    ngx_memzero(&a, sizeof(answer_t));
    pool_full = 1;
    (void) query(&a, 1);
    is_int(a.done, 0, "a full thread pool");
    loop();
    pool_full = 0;
    ok(a.done == 1 && a.rc == NGX_DECLINED, "... declines");
    is_str(&a.error, "the thread pool is full", "... with a reason");
    (void) query(&a, 1);
    loop();
    ok(a.done == 2 && a.rc == NGX_OK, "... as long as it is full");
    is_int(timers(0), 0, "nothing is left");

    sent_last = sent;
}


static void
away(void)
{
    answer_t    a[5];
    ngx_uint_t  i;

    ngx_memzero(a, sizeof(a));

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    open_rc = NGX_ABORT;
    loop();

    for (i = 0; i < 4; i++) {
        ok(a[i].done == 1 && a[i].rc == NGX_DECLINED,
           "what meets a server that is away is declined");
    }

    is_str(&a[0].error, "no server", "... with the reason");
    is_str(&a[3].error, "mysql is away", "... which the others do not know");
    ok(!ngx_ws_mysql_is_up(my), "mysql is away");
    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_UP], 0, "... for all to see");
    is_sent("open open ", "... and was not asked by all");

    (void) query(&a[4], 4);
    is_int(a[4].done, 0, "a later one is not answered from inside");
    loop();
    ok(a[4].done == 1 && a[4].rc == NGX_DECLINED, "... but at once");
    is_sent("", "... and without asking");

    is_int(timers(0), 0, "a leaving worker does not wait for the server");

    for (i = 0; i < 10; i++) {
        step(1000);
        loop();
        is_sent("open ", "it is asked again every second");
    }

    open_rc = NGX_OK;
    step(1000);
    loop();
    is_sent("open DO ", "until it is back");
    ok(ngx_ws_mysql_is_up(my), "mysql is back");
    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_UP], 1, "... for all to see");

    (void) query(&a[4], 4);
    loop();
    is_int(a[4].rc, NGX_OK, "and answers");
    sent_last = sent;
}


static void
crowded(void)
{
    answer_t    a[4];
    ngx_uint_t  i;

    end();
    nopen_max = 1;
    my = ngx_ws_mysql_create(&conf, NULL, &test_log);

    ngx_memzero(a, sizeof(a));
    step(1);
    loop();
    is_sent("open DO ", "a server with room for one");

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    complete();
    is_sent("open 0 full ", "the second is too many");
    ok(a[0].done == 1 && a[1].done == 0, "... and its statement waits");
    ok(ngx_ws_mysql_is_up(my), "... mysql is not away");

    loop();
    is_sent("open 2 open 1 open 3 ", "... until the first link is free");

    for (i = 0; i < 4; i++) {
        ok(a[i].done == 1 && a[i].rc == NGX_OK, "... all are answered");
    }

    for (i = 0; i < 3; i++) {
        (void) query(&a[i], i);
    }

    loop();
    is_sent("open 0 open 1 open 2 ", "no other link is tried for a while");

    step(1000);

    (void) query(&a[0], 0);
    (void) query(&a[1], 1);
    loop();
    is_sent("open 0 full open 1 ", "then it is");

    nopen_max = 2;
    step(1000);

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    loop();
    is_sent("open 0 open 1 open 2 open 3 ", "and taken");
    is_int(nopen, 2, "... when there is room");

    /* nothing else is of use: this is a server that is away */

    end();
    nopen_max = 0;
    my = ngx_ws_mysql_create(&conf, NULL, &test_log);
    step(1);
    loop();
    is_sent("full ", "a server with no room at all");
    ok(!ngx_ws_mysql_is_up(my), "... is away");

    nopen_max = 100;
    step(1000);
    loop();
    is_sent("open DO ", "until it has some");
    ok(ngx_ws_mysql_is_up(my), "... and is back");
}


static void
cancelled(void)
{
    answer_t            a[4];
    ngx_uint_t          i;
    ngx_ws_mysql_op_t  *op[4];

    ngx_memzero(a, sizeof(a));

    for (i = 0; i < 4; i++) {
        select_stmt.read_only = (i != 3);
        op[i] = query(&a[i], i);
    }

    ngx_ws_mysql_cancel(op[0]);
    ngx_ws_mysql_cancel(op[2]);
    ngx_ws_mysql_cancel(op[3]);

    loop();
    select_stmt.read_only = 1;

    ok(a[0].done == 0 && a[2].done == 0 && a[3].done == 0,
       "what is cancelled has no callback");
    is_int(a[1].done, 1, "the others have");
    is_int(metrics[NGX_WS_METRIC_MYSQL_PENDING], 0, "nothing is left");
    sent_last = sent;

    for (i = 0; i < 3; i++) {
        op[i] = query(&a[i], i);
    }

    ngx_ws_mysql_cancel(op[2]);
    loop();
    is_sent("open 0 open 1 ", "a SELECT that waits is not executed");

    for (i = 0; i < 3; i++) {
        select_stmt.read_only = 0;
        op[i] = query(&a[i], i);
    }

    ngx_ws_mysql_cancel(op[2]);
    loop();
    is_sent("open 0 open 1 open 2 ", "what changes something is");
    select_stmt.read_only = 1;
}


static void
unknown(void)
{
    answer_t              a;
    ngx_ws_mysql_value_t  v;

    ngx_memzero(&a, sizeof(answer_t));
    ngx_ws_mysql_set_uint(&v, 1);

    execute_rc = NGX_AGAIN;
    (void) ngx_ws_mysql_query(my, &update_stmt, &v, 1, answered, &a);
    loop();
    execute_rc = NGX_OK;

    is_int(a.rc, NGX_AGAIN, "a change that may have been made");
    is_sent("open 1 close ", "... is not repeated");

    step(1);
    loop();
    is_sent("open DO ", "the server is asked at once whether it is there");
    ok(ngx_ws_mysql_is_up(my), "... and is");
}


static void
memory(void)
{
    answer_t  a;

    ngx_memzero(&a, sizeof(answer_t));

    (void) fail_alloc(1);
    ok(query(&a, 1) == NULL, "no memory for a query");
    (void) fail_alloc(0);

    loop();
    is_int(a.done, 0, "... no callback");
    is_int(metrics[NGX_WS_METRIC_MYSQL_PENDING], 0, "... nothing pending");
    sent_last = sent;
}


static void
left(void)
{
    answer_t    a[4];
    ngx_uint_t  i;

    ngx_memzero(a, sizeof(a));

    my = ngx_ws_mysql_create(&conf, NULL, &test_log);

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    pool_full = 1;
    step(2000);
    pool_full = 0;

    (void) query(&a[3], 3);

    /* the pool's threads end first, and nobody hears of it */

    while (tasks) {
        tasks->handler(tasks->ctx, &test_log);
        tasks = tasks->next;
    }

    i = a[0].done + a[1].done + a[2].done + a[3].done;
    ngx_ws_mysql_destroy(my);
    ngx_queue_init(&ngx_posted_next_events);

    is_int(a[0].done + a[1].done + a[2].done + a[3].done, i,
           "at the end there are no callbacks");
    is_int(links, 0, "all links are closed");
    is_int(nnodes, 0, "all timers are deleted");
    sent_last = sent;
}


static ngx_ws_mysql_op_t *
query(answer_t *a, uint64_t n)
{
    ngx_ws_mysql_value_t  v;

    ngx_ws_mysql_set_uint(&v, n);

    return ngx_ws_mysql_query(my, &select_stmt, &v, 1, answered, a);
}


static void
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


static void
tell(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    sent_last = ngx_vslprintf(sent_last, sent + sizeof(sent), fmt, args);
    va_end(args);
}


/* what the links were told since the last time */

static void
is_sent(const char *expected, const char *name)
{
    ngx_str_t  s;

    s.data = sent;
    s.len = sent_last - sent;

    is_str(&s, expected, name);

    sent_last = sent;
}


/* until nothing goes on */

static void
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


/* the tasks that are there now, their completion, and posted events */

static void
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


/* time goes on, but no task is run */

static void
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


static ngx_uint_t
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
