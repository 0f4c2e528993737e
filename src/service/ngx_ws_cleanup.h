
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CLEANUP_H_INCLUDED_
#define _NGX_WS_CLEANUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * Deletes rows that are kept no longer, conf->retention_connections and
 * conf->retention_events, and typing that has ended: one worker of all, some
 * rows at a time.  util/cleanup.sql does the same by hand.
 */

ngx_ws_cleanup_t *ngx_ws_cleanup_create(ngx_ws_worker_t *w);
void ngx_ws_cleanup_destroy(ngx_ws_cleanup_t *cleanup);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_cleanup_up(ngx_ws_cleanup_t *cleanup);
void ngx_ws_cleanup_down(ngx_ws_cleanup_t *cleanup);


#endif /* _NGX_WS_CLEANUP_H_INCLUDED_ */
