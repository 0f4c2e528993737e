
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_LINK_H_INCLUDED_
#define _NGX_WS_MYSQL_LINK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>
#include <ngx_ws_mysql_stmt.h>
#include <ngx_ws_mysql_value.h>


/*
 * A connection with its prepared statements, on the client library of MariaDB
 * or MySQL.  All calls block; one thread at a time may use a link.
 *
 * NGX_OK        it is done
 * NGX_DECLINED  the data was refused, the statement changed nothing
 * NGX_ERROR     the statement was refused
 * NGX_BUSY      a deadlock or a lock: the transaction may be tried again
 * NGX_ABORT     there is no connection, the statement was not executed
 * NGX_AGAIN     the connection was lost while the server was at it
 *
 * After all but NGX_OK errnum and error tell why.
 */

typedef struct ngx_ws_mysql_link_s  ngx_ws_mysql_link_t;


/* the largest number of units (rows, list items) in one statement */

#define NGX_WS_MYSQL_UNITS  1000

#define NGX_WS_MYSQL_ETOOLARGE  1153


/* Once in a process, before there are threads that use the library. */
ngx_int_t ngx_ws_mysql_link_init(ngx_log_t *log);

ngx_ws_mysql_link_t *ngx_ws_mysql_link_create(ngx_ws_mysql_conf_t *conf,
    ngx_log_t *log);
void ngx_ws_mysql_link_destroy(ngx_ws_mysql_link_t *link);

/*
 * Connects unless it is connected: NGX_OK, NGX_BUSY if the server has as many
 * connections as it takes, or NGX_ABORT.
 */
ngx_int_t ngx_ws_mysql_link_open(ngx_ws_mysql_link_t *link);

/* Whether it was connected when it was used last. */
ngx_uint_t ngx_ws_mysql_link_is_open(ngx_ws_mysql_link_t *link);
void ngx_ws_mysql_link_close(ngx_ws_mysql_link_t *link);

/* SQL without values and rows; the connection is open. */
ngx_int_t ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link,
    const char *sql);

/* Bytes of values that one statement may have. */
size_t ngx_ws_mysql_link_room(ngx_ws_mysql_link_t *link);

/* Of the last failure; the text lives until the next call. */
ngx_uint_t ngx_ws_mysql_link_errnum(ngx_ws_mysql_link_t *link);
ngx_str_t ngx_ws_mysql_link_error(ngx_ws_mysql_link_t *link);


#endif /* _NGX_WS_MYSQL_LINK_H_INCLUDED_ */
