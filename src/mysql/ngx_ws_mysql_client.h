
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_CLIENT_H_INCLUDED_
#define _NGX_WS_MYSQL_CLIENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <errmsg.h>
#include <mysql.h>

#include <ngx_ws_mysql_link.h>


/*
 * A link from inside, for the two sources that call the client library.
 */

/*
 * Statements that a link keeps prepared.  The library holds 115 bytes for each
 * parameter: those with many share the first places.
 */
#define NGX_WS_MYSQL_PREPARED     32
#define NGX_WS_MYSQL_LARGE        2
#define NGX_WS_MYSQL_PARAMS       250
#define NGX_WS_MYSQL_ROWS_MAX     10000


typedef struct {
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_uint_t               units;
    MYSQL_STMT              *handle;
} ngx_ws_mysql_prepared_t;


struct ngx_ws_mysql_link_s {
    ngx_ws_mysql_conf_t     *conf;
    ngx_log_t               *log;
    MYSQL                   *mysql;
    time_t                   used;        /* monotonic */
    size_t                   room;
    ngx_uint_t               victim[2];   /* of small ones, of large ones */
    ngx_ws_mysql_prepared_t  prepared[NGX_WS_MYSQL_PREPARED];
    ngx_uint_t               errnum;
    char                     error[MYSQL_ERRMSG_SIZE];
};


/* Notes why the library failed, and gives what that means. */
ngx_int_t ngx_ws_mysql_link_failed(ngx_ws_mysql_link_t *link,
    MYSQL_STMT *handle);

/* Notes a reason of our own: NGX_ERROR. */
ngx_int_t ngx_ws_mysql_link_refuse(ngx_ws_mysql_link_t *link,
    const char *text);


#endif /* _NGX_WS_MYSQL_CLIENT_H_INCLUDED_ */
