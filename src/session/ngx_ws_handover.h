
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_HANDOVER_H_INCLUDED_
#define _NGX_WS_HANDOVER_H_INCLUDED_


#include <ngx_ws_poll.h>


/*
 * The side of the worker that has a polling session and gives it to another,
 * which has got its WebSocket: see ngx_ws_move.h for the whole.
 */


void ngx_ws_handovers_cleanup(ngx_ws_worker_t *w);

/* A probe of another worker may go on: it has the ticket. */
void ngx_ws_handover_offer(ngx_ws_worker_t *w, ngx_str_t *sid,
    uint64_t ticket, ngx_str_t *from);

/* Letters of that worker. */
void ngx_ws_handover_on_probe(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_handover_on_stay(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_handover_on_move(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_handover_on_mark(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
void ngx_ws_handover_on_taken(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);


#endif /* _NGX_WS_HANDOVER_H_INCLUDED_ */
