
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_table.h>

#include "test.h"


#define N  10000


typedef struct {
    ngx_ws_table_node_t  node;
    uint32_t             number;
    ngx_uint_t           seen;
    u_char               name[NGX_INT_T_LEN + 32];
} item_t;


static void insert(ngx_uint_t i);
static ngx_str_t name(ngx_uint_t i, u_char *buf);
static ngx_uint_t found(ngx_uint_t from, ngx_uint_t step);
static ngx_uint_t walk(void);
static void test_some(void);
static void test_many(void);
static void test_without_memory(void);


static item_t          items[N];
static ngx_ws_table_t  table;


int
main(void)
{
    test_some();
    test_many();
    test_without_memory();

    return done();
}


static void
insert(ngx_uint_t i)
{
    u_char     buf[64];
    ngx_str_t  s;

    s = name(i, buf);
    items[i].number = (uint32_t) i;

    ngx_ws_table_insert(&table, &items[i].node, &s);
}


/* of all lengths there are for the last bytes of the hash */

static ngx_str_t
name(ngx_uint_t i, u_char *buf)
{
    ngx_str_t  s;

    s.data = buf;
    s.len = ngx_sprintf(buf, "%*s:%ui", i % 17, "0123456789abcdef", i) - buf;

    return s;
}


static ngx_uint_t
found(ngx_uint_t from, ngx_uint_t step)
{
    u_char      buf[64];
    ngx_str_t   s;
    ngx_uint_t  i, n;

    n = 0;

    for (i = from; i < N; i += step) {
        s = name(i, buf);
        n += (ngx_ws_table_find(&table, &s) == &items[i].node);
    }

    return n;
}


/* how many items there are, none of them twice */

static ngx_uint_t
walk(void)
{
    ngx_uint_t            i, n;
    ngx_ws_table_node_t  *node;

    for (i = 0; i < N; i++) {
        items[i].seen = 0;
    }

    n = 0;

    for (node = ngx_ws_table_next(&table, NULL);
         node;
         node = ngx_ws_table_next(&table, node))
    {
        n += (((item_t *) node)->seen++ == 0);
    }

    return n;
}


static void
test_some(void)
{
    ngx_str_t  s, empty;

    is_int(ngx_ws_table_init(&table, offsetof(item_t, name), &test_log),
           NGX_OK, "a table");

    ngx_str_set(&s, "a");
    ngx_str_set(&empty, "");

    ok(ngx_ws_table_find(&table, &s) == NULL, "nothing is in an empty one");
    ok(ngx_ws_table_next(&table, NULL) == NULL, "nor met in it");

    ngx_ws_table_insert(&table, &items[0].node, &s);
    ngx_ws_table_insert(&table, &items[1].node, &empty);

    ok(ngx_ws_table_find(&table, &s) == &items[0].node, "found");
    ok(ngx_ws_table_find(&table, &empty) == &items[1].node, "by no name");

    s = ngx_ws_table_name(&table, &items[0].node);
    is_str(&s, "a", "its name");

    ngx_str_set(&s, "b");
    ok(ngx_ws_table_find(&table, &s) == NULL, "another is not");

    ngx_ws_table_delete(&table, &items[0].node);
    ngx_ws_table_delete(&table, &items[1].node);

    ok(ngx_ws_table_next(&table, NULL) == NULL, "empty again");
}


static void
test_many(void)
{
    ngx_uint_t  i;

    for (i = 0; i < N; i++) {
        insert(i);
    }

    is_int(found(0, 1), N, "all are found");
    is_int(walk(), N, "and met once");
    ok(table.size >= N / 2 && table.size < 2 * N, "it has grown");

    for (i = 0; i < N; i += 2) {
        ngx_ws_table_delete(&table, &items[i].node);
    }

    is_int(found(0, 2), 0, "what was deleted is not found");
    is_int(found(1, 2), N / 2, "what was not is");
    is_int(walk(), N / 2, "and met once");

    for (i = 1; i < N; i += 2) {
        ngx_ws_table_delete(&table, &items[i].node);
    }

    is_int(walk(), 0, "nothing is left");
    is_int(table.size, 16, "it has shrunk");

    ngx_ws_table_cleanup(&table);
}


static void
test_without_memory(void)
{
    ngx_uint_t  i;

    (void) fail_alloc(1);
    is_int(ngx_ws_table_init(&table, offsetof(item_t, name), &test_log),
           NGX_ERROR, "no table without memory");

    (void) fail_alloc(0);
    (void) ngx_ws_table_init(&table, offsetof(item_t, name), &test_log);

    for (i = 0; i < N; i++) {
        (void) fail_alloc(i < 100);
        insert(i);
    }

    is_int(found(0, 1), N, "a table that could not grow works");
    ngx_ws_table_cleanup(&table);
}
