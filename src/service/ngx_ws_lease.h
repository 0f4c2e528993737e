
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LEASE_H_INCLUDED_
#define _NGX_WS_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * Who is alive: every incarnation renews its lease in Redis.  One that does so
 * no more, and listens to its own channel no more, has lost its process; one
 * whose lease is over its machine.  Whoever looks next takes over its
 * departures, page by page, and once: a script decides.  One that finds its
 * own lease taken begins anew by ngx_ws_worker_renew().
 */

ngx_ws_leases_t *ngx_ws_leases_create(ngx_ws_worker_t *w);

/* Gives the lease up. */
void ngx_ws_leases_destroy(ngx_ws_leases_t *leases);

/* Redis is there, or the worker has another incarnation. */
void ngx_ws_lease_up(ngx_ws_leases_t *leases);
void ngx_ws_lease_begin(ngx_ws_leases_t *leases);


#endif /* _NGX_WS_LEASE_H_INCLUDED_ */
