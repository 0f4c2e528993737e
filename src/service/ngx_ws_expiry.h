
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_EXPIRY_H_INCLUDED_
#define _NGX_WS_EXPIRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_identity.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_worker.h>


/*
 * The end of tokens that live sockets hold: by their time, by their row's
 * deletion, which MySQL is asked for now and then, and by their id on Redis'
 * channel "{prefix}revoke".  handler->expired() of the worker is told.
 */

/*
 * At configuration: compiles websocket_token_check_query, or Sanctum's if
 * text is NULL, for conf->token_check.  The placeholder is :ids, a list; the
 * first column of the rows are those ids that are still good.  NULL after the
 * reason was logged at its place.
 */
ngx_ws_mysql_stmt_t *ngx_ws_expiry_compile(ngx_conf_t *cf, ngx_str_t *text);


/* identities are all that the worker has. */
ngx_ws_expiry_t *ngx_ws_expiry_create(ngx_ws_worker_t *w,
    ngx_ws_identities_t *identities);
void ngx_ws_expiry_destroy(ngx_ws_expiry_t *ex);

/*
 * A message from Redis: NGX_OK if it was of the channel, else NGX_DECLINED.
 */
ngx_int_t ngx_ws_expiry_message(ngx_ws_expiry_t *ex, ngx_str_t *channel,
    ngx_str_t *payload);


#endif /* _NGX_WS_EXPIRY_H_INCLUDED_ */
