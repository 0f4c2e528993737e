
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LOOP_H_INCLUDED_
#define _NGX_WS_LOOP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_deflate.h>
#include <ngx_ws_reader.h>


#define NGX_WS_LOOP_BUFFER  65536      /* read in a turn of the loop */


/*
 * What the connections of a process share: the buffer they read into, the
 * reader of those in the middle of no message, the deflate streams, the event
 * that sends at the end of a turn of the loop.
 */

typedef struct ngx_ws_loop_context_s  ngx_ws_loop_context_t;

struct ngx_ws_loop_context_s {
    ngx_queue_t                 queue;     /* by the time of the last use */
    ngx_ws_loop_context_t     **owner;
    ngx_msec_t                  used;
    ngx_ws_deflate_context_t    deflate;
};


typedef struct {
    ngx_queue_t          dirty;        /* connections to flush */
    ngx_event_t          flush;        /* the handler is the connections' */

    ngx_uint_t           count;        /* of connections */
    ngx_uint_t           trimmed;      /* that was when memory was trimmed */
    ngx_event_t          trim;
    ngx_msec_t           wait;         /* of its timer, 0: it is not set */

    /* closes a connection, with a pool or without one */
    void               (*release)(ngx_connection_t *c);

    ngx_ws_deflate_t    *deflate;
    ngx_event_t          unused;       /* drops its streams, and contexts */
    ngx_uint_t           used;         /* since the last look */
    ngx_queue_t          contexts;

    ngx_ws_reader_t      reader;
    u_char               buffer[NGX_WS_LOOP_BUFFER];
} ngx_ws_loop_t;


/* NULL without memory; release closes the connections. */
ngx_ws_loop_t *ngx_ws_loop_create(void (*release)(ngx_connection_t *c),
    ngx_log_t *log);
void ngx_ws_loop_destroy(ngx_ws_loop_t *loop);

/*
 * A connection has come (n is 1) or gone (-1): when many have, what was needed
 * for that alone is given back to the system.
 */
void ngx_ws_loop_count(ngx_ws_loop_t *loop, ngx_int_t n);

/*
 * The streams for a message at hand: those that no message has used for a
 * while are given back.
 */
ngx_ws_deflate_t *ngx_ws_loop_deflate(ngx_ws_loop_t *loop);

/*
 * The context of a connection, which is made at first, and dropped when it was
 * not used for a while: *owner is NULL then.  NULL without memory.
 */
ngx_ws_deflate_context_t *ngx_ws_loop_context(ngx_ws_loop_t *loop,
    ngx_ws_loop_context_t **owner);
void ngx_ws_loop_context_drop(ngx_ws_loop_context_t *context);


#endif /* _NGX_WS_LOOP_H_INCLUDED_ */
