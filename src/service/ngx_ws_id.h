
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_ID_H_INCLUDED_
#define _NGX_WS_ID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * Message ids: below 2^53, unique over workers, machines and restarts, rising
 * within a worker; leased from Redis in blocks.
 */

#define NGX_WS_ID_BLOCK  1000

typedef void (*ngx_ws_id_done_pt)(void *data, ngx_int_t rc, uint64_t id);


ngx_ws_ids_t *ngx_ws_ids_create(ngx_ws_worker_t *w);

/* Those who still wait are not called. */
void ngx_ws_ids_destroy(ngx_ws_ids_t *ids);

/* Redis is there: see ngx_ws_redis_handler_t. */
void ngx_ws_id_up(ngx_ws_ids_t *ids);

/*
 * n consecutive ids, 0 < n <= NGX_WS_ID_BLOCK: done(data, NGX_OK, first) is
 * called in the order of asking, perhaps before the function returns, or
 * done(data, NGX_ERROR, 0) when Redis was away for 5 s, too many wait, or
 * without memory.
 */
void ngx_ws_id_next(ngx_ws_ids_t *ids, ngx_uint_t n, ngx_ws_id_done_pt done,
    void *data);


#endif /* _NGX_WS_ID_H_INCLUDED_ */
