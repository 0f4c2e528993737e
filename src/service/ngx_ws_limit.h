
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LIMIT_H_INCLUDED_
#define _NGX_WS_LIMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * websocket_connection_limit: how many sockets a user may have on all workers
 * and machines.
 */

/*
 * The socket of this worker was linked with its connection.  The answer is 1,
 * and the workers of those that have to go instead were told "evict SOCKET
 * CONNECTION_ID"; or 0, it may not stay.  NULL without memory.
 */
ngx_ws_redis_op_t *ngx_ws_limit_join(ngx_ws_worker_t *w,
    ngx_ws_service_conf_t *conf, ngx_ws_identity_t *id,
    ngx_str_t *connection_id, uint64_t socket, ngx_ws_redis_reply_pt handler,
    void *data);

/* It is here, still or now.  Needs no answer; an hour's sign is enough. */
void ngx_ws_limit_note(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_ws_identity_t *id, ngx_str_t *connection_id, uint64_t socket);


#endif /* _NGX_WS_LIMIT_H_INCLUDED_ */
