
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RECORD_CONSUMER_H_INCLUDED_
#define _NGX_WS_RECORD_CONSUMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * The one of all workers that writes the stream to MySQL, while it holds the
 * lock.  An entry is acknowledged once its row is committed, so whoever comes
 * next begins with what was read and not acknowledged; rows that MySQL refuses
 * go into a stream of their own, with the reason.
 */

typedef struct ngx_ws_record_consumer_s  ngx_ws_record_consumer_t;


ngx_ws_record_consumer_t *ngx_ws_record_consumer_create(ngx_ws_worker_t *w);
void ngx_ws_record_consumer_destroy(ngx_ws_record_consumer_t *cons);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_record_consumer_up(ngx_ws_record_consumer_t *cons);
void ngx_ws_record_consumer_down(ngx_ws_record_consumer_t *cons);


#endif /* _NGX_WS_RECORD_CONSUMER_H_INCLUDED_ */
