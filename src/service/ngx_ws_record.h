
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RECORD_H_INCLUDED_
#define _NGX_WS_RECORD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * The record: entries of a Redis stream, written to MySQL in batches by one
 * consumer of all workers, at least once and idempotently.
 *
 * An entry's field "kind" tells what it is, see ngx_ws_record_row.h; its other
 * fields are columns.
 */

typedef struct {
    uint64_t        id;            /* messageId, websocket_events.id */
    uint64_t        tenant;
    uint64_t        user;          /* the sender */
    ngx_str_t       type;          /* message_sent, ... */
    ngx_str_t       channel;       /* private-user.2, group.x, broadcast */
    ngx_str_t       payload;       /* {"event":...,"data":...} */
    ngx_str_t       status;        /* pending, delivered */
    uint64_t        time;          /* ms since the epoch */
} ngx_ws_record_event_t;

#define NGX_WS_RECORD_ARGS  24     /* room for one entry's XADD */


ngx_ws_record_t *ngx_ws_record_create(ngx_ws_worker_t *w);
void ngx_ws_record_destroy(ngx_ws_record_t *record);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_record_up(ngx_ws_record_t *record);
void ngx_ws_record_down(ngx_ws_record_t *record);

/*
 * Writes the command that appends the event to the stream into argv (room for
 * NGX_WS_RECORD_ARGS; numbers are printed into the pool), to stand in one
 * MULTI with what publishes the event.  Gives argc, 0 without memory.
 */
ngx_uint_t ngx_ws_record_event(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_event_t *ev, ngx_str_t *argv);


#endif /* _NGX_WS_RECORD_H_INCLUDED_ */
