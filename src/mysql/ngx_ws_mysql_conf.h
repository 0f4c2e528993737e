
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_CONF_H_INCLUDED_
#define _NGX_WS_MYSQL_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>


/*
 * Reads the arguments of the directive, n of them, the URL first:
 *
 * mysql://user[:password]@host[:port]/database
 * mysql://user[:password]@unix(/path)/database
 * password_file=  pool=  threads=  batch=  flush=  timeout=
 *
 * user, password and database are percent-encoded.  The host is resolved and
 * the thread pool is claimed here.  All that conf gets lives in cf->pool.  A
 * relative password_file is looked for beside the configuration file; its
 * first line is the password.
 *
 * NGX_CONF_OK, or NGX_CONF_ERROR after the reason was logged at its place,
 * without the URL, which may hold a password.
 */
char *ngx_ws_mysql_conf(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *args, ngx_uint_t n);


#endif /* _NGX_WS_MYSQL_CONF_H_INCLUDED_ */
