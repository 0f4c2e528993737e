
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SOCKET_H_INCLUDED_
#define _NGX_WS_SOCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_registry.h>


/*
 * Live sockets as all workers know them, by Redis: each is linked with a
 * connection, which counts in its channels and makes its user present for as
 * long.  A socket is known by its worker and a number there.
 */


/* call->state when a login is done; valid until done() returns. */

typedef struct {
    ngx_str_t       connection_id;   /* in the call's pool */
    ngx_str_t       channels;        /* it had them, as a JSON array */
    ngx_uint_t      waiting;         /* messages for the user */
} ngx_ws_socket_login_t;


ngx_ws_socket_ends_t *ngx_ws_socket_ends_create(ngx_ws_worker_t *w);
void ngx_ws_socket_ends_destroy(ngx_ws_socket_ends_t *ends);

/* Redis is there: see ngx_ws_redis_handler_t. */
void ngx_ws_socket_ends_up(ngx_ws_socket_ends_t *ends);

/*
 * Links a socket of this worker with the connection, which is made if it is
 * not there.  Errors are those of ngx_ws_registry_connect(); what Redis may
 * have taken nevertheless is undone.
 */
void ngx_ws_socket_login(ngx_ws_call_t *call,
    ngx_ws_registry_connection_t *conn, uint64_t socket);

/*
 * The socket has ended: so has its connection, unless another socket took it
 * over.  Needs no answer; repeated until Redis has taken it.
 */
void ngx_ws_socket_logout(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id, uint64_t socket);


#endif /* _NGX_WS_SOCKET_H_INCLUDED_ */
