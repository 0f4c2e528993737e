
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_stmt.h>

#include "test.h"


static void good(ngx_ws_mysql_kind_e kind, const char *text,
    const char *sent, const char *order);
static void bad(ngx_ws_mysql_kind_e kind, const char *text,
    const char *error);
static void skipped(void);
static void parts(void);
static void embedded(void);
static ngx_ws_mysql_stmt_t *compile(ngx_pool_t *pool,
    ngx_ws_mysql_kind_e kind, const char *text, ngx_str_t *err);


static ngx_str_t  names[] = {
    ngx_string("id"),
    ngx_string("name"),
    ngx_string("ids"),
    ngx_null_string
};


int
main(void)
{
    good(NGX_WS_MYSQL_ONE, "SELECT 1", "SELECT 1", "");
    good(NGX_WS_MYSQL_ONE, "SELECT :id", "SELECT ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT :name,:id, :name;\n", "SELECT ?,?, ?\n",
         "101");
    good(NGX_WS_MYSQL_ONE, "SELECT a:=1, ':', 1 : 2 ::id",
         "SELECT a:=1, ':', 1 : 2 :?", "0");

    skipped();

    good(NGX_WS_MYSQL_ROWS, "INSERT INTO t (a, b) VALUES (:id, f(:name))",
         "INSERT INTO t (a, b) VALUES |(?, f(?))|", "01");
    good(NGX_WS_MYSQL_ROWS, "insert into `values` values(:id)\non duplicate "
         "key update a = values(a)",
         "insert into `values` values|(?)|\non duplicate "
         "key update a = values(a)", "0");
    good(NGX_WS_MYSQL_ROWS, "INSERT INTO t VALUES /* ( */ (:id, '(')",
         "INSERT INTO t VALUES /* ( */ |(?, '(')|", "0");

    good(NGX_WS_MYSQL_LIST, "SELECT a FROM t WHERE a IN (:ids) AND b = :name",
         "SELECT a FROM t WHERE a IN (|?|) AND b = ?", "21");
    good(NGX_WS_MYSQL_LIST, "UPDATE t SET b = :name WHERE a IN (:ids)",
         "UPDATE t SET b = ? WHERE a IN (|?|)", "12");

    bad(NGX_WS_MYSQL_ONE, "", "no statement");
    bad(NGX_WS_MYSQL_ONE, " \n-- comment", "no statement");
    bad(NGX_WS_MYSQL_ONE, "/* comment */ ;", "no statement");
    bad(NGX_WS_MYSQL_ONE, "SELECT :nme", "unknown placeholder \":nme\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT :idx", "unknown placeholder \":idx\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT :i", "unknown placeholder \":i\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT ?", "placeholder without a name \"?\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT ':id", "quote without end \"'\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT 'a\\'", "quote without end \"'\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT `a\\``", "quote without end \"`\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT \"", "quote without end \"\"\"");
    bad(NGX_WS_MYSQL_ONE, "SELECT 1 /* :id", "comment without end");
    bad(NGX_WS_MYSQL_ONE, "SELECT 1 /*/", "comment without end");
    bad(NGX_WS_MYSQL_ONE, "SELECT 1; DELETE FROM t",
        "more than one statement");
    bad(NGX_WS_MYSQL_ROWS, "INSERT INTO t SELECT 1", "no row after VALUES");
    bad(NGX_WS_MYSQL_ROWS, "INSERT INTO t VALUES (:id",
        "no row after VALUES");
    bad(NGX_WS_MYSQL_ROWS, "INSERT INTO t SET a = :id",
        "placeholder outside of the row \":id\"");
    bad(NGX_WS_MYSQL_ROWS, "INSERT INTO t VALUES (:id), (:id)",
        "placeholder outside of the row \":id\"");
    bad(NGX_WS_MYSQL_LIST, "SELECT :id", "no placeholder of the list");
    bad(NGX_WS_MYSQL_LIST, "SELECT :ids, :ids",
        "second use of the list \":ids\"");

    parts();
    embedded();

    return done();
}


/* sent: head, and "|" between it, the unit and the tail */

