
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_AUTH_ROW_H_INCLUDED_
#define _NGX_WS_AUTH_ROW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql.h>
#include <ngx_ws_zone.h>


/*
 * What a websocket_auth_query is asked with, and its row as a token's state.
 */

#define NGX_WS_AUTH_ROW_NAMES  3

/* the placeholders' names */
extern ngx_str_t  ngx_ws_auth_row_names[];

/* id 0: the token has none */
void ngx_ws_auth_row_values(ngx_ws_mysql_value_t *values, uint64_t id,
    ngx_str_t *hash, ngx_str_t *token);

/*
 * hash is of the secret that was presented, NGX_WS_TOKEN_HEX digits; NGX_OK
 * with the state, valid or not, or NGX_ERROR: MySQL is away, or the statement
 * is not what it should be, which is logged.  token->name is a view into the
 * result, or into buf (NGX_INT64_LEN).
 */
ngx_int_t ngx_ws_auth_row_read(ngx_ws_zone_token_t *token,
    ngx_ws_mysql_result_t *res, ngx_ws_mysql_stmt_t *stmt, u_char *hash,
    u_char *buf, ngx_log_t *log);


#endif /* _NGX_WS_AUTH_ROW_H_INCLUDED_ */
