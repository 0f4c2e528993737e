
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* What is asked for: copied, waiting, refused, answered. */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>

#include "played.h"
#include "test.h"


static void queries(void);
static void values(void);
static void waiting(void);
static void full(void);
static void cancelled(void);
static void memory(void);
static void left(void);


static ngx_ws_mysql_stmt_t  rows_stmt, list_stmt;


int
main(void)
{
    begin();
    step(1);
    loop();
    forget();

    queries();
    values();
    waiting();
    full();
    cancelled();
    memory();
    end();

    left();

    return done();
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

    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_PENDING], 5, "five queries");
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

    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_PENDING], 0, "nothing is left");
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

    forget();
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
    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_PENDING], 0, "nothing is left");
    forget();

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
memory(void)
{
    answer_t  a;

    ngx_memzero(&a, sizeof(answer_t));

    (void) fail_alloc(1);
    ok(query(&a, 1) == NULL, "no memory for a query");
    (void) fail_alloc(0);

    loop();
    is_int(a.done, 0, "... no callback");
    is_int(ngx_ws_metrics[NGX_WS_METRIC_MYSQL_PENDING], 0,
           "... nothing pending");
    forget();
}


static void
left(void)
{
    answer_t    a[4];
    ngx_uint_t  i;

    ngx_memzero(a, sizeof(a));

    create();

    for (i = 0; i < 4; i++) {
        (void) query(&a[i], i);
    }

    pool_full = 1;
    step(2000);
    pool_full = 0;

    (void) query(&a[3], 3);

    run_tasks();

    i = a[0].done + a[1].done + a[2].done + a[3].done;
    destroy();

    is_int(a[0].done + a[1].done + a[2].done + a[3].done, i,
           "at the end there are no callbacks");
    forget();
}
