
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SEND_H_INCLUDED_
#define _NGX_WS_SEND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_buf.h>


/*
 * What waits for one client: references to shared buffers in a ring that is
 * there only while something waits.
 */

typedef struct {
    ngx_ws_buf_t  **ring;
    uint32_t        first;
    uint32_t        count;
    uint32_t        size;          /* of the ring, a power of two */
    uint32_t        offset;        /* bytes of the first that have gone */
    size_t          bytes;         /* that wait, offset not subtracted */
} ngx_ws_send_queue_t;


/* What a buffer counts for in bytes: small ones are not for free. */
#define ngx_ws_send_cost(wb)  (sizeof(ngx_ws_buf_t) + (wb)->size)


/* Queues wb, taking a reference.  NGX_ERROR without memory. */
ngx_int_t ngx_ws_send_push(ngx_ws_send_queue_t *q, ngx_ws_buf_t *wb,
    ngx_log_t *log);

/*
 * Sends what the socket takes.  NGX_OK all has gone into the kernel, NGX_AGAIN
 * the rest waits for a write event, NGX_ERROR the connection is broken.
 */
ngx_int_t ngx_ws_send_flush(ngx_ws_send_queue_t *q, ngx_connection_t *c);

/*
 * For who does not send to a socket: a view of the buffer at place i, less
 * than q->count; and the first one's removal.
 */
ngx_ws_buf_t *ngx_ws_send_get(ngx_ws_send_queue_t *q, ngx_uint_t i);
void ngx_ws_send_shift(ngx_ws_send_queue_t *q);

/* Drops all but a buffer of which a part has gone already. */
void ngx_ws_send_drop(ngx_ws_send_queue_t *q);

/* Drops everything and frees the ring. */
void ngx_ws_send_cleanup(ngx_ws_send_queue_t *q);


#endif /* _NGX_WS_SEND_H_INCLUDED_ */
