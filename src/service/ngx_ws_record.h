
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
    ngx_str_t       event;         /* payload: {"event":...,"data":...} */
    ngx_str_t       data;
    ngx_str_t       status;        /* pending, delivered */
    uint64_t        time;          /* ms since the epoch */
} ngx_ws_record_event_t;

ngx_ws_record_t *ngx_ws_record_create(ngx_ws_worker_t *w);
void ngx_ws_record_destroy(ngx_ws_record_t *record);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_record_up(ngx_ws_record_t *record);
void ngx_ws_record_down(ngx_ws_record_t *record);

/*
 * The command that appends the entry to the stream, in the pool, to stand in
 * one MULTI with what publishes it.  NGX_OK, NGX_ERROR without memory.
 */
ngx_int_t ngx_ws_record_event(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_event_t *ev, ngx_ws_redis_cmd_t *cmd);

/* The same for a row of websocket_typing_indicators; expires 0: it ended. */
ngx_int_t ngx_ws_record_typing(ngx_ws_worker_t *w, ngx_pool_t *pool,
    uint64_t tenant, uint64_t user, ngx_str_t *conversation, ngx_str_t *type,
    uint64_t started, uint64_t expires, ngx_ws_redis_cmd_t *cmd);


#endif /* _NGX_WS_RECORD_H_INCLUDED_ */
