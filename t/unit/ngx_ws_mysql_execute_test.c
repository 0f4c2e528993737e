
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * Statements on a client library that is played here, and does as MySQL's:
 * what a result was bound to is written to when the statement is executed
 * again, although its rows were read long ago.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_client.h>
#include <ngx_ws_mysql_execute.h>

#include "test.h"


#define COLUMNS  3


#ifndef MARIADB_PACKAGE_VERSION
typedef bool  my_bool;
#endif


static void rows(void);
static void bound(void);
static void refused(void);
static ngx_int_t execute(void);


static ngx_ws_mysql_link_t    server;
static ngx_ws_mysql_stmt_t    stmt;
static ngx_ws_mysql_value_t   param;
static ngx_ws_mysql_result_t  res;
static ngx_pool_t            *pool;

static MYSQL_FIELD            fields[COLUMNS];
static MYSQL_BIND             kept[COLUMNS];
static unsigned long          lengths[COLUMNS];
static my_bool                nulls[COLUMNS];
static ngx_uint_t             placeholders = 1;
static ngx_uint_t             prepared, executed, nbound, row, nrows;
static uint64_t               given;
static u_char                 handle[1], meta[1], text[200];


int
main(void)
{
    server.log = &test_log;

    stmt.nhead = 1;
    stmt.head.data = (u_char *) "SELECT ?";
    stmt.head.len = sizeof("SELECT ?") - 1;
    stmt.unit.data = stmt.head.data;
    stmt.tail.data = stmt.head.data;

    param.type = NGX_WS_MYSQL_UINT;
    param.as.u = 12;

    fields[0].name = (char *) "id";
    fields[0].type = MYSQL_TYPE_LONGLONG;
    fields[0].flags = UNSIGNED_FLAG;
    fields[1].name = (char *) "name";
    fields[1].type = MYSQL_TYPE_VAR_STRING;
    fields[2].name = (char *) "change";
    fields[2].type = MYSQL_TYPE_LONG;

    ngx_memset(text, 'x', sizeof(text));

    rows();
    bound();
    refused();

    return done();
}


static void
rows(void)
{
    nrows = 2;

    is_int(execute(), NGX_OK, "a SELECT");
    is_int(given, 12, "... with its value");
    is_int(res.nrows, 2, "... has rows");
    is_int(res.ncols, COLUMNS, "... of columns");
    is_str(&res.names[1], "name", "... with names");
    ok(res.values[0].type == NGX_WS_MYSQL_UINT && res.values[0].as.u == 1000,
       "a number");
    is_str(&res.values[1].as.s, "x", "a string");
    is_int(res.values[2].type, NGX_WS_MYSQL_NULL, "NULL");
    is_mem(res.values[4].as.s.data, res.values[4].as.s.len, text,
           sizeof(text), "a long string");
    ok(res.values[5].type == NGX_WS_MYSQL_INT && res.values[5].as.i == -1,
       "a negative number");
    ngx_destroy_pool(pool);

    is_int(execute(), NGX_OK, "the same once more");
    is_int(res.nrows, 2, "... has the same rows");
    is_int(prepared, 1, "... and is not prepared again");
    is_int(executed, 2, "... but executed");
    ngx_destroy_pool(pool);
}


/* what the pool took along */

static void
bound(void)
{
    ngx_uint_t  i;

    for (i = 0; i < COLUMNS; i++) {
        ok(kept[i].buffer == NULL && kept[i].length == &lengths[i]
           && kept[i].is_null == (void *) &nulls[i],
           "the statement keeps no pointer");
    }

    nrows = NGX_WS_MYSQL_ROWS_MAX + 1;

    is_int(execute(), NGX_ERROR, "too many rows");
    ngx_destroy_pool(pool);
    ok(kept[0].length == &lengths[0], "... leave no pointer either");

    nrows = 0;

    is_int(execute(), NGX_OK, "no rows");
    ngx_destroy_pool(pool);
    ok(kept[0].length == &lengths[0], "... neither");
    is_int(nbound, 2 * executed, "every binding is taken back");
}


static void
refused(void)
{
    placeholders = 2;

    is_int(execute(), NGX_ERROR, "placeholders that are not ours");
    is_int(executed, 4, "... are not executed");
    ngx_destroy_pool(pool);

    placeholders = 1;
}


