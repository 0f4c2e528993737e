
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * Attempts, transactions and the search for rows at fault, on a link that is
 * played here: rows with a poison are refused, and calls fail as told.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_execute.h>
#include <ngx_ws_mysql_task.h>

#include "test.h"


#define ROWS    1500
#define POISON  (ROWS + 1)


typedef struct {
    const char          *what;        /* the call: "open", "COMMIT", ... */
    ngx_uint_t           nth;         /* from 1 */
    ngx_int_t            rc;
} failure_t;


struct ngx_ws_mysql_link_s {
    ngx_uint_t           opened;
    ngx_uint_t           executed;
    ngx_uint_t           rows;        /* of this transaction */
    ngx_uint_t           committed;
    ngx_uint_t           largest;
    size_t               room;
    u_char               log[4096];
    u_char              *last;
    ngx_uint_t           calls[4];
    const failure_t     *failures;
    const char          *error;
};


static void sizes(void);
static void single(void);
static void rows(void);
static void poison(void);
static void room(void);
static void transactions(void);
static void lost(void);
static void deadlocks(void);
static void stopped(void);
static void run(const failure_t *failures);
static void insert(ngx_uint_t n);
static ngx_int_t played(const char *what, ngx_int_t otherwise);
static void trace(const char *what);
static void is_trace(const char *expected, const char *name);


static ngx_ws_mysql_link_t   server;
static ngx_ws_mysql_task_t   task;
static ngx_ws_mysql_step_t   steps[2];
static ngx_ws_mysql_stmt_t   insert_stmt, select_stmt, update_stmt;
static ngx_ws_mysql_value_t  values[ROWS * 2];

sig_atomic_t                 ngx_terminate;


int
main(void)
{
    insert_stmt.kind = NGX_WS_MYSQL_ROWS;
    insert_stmt.nunit = 2;
    select_stmt.read_only = 1;

    sizes();
    single();
    rows();
    poison();
    room();
    transactions();
    lost();
    deadlocks();
    stopped();

    ngx_ws_mysql_task_free(&task);

    return done();
}


static void
sizes(void)
{
    is_int(ngx_ws_mysql_task_units(1), 1, "one item");
    is_int(ngx_ws_mysql_task_units(2), 10, "two fit into ten");
    is_int(ngx_ws_mysql_task_units(10), 10, "ten");
    is_int(ngx_ws_mysql_task_units(11), 100, "eleven");
    is_int(ngx_ws_mysql_task_units(101), 1000, "a hundred and one");
    is_int(ngx_ws_mysql_task_units(1000), 1000, "a thousand");
}


static void
single(void)
{
    static const failure_t  refused[] = { { "execute", 1, NGX_ERROR },
                                          { NULL, 0, 0 } };
    static const failure_t  data[] = { { "execute", 1, NGX_DECLINED },
                                       { NULL, 0, 0 } };

    task.nsteps = 0;
    run(NULL);
    is_int(task.res.rc, NGX_OK, "a probe");
    is_trace("open DO ", "... asks the server");

    task.nsteps = 1;
    steps[0].stmt = &update_stmt;
    steps[0].units = 1;

    run(NULL);
    is_int(task.res.rc, NGX_OK, "a statement");
    is_trace("open 1 ", "... is no transaction");

    run(refused);
    is_int(task.res.rc, NGX_ERROR, "a refused statement");
    is_int(task.res.data, 0, "... not for its data");
    is_int(task.res.errnum, 7, "... with the server's number");
    is_str(&task.res.error, "as told", "... and text");
    is_trace("open 1 ", "... is not tried again");

    run(data);
    is_int(task.res.rc, NGX_ERROR, "refused data");
    is_int(task.res.data, 1, "... are told apart");
}


static void
rows(void)
{
    insert(1);
    run(NULL);
    is_int(task.res.affected, 1, "one row");
    is_trace("open 1 ", "... is no transaction");

    insert(10);
    run(NULL);
    is_int(task.res.affected, 10, "ten rows");
    is_trace("open START 10 COMMIT ", "... in one statement");

    insert(1234);
    run(NULL);
    is_int(task.res.affected, 1234, "all of many rows");
    is_int(server.committed, 1234, "... are committed");
    is_trace("open START 1000 100 100 10 10 10 1 1 1 1 COMMIT ",
             "... in statements of few sizes");
}


