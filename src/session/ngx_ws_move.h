
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MOVE_H_INCLUDED_
#define _NGX_WS_MOVE_H_INCLUDED_


#include <ngx_ws_session.h>


/*
 * A polling session moves to this worker, which has got its WebSocket, from
 * the one that has it, A:
 *
 *                    A is asked by a PROBE, and gives a ticket
 *   2probe  probe    A ends the GETs that are held
 *   5       move     A waits until calls under way have ended
 *           channels    are joined here, and confirmed by Redis
 *           mark     to A and to ourselves at one moment of Redis: what comes
 *                    before it is A's to deliver, what comes later is ours
 *           state       all the rest, with what A had still queued
 *           taken    A forgets the session
 *
 * Until the mark A may say "ended", or hear "stay"; whoever is not heard of
 * for some seconds has failed, then the WebSocket is closed.
 */

typedef struct ngx_ws_move_s  ngx_ws_move_t;


void ngx_ws_moves_cleanup(ngx_ws_worker_t *w);

/*
 * For a WebSocket that may take over params->sid of params->owner.  ended() is
 * called, and the move is over, when that says so.  NULL without memory.
 */
ngx_ws_move_t *ngx_ws_move_create(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params, void (*ended)(void *data), void *data);

/* The client has probed. */
void ngx_ws_move_probe(ngx_ws_move_t *move);

/* The client has not gone over: the move is over. */
void ngx_ws_move_cancel(ngx_ws_move_t *move);

/*
 * The client has gone over: the transport, which is paused, is the move's
 * from now on, then the session's.
 */
void ngx_ws_move_take(ngx_ws_move_t *move);


/* An event for a session that is not complete yet. */
void ngx_ws_move_deliver(ngx_ws_session_t *s, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb);

/* Letters of the owner; and of our own, to whom it was. */
void ngx_ws_move_on_ended(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_move_on_channels(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_move_on_mark(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_move_on_state(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);

/* The link for messages is lost: no move can be completed. */
void ngx_ws_move_deaf(ngx_ws_worker_t *w);


#endif /* _NGX_WS_MOVE_H_INCLUDED_ */
