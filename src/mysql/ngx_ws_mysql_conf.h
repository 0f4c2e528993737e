
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_CONF_H_INCLUDED_
#define _NGX_WS_MYSQL_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>


/*
 * Reads the arguments of "websocket_mysql URL [name=value ...]" in cf->args
 * into conf; the host is resolved and the thread pool is claimed here.
 * NGX_CONF_OK, or NGX_CONF_ERROR with the reason logged: never the URL, which
 * may hold a password.
 */
char *ngx_ws_mysql_conf_set(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf);


#endif /* _NGX_WS_MYSQL_CONF_H_INCLUDED_ */
