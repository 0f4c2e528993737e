
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CONNECTION_H_INCLUDED_
#define _NGX_WS_CONNECTION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_conf.h>
#include <ngx_ws_deflate.h>
#include <ngx_ws_loop.h>
#include <ngx_ws_transport.h>


/*
 * One upgraded connection: read, write, timers and close of a WebSocket
 * (RFC 6455) once HTTP has let go of it.
 */

typedef struct {
    ngx_ws_loop_t           *loop;
    ngx_ws_session_conf_t   *conf;         /* of the location, lives on */
    ngx_str_t                address;      /* the client's as text, copied */
    ngx_str_t                received;     /* what came behind the head */
    ngx_ws_deflate_params_t  deflate;      /* negotiated, or off */
} ngx_ws_connection_params_t;


/*
 * Takes over c, whose HTTP request has been freed: its handlers, timers and
 * log are the WebSocket's from now on, and its pool may go where c has no TLS.
 * The caller sets handler and data of the transport before it returns to the
 * loop.  NULL without memory: c is the caller's still.
 */
ngx_ws_transport_t *ngx_ws_connection_create(ngx_connection_t *c,
    ngx_ws_connection_params_t *params);


#endif /* _NGX_WS_CONNECTION_H_INCLUDED_ */
