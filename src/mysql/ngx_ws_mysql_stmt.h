
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_STMT_H_INCLUDED_
#define _NGX_WS_MYSQL_STMT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Statements with named placeholders, ":name", made ready at configuration.
 * A name may stand more than once, or not at all; it counts neither in quotes
 * ('', "", ``) nor in comments.
 *
 * ONE   one value a name
 * ROWS  "INSERT ... VALUES (:a, :b) ...": any number of rows, each with a
 *       value a name; placeholders stand only in the row
 * LIST  the last name stands for a list, once: "... IN (:ids)"
 */

typedef enum {
    NGX_WS_MYSQL_ONE = 0,
    NGX_WS_MYSQL_ROWS,
    NGX_WS_MYSQL_LIST
} ngx_ws_mysql_kind_e;


/*
 * The SQL is head, then unit repeated with ", " between, then tail; ONE has
 * the head alone.  order[] gives the name of each "?" of head, unit, tail.
 */

typedef struct {
    ngx_ws_mysql_kind_e      kind;
    ngx_uint_t               nnames;
    ngx_str_t                head;
    ngx_str_t                unit;
    ngx_str_t                tail;
    ngx_uint_t               nhead;
    ngx_uint_t               nunit;
    ngx_uint_t               ntail;
    ngx_uint_t              *order;
    unsigned                 read_only:1;   /* begins with SELECT */
} ngx_ws_mysql_stmt_t;


/*
 * Reads the SQL text; names ends with an empty name.  The statement lives in
 * the pool.  NULL with the reason in *err, or with err->len 0 without memory.
 */
ngx_ws_mysql_stmt_t *ngx_ws_mysql_stmt_compile(ngx_pool_t *pool,
    ngx_str_t *text, ngx_ws_mysql_kind_e kind, ngx_str_t *names,
    ngx_str_t *err);

/* The text of sql/NAME.sql as the module embeds it, empty if there is none. */
ngx_str_t ngx_ws_mysql_stmt_text(const char *name);


#endif /* _NGX_WS_MYSQL_STMT_H_INCLUDED_ */
