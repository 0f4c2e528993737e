
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

/*
 * found: NGX_OK with the name (valid in the callback), NGX_DECLINED there is
 * no such user in the tenant, NGX_ERROR MySQL is away.
 */
typedef void (*ngx_ws_user_done_pt)(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);

/* Calls done() exactly once, at once when the answer is in the cache. */
void ngx_ws_user_find(ngx_ws_call_t *call, uint64_t user,
    ngx_ws_user_done_pt done);


#endif /* _NGX_WS_USER_H_INCLUDED_ */
