
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_EXECUTE_H_INCLUDED_
#define _NGX_WS_MYSQL_EXECUTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_link.h>


/*
 * Executes a statement with the values of its "?", those of the unit repeated
 * (units is 1 for ONE, one of the fixed sizes else).  Adds to res->affected,
 * and puts rows, if there are any, from the pool into res.
 */
ngx_int_t ngx_ws_mysql_execute(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_ws_mysql_value_t *params,
    ngx_uint_t units, ngx_pool_t *pool, ngx_ws_mysql_result_t *res);


#endif /* _NGX_WS_MYSQL_EXECUTE_H_INCLUDED_ */