static void
good(ngx_ws_mysql_kind_e kind, const char *text, const char *sent,
    const char *order)
{
    u_char                buf[1024], *p;
    ngx_str_t             err, s;
    ngx_pool_t           *pool;
    ngx_uint_t            i, n;
    ngx_ws_mysql_stmt_t  *stmt;

    pool = ngx_create_pool(1024, &test_log);
    stmt = compile(pool, kind, text, &err);

    if (stmt == NULL) {
        is_str(&err, "", text);
        ngx_destroy_pool(pool);
        return;
    }

    p = ngx_sprintf(buf, "%V", &stmt->head);

    if (kind != NGX_WS_MYSQL_ONE) {
        p = ngx_sprintf(p, "|%V|%V", &stmt->unit, &stmt->tail);
    }

    s.data = buf;
    s.len = p - buf;

    is_str(&s, sent, text);

    n = stmt->nhead + stmt->nunit + stmt->ntail;

    for (i = 0; i < n; i++) {
        buf[i] = (u_char) ('0' + stmt->order[i]);
    }

    s.len = n;
    is_str(&s, order, "... names");

    ngx_destroy_pool(pool);
}


static void
bad(ngx_ws_mysql_kind_e kind, const char *text, const char *error)
{
    ngx_str_t    err;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, &test_log);

    ok(compile(pool, kind, text, &err) == NULL, text);
    is_str(&err, error, "... is refused");

    ngx_destroy_pool(pool);
}


/* quotes and comments, where names do not count */

static void
skipped(void)
{
    good(NGX_WS_MYSQL_ONE, "SELECT ':id', \":id?\", `:id`, :id",
         "SELECT ':id', \":id?\", `:id`, ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT 'it''s :id', :id",
         "SELECT 'it''s :id', ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT 'it\\'s :id', 'a\\\\', :id",
         "SELECT 'it\\'s :id', 'a\\\\', ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT `a\\`, :id", "SELECT `a\\`, ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT /* it's :id */ :id",
         "SELECT /* it's :id */ ?", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT /**/ :id /***/",
         "SELECT /**/ ? /***/", "0");
    good(NGX_WS_MYSQL_ONE, "-- it's :id\nSELECT 1 # :id ?\n-- ;",
         "\nSELECT 1 \n", "");
    good(NGX_WS_MYSQL_ONE, "SELECT 1--1, :id --", "SELECT 1--1, ? ", "0");
    good(NGX_WS_MYSQL_ONE, "SELECT 1 ; -- last", "SELECT 1  ", "");
}


static void
parts(void)
{
    ngx_str_t             err;
    ngx_pool_t           *pool;
    ngx_ws_mysql_stmt_t  *stmt;

    pool = ngx_create_pool(1024, &test_log);

    stmt = compile(pool, NGX_WS_MYSQL_ONE, "-- a\n\tSELECT 1", &err);
    ok(stmt && stmt->read_only, "a SELECT only reads");

    stmt = compile(pool, NGX_WS_MYSQL_ONE, "UPDATE t SET a = (SELECT 1)",
                   &err);
    ok(stmt && !stmt->read_only, "others do not");

    stmt = compile(pool, NGX_WS_MYSQL_LIST,
                   "SELECT :id, a FROM t WHERE a IN (:ids) AND b = :name "
                   "AND c = :id", &err);
    ok(stmt && stmt->nhead == 1 && stmt->nunit == 1 && stmt->ntail == 2,
       "placeholders of each part are counted");
    is_int(stmt->nnames, 3, "and the names");

    ngx_destroy_pool(pool);
}


static void
embedded(void)
{
    ngx_str_t  text;

    text = ngx_ws_mysql_stmt_text("user_find");

    ok(text.len > 0 && ngx_strncmp(text.data, "-- ", 3) == 0
       && text.data[text.len - 1] == '\n', "a text of the module");

    text = ngx_ws_mysql_stmt_text("user_fin");

    is_int(text.len, 0, "no such text");
}


/* the text lies before a page without access */

static ngx_ws_mysql_stmt_t *
compile(ngx_pool_t *pool, ngx_ws_mysql_kind_e kind, const char *text,
    ngx_str_t *err)
{
    u_char               *p;
    ngx_str_t             s;
    ngx_ws_mysql_stmt_t  *stmt;

    s.len = ngx_strlen(text);
    p = guard(text, s.len);
    s.data = p;

    stmt = ngx_ws_mysql_stmt_compile(pool, &s, kind, names, err);

    /* nothing of it may point to the text */
    ngx_memset(p, '!', s.len);
    unguard(p, s.len);

    return stmt;
}