static void
poison(void)
{
    insert(1);
    values[0].as.u = POISON;
    run(NULL);
    is_int(task.res.rc, NGX_OK, "one row at fault");
    is_int(task.res.nbad, 1, "... is put aside");

    insert(1200);
    values[2 * 0].as.u = POISON;
    values[2 * 777].as.u = POISON;
    values[2 * 1199].as.u = POISON;
    run(NULL);

    is_int(task.res.rc, NGX_OK, "three rows of 1,200 at fault");
    is_int(server.committed, 1197, "all others are committed");
    is_int(task.res.affected, 1197, "... and counted");
    is_int(task.res.nbad, 3, "those are put aside");
    ok(task.res.bad[0].row == 0 && task.res.bad[1].row == 777
       && task.res.bad[2].row == 1199, "... by their numbers");
    is_int(task.res.bad[1].errnum, 7, "... with the server's number");
    is_str(&task.res.bad[1].error, "poison", "... and text");
    is_int(task.res.errnum, 0, "the whole has no error");
    ok(server.executed < 80, "it takes few statements");
}


static void
room(void)
{
    ngx_uint_t  i;

    insert(100);

    for (i = 0; i < 100; i++) {
        values[2 * i + 1].as.s.len = 1000;
    }

    server.room = 15000;
    run(NULL);
    is_int(server.committed, 100, "what needs more room than there is");
    is_int(server.largest, 10, "... goes in smaller statements");

    values[2 * 50 + 1].as.s.len = 15000;
    run(NULL);
    is_int(server.committed, 99, "a row without room");
    is_int(task.res.nbad, 1, "... is put aside");
    is_int(task.res.bad[0].row, 50, "... alone");
    is_int(task.res.bad[0].errnum, NGX_WS_MYSQL_ETOOLARGE, "... for its size");

    server.room = 1024 * 1024;

    insert_stmt.nunit = 2;
    insert(1000);
    insert_stmt.nunit = 200;
    steps[0].units = 10;
    run(NULL);
    is_int(server.largest, 10, "many columns");

    steps[0].units = 15;
    insert_stmt.nunit = 200;
    run(NULL);
    is_int(server.committed, 15, "... in rows that are few");

    insert_stmt.nunit = 2;
}


static void
transactions(void)
{
    static const failure_t  first[] = { { "execute", 1, NGX_DECLINED },
                                        { NULL, 0, 0 } };
    static const failure_t  last[] = { { "execute", 2, NGX_ERROR },
                                       { NULL, 0, 0 } };
    static const failure_t  commit[] = { { "COMMIT", 1, NGX_ERROR },
                                         { NULL, 0, 0 } };

    insert(3);
    steps[1] = steps[0];
    steps[0].stmt = &update_stmt;
    steps[0].units = 1;
    task.nsteps = 2;

    run(NULL);
    is_int(task.res.rc, NGX_OK, "two statements");
    is_trace("open START 1 1 1 1 COMMIT ", "... are a transaction");

    run(first);
    is_int(task.res.rc, NGX_ERROR, "the first one is refused");
    is_int(task.res.item, 0, "... and named");
    is_trace("open START 1 ROLLBACK ", "... all is undone");

    values[2].as.u = POISON;
    run(NULL);
    is_int(task.res.nbad, 1, "a row at fault");
    is_int(task.res.bad[0].item, 1, "... of the second one");
    is_int(task.res.rc, NGX_OK, "... leaves the rest");

    run(last);
    is_int(task.res.rc, NGX_ERROR, "the last one is refused");
    is_int(task.res.item, 1, "... and named");
    is_int(server.committed, 0, "... nothing is committed");

    run(commit);
    is_int(task.res.rc, NGX_ERROR, "COMMIT is refused");
}


