
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_VALUE_H_INCLUDED_
#define _NGX_WS_MYSQL_VALUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What goes into a statement and what comes out of it.  Strings are UTF-8;
 * types without one of their own here (dates, decimals, JSON) are strings.
 */

typedef enum {
    NGX_WS_MYSQL_NULL = 0,
    NGX_WS_MYSQL_INT,
    NGX_WS_MYSQL_UINT,
    NGX_WS_MYSQL_STRING
} ngx_ws_mysql_type_e;


typedef struct {
    ngx_ws_mysql_type_e      type;

    union {
        int64_t              i;
        uint64_t             u;
        ngx_str_t            s;
    } as;
} ngx_ws_mysql_value_t;


/* a row of an INSERT that was put aside, the others went in */

typedef struct {
    ngx_uint_t               item;        /* of the transaction, from 0 */
    ngx_uint_t               row;         /* of the item, from 0 */
    ngx_uint_t               errnum;
    ngx_str_t                error;
} ngx_ws_mysql_bad_t;


/*
 * rc is NGX_OK         executed, and committed;
 *       NGX_DECLINED   not executed: the server is away, or the queue full;
 *       NGX_ERROR      refused by the server, nothing was changed;
 *       NGX_AGAIN      unknown: the connection was lost while a change was
 *                      under way.
 *
 * The texts are the server's own, without a final NUL: they may quote data,
 * so they do not belong into a log where errnum is one of the data's errors
 * (data is 1).
 */

typedef struct {
    ngx_int_t                rc;
    ngx_uint_t               errnum;      /* of the server or its library */
    ngx_str_t                error;
    ngx_uint_t               item;        /* that failed */
    ngx_uint_t               data;        /* 1 if data was at fault */

    uint64_t                 affected;    /* rows, as the server counts */

    ngx_uint_t               nrows;
    ngx_uint_t               ncols;
    ngx_ws_mysql_value_t    *values;      /* row by row */
    ngx_str_t               *names;       /* of the columns */

    ngx_uint_t               nbad;
    ngx_ws_mysql_bad_t      *bad;
} ngx_ws_mysql_result_t;


static ngx_inline void
ngx_ws_mysql_set_null(ngx_ws_mysql_value_t *v)
{
    v->type = NGX_WS_MYSQL_NULL;
}


static ngx_inline void
ngx_ws_mysql_set_uint(ngx_ws_mysql_value_t *v, uint64_t n)
{
    v->type = NGX_WS_MYSQL_UINT;
    v->as.u = n;
}


static ngx_inline void
ngx_ws_mysql_set_str(ngx_ws_mysql_value_t *v, ngx_str_t *s)
{
    v->type = NGX_WS_MYSQL_STRING;
    v->as.s = *s;
}


/*
 * A number that is not negative, also one that came as a string or a decimal
 * ("12", "12.000").  NGX_DECLINED for NULL, NGX_ERROR for anything else.
 */
ngx_int_t ngx_ws_mysql_get_uint(ngx_ws_mysql_value_t *v, uint64_t *n);

/* A string, empty for NULL; numbers are printed into buf (NGX_INT64_LEN). */
ngx_str_t ngx_ws_mysql_get_str(ngx_ws_mysql_value_t *v, u_char *buf);


#endif /* _NGX_WS_MYSQL_VALUE_H_INCLUDED_ */
