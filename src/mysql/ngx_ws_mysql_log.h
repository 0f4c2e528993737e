
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_LOG_H_INCLUDED_
#define _NGX_WS_MYSQL_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_value.h>


/* Of a statement that is executed all the time.  Zero it. */

typedef struct {
    ngx_msec_t               said;
    ngx_uint_t               refused;      /* unsigned  refused:1; */
} ngx_ws_mysql_log_t;


/* The line of a failed statement: "mysql", what, why. */
void ngx_ws_mysql_log_refused(ngx_log_t *log, const char *what,
    ngx_ws_mysql_result_t *res);

/* The same, once a minute as long as it goes on; _taken() ends that. */
void ngx_ws_mysql_log_seldom(ngx_ws_mysql_log_t *seldom, ngx_log_t *log,
    const char *what, ngx_ws_mysql_result_t *res);

#define ngx_ws_mysql_log_taken(seldom)  (seldom)->refused = 0


#endif /* _NGX_WS_MYSQL_LOG_H_INCLUDED_ */