static void
lost(void)
{
    static const failure_t  open[] = { { "open", 1, NGX_ABORT },
                                       { NULL, 0, 0 } };
    static const failure_t  execute[] = { { "execute", 1, NGX_AGAIN },
                                          { NULL, 0, 0 } };
    static const failure_t  prepare[] = { { "execute", 1, NGX_ABORT },
                                          { NULL, 0, 0 } };
    static const failure_t  full[] = { { "open", 1, NGX_BUSY },
                                       { NULL, 0, 0 } };
    static const failure_t  always[] = { { "execute", 1, NGX_AGAIN },
                                         { "open", 2, NGX_ABORT },
                                         { NULL, 0, 0 } };
    static const failure_t  commit[] = { { "COMMIT", 1, NGX_AGAIN },
                                         { NULL, 0, 0 } };
    static const failure_t  probe[] = { { "DO", 1, NGX_AGAIN },
                                        { "open", 2, NGX_ABORT },
                                        { NULL, 0, 0 } };

    task.nsteps = 1;
    steps[0].stmt = &select_stmt;
    steps[0].units = 1;

    run(open);
    is_int(task.res.rc, NGX_DECLINED, "no connection");
    ok(task.away, "... the server is away");
    is_trace("open close ", "... and not asked again");

    run(execute);
    is_int(task.res.rc, NGX_OK, "a SELECT loses its connection");
    is_trace("open 1 close open 1 ", "... and is repeated");
    ok(!task.away, "... the server is there");

    run(full);
    ok(task.away && task.crowded, "... by a server that is full");

    run(always);
    ok(!task.crowded, "... by one that is not");
    is_int(task.res.rc, NGX_DECLINED, "... and the server is away then");
    ok(task.away, "... which is told");

    steps[0].stmt = &update_stmt;

    run(prepare);
    is_int(task.res.rc, NGX_OK, "an UPDATE that was not sent");
    is_trace("open 1 close open 1 ", "... is repeated");

    run(execute);
    is_int(task.res.rc, NGX_AGAIN, "an UPDATE that was sent");
    is_trace("open 1 close ", "... is not, nobody knows");

    insert(10);

    run(execute);
    is_int(task.res.rc, NGX_OK, "a transaction that was not committed");
    is_trace("open START 10 close open START 10 COMMIT ", "... is repeated");
    is_int(server.committed, 10, "... once");

    run(commit);
    is_int(task.res.rc, NGX_AGAIN, "a COMMIT that was sent");
    is_trace("open START 10 COMMIT close ", "... is not");

    task.nsteps = 0;

    run(probe);
    is_int(task.res.rc, NGX_DECLINED, "a probe");
    ok(task.away, "... of a server that has gone");
    is_trace("open DO close open close ", "... by two connections");
}


static void
deadlocks(void)
{
    static const failure_t  once[] = { { "execute", 2, NGX_BUSY },
                                       { NULL, 0, 0 } };
    static const failure_t  thrice[] = { { "execute", 1, NGX_BUSY },
                                         { "execute", 2, NGX_BUSY },
                                         { "execute", 3, NGX_BUSY },
                                         { NULL, 0, 0 } };

    insert(11);

    run(once);
    is_int(task.res.rc, NGX_OK, "a deadlock");
    is_trace("open START 10 1 ROLLBACK open START 10 1 COMMIT ",
             "... all is done again");
    is_int(task.res.affected, 11, "... and counted once");

    run(thrice);
    is_int(task.res.rc, NGX_DECLINED, "three deadlocks");
    ok(!task.away, "... the server is there");
    is_int(server.committed, 0, "... nothing is done");
}


static void
stopped(void)
{
    static const failure_t  busy[] = { { "execute", 1, NGX_BUSY },
                                       { "stop", 0, 0 },
                                       { NULL, 0, 0 } };

    insert(10);

    ngx_terminate = 1;
    run(NULL);
    is_int(task.res.rc, NGX_DECLINED, "the worker is stopped");
    is_trace("", "... nothing is begun");

    ngx_terminate = 0;
    run(busy);
    is_int(task.res.rc, NGX_DECLINED, "stopped meanwhile");
    is_trace("open START 10 ROLLBACK ", "... nothing is repeated");

    ngx_terminate = 0;
}


