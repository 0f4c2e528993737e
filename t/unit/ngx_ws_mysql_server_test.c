
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* Whether the server is there, and has room for this worker. */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>

#include "played.h"
#include "test.h"


static void probes(void);
static void away(void);
static void crowded(void);
static void unknown(void);


int
main(void)
{
    begin();
    probes();
    away();
    crowded();
    unknown();
    end();

    return done();
}


static void
probes(void)
{
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
    forget();
}


static void
crowded(void)
{
    answer_t    a[4];
    ngx_uint_t  i;

    end();
    nopen_max = 1;
    create();

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
    create();
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
