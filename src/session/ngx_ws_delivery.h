
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_DELIVERY_H_INCLUDED_
#define _NGX_WS_DELIVERY_H_INCLUDED_


#include <ngx_ws_bus.h>
#include <ngx_ws_session.h>


/*
 * Messages that Redis keeps for their recipient, at one of the recipient's
 * sockets: first what waited, then what comes; and what became of each.
 */

/* The session has authenticated: what waited is fetched, page by page. */
void ngx_ws_delivery_start(ngx_ws_session_t *s);

/* A message from the bus.  NGX_OK: to be sent; NGX_DECLINED: not now. */
ngx_int_t ngx_ws_delivery_accept(ngx_ws_session_t *s,
    ngx_ws_bus_event_t *ev);

/* The client has said something: it has what was sent before. */
void ngx_ws_delivery_heard(ngx_ws_session_t *s);

/* The session's user leaves it. */
void ngx_ws_delivery_end(ngx_ws_session_t *s);


#endif /* _NGX_WS_DELIVERY_H_INCLUDED_ */
