
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_PENDING_H_INCLUDED_
#define _NGX_WS_PENDING_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_call.h>


/*
 * Messages that are kept in Redis until a socket of their recipient has shown
 * that it has them.
 */

typedef struct {
    uint64_t        seq;           /* of a recipient's messages, rising */
    uint64_t        id;            /* messageId */
    uint32_t        place;         /* for whoever keeps it */
} ngx_ws_pending_mark_t;


typedef enum {
    NGX_WS_PENDING_TAKEN = 0,      /* the socket's queue has drained */
    NGX_WS_PENDING_DONE,           /* the client has answered since */
    NGX_WS_PENDING_SEEN,           /* both */
    /* it has gone without a word: the user's other sockets fetch them */
    NGX_WS_PENDING_BACK,
    NGX_WS_PENDING_LOST            /* see ngx_ws_pending_lost() */
} ngx_ws_pending_what_e;


#define NGX_WS_PENDING_MARKS  500  /* at once */

/* seq of an event that says: what waits for the user has to be fetched */
#define NGX_WS_PENDING_FETCH  1


/* w->pendings.  NULL without memory. */
ngx_ws_pendings_t *ngx_ws_pendings_create(ngx_ws_worker_t *w);
void ngx_ws_pendings_destroy(ngx_ws_pendings_t *pendings);

/*
 * What became of messages to the user; marks are copied.  Nobody waits for it;
 * all is told to Redis in order, that of some ms together, and repeated until
 * Redis has taken it.  _tell() does not wait for these ms: the user may be
 * back already, at another worker.
 */
void ngx_ws_pending_mark(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_pending_what_e what, ngx_ws_pending_mark_t *marks, ngx_uint_t n);
void ngx_ws_pending_tell(ngx_ws_worker_t *w);

/*
 * A socket has gone, a fetch of which has failed: what it was given without
 * getting to know of it is to be fetched by others.
 */
void ngx_ws_pending_lost(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    uint64_t socket);

/*
 * Gives the user's next messages that no socket has, in the order of their
 * acceptance, so many bytes at most but one whatever its size: each() for
 * every one, then the call is done.  call->socket has them then; should it
 * not get to know of it, the next call gives them to it again.
 */
typedef struct {
    void                (*each)(ngx_ws_call_t *call, ngx_ws_bus_event_t *ev);
} ngx_ws_pending_handler_t;

void ngx_ws_pending_fetch(ngx_ws_call_t *call, size_t bytes,
    const ngx_ws_pending_handler_t *handler);


#endif /* _NGX_WS_PENDING_H_INCLUDED_ */
