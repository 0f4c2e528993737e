
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REGISTRY_H_INCLUDED_
#define _NGX_WS_REGISTRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_pending.h>


/*
 * Connections as users see them: registered by REST or by a socket's login,
 * found by connection_id over all workers, recorded in websocket_connections.
 * Strings are copied.
 */

typedef struct {
    ngx_str_t       connection_id;  /* empty: one is made */
    ngx_str_t       session_id;
    ngx_str_t       browser;
    ngx_str_t       device_type;
    ngx_str_t       ip_address;
} ngx_ws_registry_connection_t;


/*
 * POST connect.  Result {"data":{"connection_id",...}}; an id that another
 * user has is NGX_WS_INVALID, "The connection id has already been taken."
 */
void ngx_ws_registry_connect(ngx_ws_call_t *call,
    ngx_ws_registry_connection_t *conn);

/* Ends the call with that refusal. */
void ngx_ws_registry_taken(ngx_ws_call_t *call);

/* An id of a connection that came without one. */
ngx_int_t ngx_ws_registry_id(ngx_pool_t *pool, ngx_str_t *id);

/* How long Redis keeps a connection after its last sign of life, in ms. */
uint64_t ngx_ws_registry_keep(ngx_ws_worker_t *w);

/*
 * POST disconnect: closes the linked socket wherever it is, by the message
 * "close SOCKET CONNECTION_ID" to its worker.  NGX_WS_FORBIDDEN for another
 * user's connection, NGX_WS_NOT_FOUND for an unknown one or one of another
 * tenant.
 */
void ngx_ws_registry_disconnect(ngx_ws_call_t *call,
    ngx_str_t *connection_id);

/*
 * ngx_ws_registry_socket.c: a REST call of this connection speaks for its
 * socket.  If the connection is the caller's and has one, call->socket becomes
 * its number and owner is whose it is, else owner is empty; then found() is
 * called.  Fails while Redis is away.  find lives as long as the call.
 */

typedef struct {
    ngx_ws_call_t        *call;
    ngx_str_t             connection_id;
    void                (*found)(ngx_ws_call_t *call, ngx_str_t *owner);
} ngx_ws_registry_socket_t;

void ngx_ws_registry_socket(ngx_ws_registry_socket_t *find);

/*
 * The live socket of this number has moved here from another worker, with n
 * messages that its client has not answered yet: they are this worker's from
 * now on.  The answer is a JSON array of its channels, as they are remembered,
 * or nil if the connection has ended or has another socket.  NULL: no memory.
 */
ngx_ws_redis_op_t *ngx_ws_registry_move(ngx_ws_worker_t *w,
    ngx_ws_identity_t *id, ngx_str_t *connection_id, uint64_t socket,
    ngx_str_t *from, ngx_ws_pending_mark_t *marks, ngx_uint_t n,
    ngx_ws_redis_reply_pt handler, void *data);

/*
 * The connection is in use, unless it is somebody else's: a REST call carried
 * its id, or its socket lives on.  A connection is forgotten some hours after
 * the last sign of life (retention_connections), so a call an hour is enough
 * for a socket.  Needs no answer.
 */
void ngx_ws_registry_touch(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id);

/*
 * The connection listens to a channel from now on, or does no more, which is
 * remembered in subscribed_channels.  Needs no answer.  It is recorded at
 * once, or, when live says that it is a socket of this worker, a moment later.
 */
void ngx_ws_registry_channel(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id, ngx_str_t *channel, ngx_uint_t listens,
    ngx_uint_t live);


#endif /* _NGX_WS_REGISTRY_H_INCLUDED_ */
