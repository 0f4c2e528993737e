
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_USER_H_INCLUDED_
#define _NGX_WS_USER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * Whether a user exists in the tenant of the call's identity, and the name:
 * from the shared cache, else from MySQL by websocket_user_query, asked once
 * for all who wait for the same.
 */

typedef struct ngx_ws_user_query_s  ngx_ws_user_query_t;

/*
 * found: NGX_OK with the name (valid in the callback), NGX_DECLINED there is
 * no such user in the tenant, NGX_ERROR MySQL is away.
 */
typedef void (*ngx_ws_user_done_pt)(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);


/*
 * At configuration: compiles websocket_user_query, or the one for Laravel's
 * table if text is NULL, for conf->user_query.  Placeholders are :user_id and
 * :tenant_id; a row means that the user exists, its column "name" is the name.
 * NULL after the reason was logged at its place.
 */
ngx_ws_user_query_t *ngx_ws_user_compile(ngx_conf_t *cf, ngx_str_t *text);


ngx_ws_users_t *ngx_ws_users_create(ngx_ws_worker_t *w);

/* Those who still wait are not called. */
void ngx_ws_users_destroy(ngx_ws_users_t *users);

/* Calls done() exactly once, at once when the answer is in the cache. */
void ngx_ws_user_find(ngx_ws_call_t *call, uint64_t user,
    ngx_ws_user_done_pt done);


#endif /* _NGX_WS_USER_H_INCLUDED_ */
