
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_CONF_H_INCLUDED_
#define _NGX_WS_REDIS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>


/*
 * Reads the arguments of the directive, n of them, the URL first:
 *
 * redis://[[user]:password@]host[:port][/db]   unix:/path[?db=n]
 * prefix=  connect_timeout=  command_timeout=  password_file=
 *
 * user and password in a URL are percent-encoded.  The host is resolved here.
 * All that conf gets lives in cf->pool.  A relative password_file is looked
 * for beside the configuration file; its first line is the password.
 *
 * NGX_CONF_OK, or NGX_CONF_ERROR after the reason was logged at its place.
 */
char *ngx_ws_redis_conf(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *args, ngx_uint_t n);


#endif /* _NGX_WS_REDIS_CONF_H_INCLUDED_ */