static ngx_int_t
execute(void)
{
    pool = ngx_create_pool(1024, &test_log);
    ngx_memzero(&res, sizeof(ngx_ws_mysql_result_t));

    return ngx_ws_mysql_execute(&server, &stmt, &param, 1, pool, &res);
}


ngx_int_t
ngx_ws_mysql_link_failed(ngx_ws_mysql_link_t *link, MYSQL_STMT *failed)
{
    return NGX_AGAIN;
}


ngx_int_t
ngx_ws_mysql_link_refuse(ngx_ws_mysql_link_t *link, const char *reason)
{
    return NGX_ERROR;
}


MYSQL_STMT * STDCALL
mysql_stmt_init(MYSQL *mysql)
{
    return (MYSQL_STMT *) handle;
}


int STDCALL
mysql_stmt_prepare(MYSQL_STMT *s, const char *query, unsigned long length)
{
    prepared++;

    return 0;
}


unsigned long STDCALL
mysql_stmt_param_count(MYSQL_STMT *s)
{
    return placeholders;
}


my_bool STDCALL
mysql_stmt_bind_param(MYSQL_STMT *s, MYSQL_BIND *binds)
{
    given = *(uint64_t *) binds->buffer;

    return 0;
}


int STDCALL
mysql_stmt_execute(MYSQL_STMT *s)
{
    ngx_uint_t  i;

    executed++;
    row = 0;

    for (i = 0; i < COLUMNS && nbound; i++) {

        if (kept[i].buffer_type == MYSQL_TYPE_LONGLONG) {
            *kept[i].length = sizeof(int64_t);
        }
    }

    return 0;
}


unsigned int STDCALL
mysql_stmt_field_count(MYSQL_STMT *s)
{
    return COLUMNS;
}


MYSQL_RES * STDCALL
mysql_stmt_result_metadata(MYSQL_STMT *s)
{
    return (MYSQL_RES *) meta;
}


unsigned int STDCALL
mysql_num_fields(MYSQL_RES *m)
{
    return COLUMNS;
}


MYSQL_FIELD * STDCALL
mysql_fetch_fields(MYSQL_RES *m)
{
    return fields;
}


void STDCALL
mysql_free_result(MYSQL_RES *m)
{
}


my_bool STDCALL
mysql_stmt_bind_result(MYSQL_STMT *s, MYSQL_BIND *binds)
{
    ngx_uint_t  i;

    nbound++;

    for (i = 0; i < COLUMNS; i++) {
        kept[i] = binds[i];

        if (kept[i].length == NULL) {
            kept[i].length = &lengths[i];
        }

        if (kept[i].is_null == NULL) {
            kept[i].is_null = (void *) &nulls[i];
        }
    }

    return 0;
}


/* the first row has a short string and NULL, all others a long string */

int STDCALL
mysql_stmt_fetch(MYSQL_STMT *s)
{
    if (row == nrows) {
        return MYSQL_NO_DATA;
    }

    *(int64_t *) kept[0].buffer = 1000 + row;
    *kept[0].length = sizeof(int64_t);

    *kept[1].length = row ? sizeof(text) : 1;
    ngx_memcpy(kept[1].buffer, text,
               ngx_min(*kept[1].length, kept[1].buffer_length));

    *kept[2].is_null = (row == 0);
    *(int64_t *) kept[2].buffer = -1;

    return row++ ? MYSQL_DATA_TRUNCATED : 0;
}


int STDCALL
mysql_stmt_fetch_column(MYSQL_STMT *s, MYSQL_BIND *bind, unsigned int column,
    unsigned long offset)
{
    ngx_memcpy(bind->buffer, text, bind->buffer_length);

    return 0;
}


my_bool STDCALL
mysql_stmt_free_result(MYSQL_STMT *s)
{
    return 0;
}


my_bool STDCALL
mysql_stmt_close(MYSQL_STMT *s)
{
    return 0;
}


/* of statements without rows */

#ifdef MARIADB_PACKAGE_VERSION
unsigned long long STDCALL
#else
uint64_t STDCALL
#endif
mysql_stmt_affected_rows(MYSQL_STMT *s)
{
    return 0;
}