static void
run(const failure_t *failures)
{
    server.opened = 0;
    server.executed = 0;
    server.rows = 0;
    server.committed = 0;
    server.largest = 0;
    server.last = server.log;
    server.failures = failures;
    ngx_memzero(server.calls, sizeof(server.calls));

    if (server.room == 0) {
        server.room = 1024 * 1024;
    }

    task.link = &server;
    task.steps = steps;
    task.log = &test_log;
    task.away = 0;

    ngx_ws_mysql_task_run(&task);
}


static void
insert(ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        ngx_ws_mysql_set_uint(&values[2 * i], i);
        values[2 * i + 1].type = NGX_WS_MYSQL_STRING;
        values[2 * i + 1].as.s.len = 1;
        values[2 * i + 1].as.s.data = (u_char *) "";
    }

    task.nsteps = 1;
    steps[0].stmt = &insert_stmt;
    steps[0].params = values;
    steps[0].units = n;
}


ngx_int_t
ngx_ws_mysql_link_open(ngx_ws_mysql_link_t *link)
{
    link->opened = 1;
    trace("open");

    return played("open", NGX_OK);
}


void
ngx_ws_mysql_link_close(ngx_ws_mysql_link_t *link)
{
    link->opened = 0;
    link->rows = 0;
    trace("close");
}


ngx_int_t
ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link, const char *sql)
{
    ngx_int_t  rc;
    u_char     word[16], *p;

    for (p = word; *sql && *sql != ' '; sql++) {
        *p++ = (u_char) *sql;
    }

    *p = '\0';

    trace((char *) word);
    rc = played((char *) word, NGX_OK);

    if (word[0] == 'C' && rc == NGX_OK) {
        link->committed += link->rows;
    }

    if (word[0] != 'D') {
        link->rows = 0;
    }

    return rc;
}


ngx_int_t
ngx_ws_mysql_execute(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_ws_mysql_value_t *params,
    ngx_uint_t units, ngx_pool_t *pool, ngx_ws_mysql_result_t *res)
{
    u_char      text[NGX_INT_T_LEN];
    ngx_int_t   rc;
    ngx_uint_t  i;

    *ngx_sprintf(text, "%ui", units) = '\0';
    trace((char *) text);

    link->executed++;
    link->largest = ngx_max(link->largest, units);

    rc = played("execute", NGX_OK);

    for (i = 0; rc == NGX_OK && i < units && stmt == &insert_stmt; i++) {
        if (params[i * stmt->nunit].as.u == POISON) {
            link->error = "poison";
            return NGX_DECLINED;
        }
    }

    if (rc == NGX_OK) {
        res->affected += units;
        link->rows += units;
    }

    return rc;
}


size_t
ngx_ws_mysql_link_room(ngx_ws_mysql_link_t *link)
{
    return link->room;
}


ngx_uint_t
ngx_ws_mysql_link_errnum(ngx_ws_mysql_link_t *link)
{
    return 7;
}


ngx_str_t
ngx_ws_mysql_link_error(ngx_ws_mysql_link_t *link)
{
    ngx_str_t  s;

    s.data = (u_char *) link->error;
    s.len = ngx_strlen(link->error);

    return s;
}


/* the same call fails as often as it is listed */

static ngx_int_t
played(const char *what, ngx_int_t otherwise)
{
    ngx_uint_t        *calls;
    const failure_t   *f;

    calls = &server.calls[what[0] == 'o' ? 0 : what[0] == 'e' ? 1
                          : what[0] == 'C' ? 2 : 3];
    (*calls)++;

    for (f = server.failures; f && f->what; f++) {

        if (ngx_strcmp(f->what, "stop") == 0) {
            ngx_terminate = 1;
        }

        if (ngx_strcmp(f->what, what) == 0 && f->nth == *calls) {
            server.error = "as told";
            ngx_terminate = (f[1].what && ngx_strcmp(f[1].what, "stop") == 0);
            return f->rc;
        }
    }

    return otherwise;
}


static void
trace(const char *what)
{
    server.last = ngx_slprintf(server.last, server.log + sizeof(server.log),
                               "%s ", what);
}


static void
is_trace(const char *expected, const char *name)
{
    ngx_str_t  s;

    s.data = server.log;
    s.len = server.last - server.log;

    is_str(&s, expected, name);
}
