
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SESSION_H_INCLUDED_
#define _NGX_WS_SESSION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_dialect.h>
#include <ngx_ws_transport.h>


/*
 * The socket door: one session a client, whichever transport it stands on.
 */

typedef struct ngx_ws_session_s  ngx_ws_session_t;


typedef struct {
    ngx_ws_worker_t              *worker;
    ngx_ws_session_conf_t        *conf;
    ngx_ws_service_conf_t        *service;
    const ngx_ws_dialect_t       *dialect;  /* NULL: plain echo */
    ngx_log_t                    *log;      /* of the connection */
    ngx_str_t                     token;    /* of an Authorization header */
    ngx_str_t                     address;  /* the client's, as text */
    ngx_str_t                     agent;    /* User-Agent */
} ngx_ws_session_params_t;


/*
 * A client has come by the transport: the session greets it and lives until
 * the transport's end.  Strings are copied.  NGX_ERROR without memory, the
 * transport is the caller's to close.
 */
ngx_int_t ngx_ws_session_create(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params);

/* What the worker calls: see ngx_ws_worker_handler_t. */
extern const ngx_ws_worker_handler_t  ngx_ws_session_worker_handler;


#endif /* _NGX_WS_SESSION_H_INCLUDED_ */
