
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MESSAGE_BATCH_H_INCLUDED_
#define _NGX_WS_MESSAGE_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/* Messages of one turn of the loop go to Redis by one script. */


/* w->batch.  NULL without memory. */
ngx_ws_message_batch_t *ngx_ws_message_batch_create(ngx_ws_worker_t *w);
void ngx_ws_message_batch_destroy(ngx_ws_message_batch_t *batch);

/* The message in call->state; ngx_ws_message_sent() will be called. */
void ngx_ws_message_batch_add(ngx_ws_message_batch_t *batch,
    ngx_ws_call_t *call);

/* Those that wait go now: ahead of another command, which is about to. */
void ngx_ws_message_batch_flush(ngx_ws_message_batch_t *batch);


#endif /* _NGX_WS_MESSAGE_BATCH_H_INCLUDED_ */
