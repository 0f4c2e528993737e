
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_AUTH_USED_H_INCLUDED_
#define _NGX_WS_AUTH_USED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_worker.h>


/*
 * Sanctum's last_used_at: the tokens that were used are gathered and written
 * in one statement every some seconds.  It is a courtesy: what MySQL does not
 * take is forgotten, and where it refuses, as without the right to, it is not
 * asked again for some minutes.
 */

#define NGX_WS_AUTH_USED_MAX  1000

typedef struct {
    ngx_ws_worker_t         *worker;
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_ws_mysql_op_t       *op;          /* under way */
    ngx_event_t              timer;
    ngx_uint_t               refused;     /* unsigned  refused:1; */
    ngx_uint_t               n;
    ngx_ws_mysql_value_t     ids[NGX_WS_AUTH_USED_MAX];
} ngx_ws_auth_used_t;


/* At configuration.  NULL if it failed, which was logged. */
ngx_ws_mysql_stmt_t *ngx_ws_auth_used_compile(ngx_conf_t *cf);

void ngx_ws_auth_used_init(ngx_ws_auth_used_t *used, ngx_ws_worker_t *w);

/* What has not been written is forgotten. */
void ngx_ws_auth_used_cleanup(ngx_ws_auth_used_t *used);

/* Notes the use of a token by the id of its row. */
void ngx_ws_auth_used_add(ngx_ws_auth_used_t *used, ngx_ws_mysql_stmt_t *stmt,
    uint64_t id);


#endif /* _NGX_WS_AUTH_USED_H_INCLUDED_ */
