
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LISTEN_H_INCLUDED_
#define _NGX_WS_LISTEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * POST subscribe and unsubscribe: the live socket that carries a connection
 * joins or leaves a channel, on whichever worker it is; without one it is
 * remembered for when it comes.
 *
 * Its worker is told "join" or "leave", then "REQUEST INCARNATION SOCKET
 * CHANNEL", and answers "joined", then "REQUEST 1"; 0 if Redis did not
 * confirm; 2 if the socket is not there, but perhaps on its way to another
 * worker: it is looked for again.
 */

/* Of those that wait for an answer; listens is 1 to join, 0 to leave. */
ngx_ws_listens_t *ngx_ws_listens_create(ngx_ws_worker_t *w);
void ngx_ws_listens_destroy(ngx_ws_listens_t *listens);

void ngx_ws_listen(ngx_ws_call_t *call, ngx_str_t *connection_id,
    ngx_str_t *channel, ngx_uint_t listens);

/* "joined" has come. */
void ngx_ws_listen_answered(ngx_ws_worker_t *w, ngx_str_t *rest);

/*
 * Answers a request; incarnation and request as they came.  rc: NGX_OK;
 * NGX_DECLINED if the socket is not here; NGX_ERROR.
 */
void ngx_ws_listen_answer(ngx_ws_worker_t *w, ngx_str_t *incarnation,
    ngx_str_t *request, ngx_int_t rc);


#endif /* _NGX_WS_LISTEN_H_INCLUDED_ */
