
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_DELIVERY_H_INCLUDED_
#define _NGX_WS_DELIVERY_H_INCLUDED_


#include <ngx_ws_bus.h>
#include <ngx_ws_pending.h>
#include <ngx_ws_session.h>


/*
 * Messages that Redis keeps for their recipient, at one of the recipient's
 * sockets: first what waited, then what comes; and what became of each.
 */

/* One that came while the session caught up with older ones. */

typedef struct {
    ngx_queue_t             queue;
    ngx_ws_pending_mark_t   mark;
    ngx_ws_buf_t           *buf;
} ngx_ws_delivery_held_t;


/* The session has authenticated: what waited is fetched, page by page. */
void ngx_ws_delivery_start(ngx_ws_session_t *s);

/* A message from the bus.  NGX_OK: to be sent; NGX_DECLINED: not now. */
ngx_int_t ngx_ws_delivery_accept(ngx_ws_session_t *s,
    ngx_ws_bus_event_t *ev, ngx_ws_buf_t *wb);

/* The client has said something: it has what was sent before. */
void ngx_ws_delivery_heard(ngx_ws_session_t *s);

/*
 * The same, of a client that does not ask for more, since it says goodbye or
 * goes over to a WebSocket: what another worker sent has come as well.
 * Engine.IO's own close does not say so: a client sends it also when its poll
 * broke, since that worker died.
 */
void ngx_ws_delivery_heard_all(ngx_ws_session_t *s);

/* The session's user leaves it. */
void ngx_ws_delivery_end(ngx_ws_session_t *s);

/*
 * A session that moves takes with it what it knows of its messages, unless it
 * is _busy() with fetching some.  _marks() is a view of those that wait for an
 * answer, _held() of those that came meanwhile, or NULL; _restore() and
 * _hold() make one of them the session's there, after the others _catch_up()
 * goes on with what waited; _forget() ends it here.
 */
ngx_uint_t ngx_ws_delivery_busy(ngx_ws_session_t *s);
ngx_uint_t ngx_ws_delivery_catching(ngx_ws_session_t *s);
ngx_ws_pending_mark_t *ngx_ws_delivery_marks(ngx_ws_session_t *s,
    ngx_uint_t *n);
ngx_queue_t *ngx_ws_delivery_held(ngx_ws_session_t *s);
void ngx_ws_delivery_restore(ngx_ws_session_t *s,
    ngx_ws_pending_mark_t *mark);
void ngx_ws_delivery_hold(ngx_ws_session_t *s, ngx_ws_pending_mark_t *mark,
    ngx_ws_buf_t *wb);
void ngx_ws_delivery_catch_up(ngx_ws_session_t *s);

/* All of the worker do: what was published meanwhile was not heard. */
void ngx_ws_delivery_hearing(ngx_ws_worker_t *w);
void ngx_ws_delivery_forget(ngx_ws_session_t *s);


#endif /* _NGX_WS_DELIVERY_H_INCLUDED_ */
