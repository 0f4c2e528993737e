
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LOGIN_CLAIM_H_INCLUDED_
#define _NGX_WS_LOGIN_CLAIM_H_INCLUDED_


#include <ngx_ws_registry.h>
#include <ngx_ws_session.h>


/* What a client says of itself. */

typedef struct {
    ngx_str_t                      token;
    ngx_str_t                      user;        /* as texts; empty: nothing */
    ngx_str_t                      club;
    ngx_ws_registry_connection_t   connection;
} ngx_ws_login_claim_t;


/*
 * Of the fields of in, which may be NULL, and of what is known of the client;
 * copied to the call's pool.  NGX_ERROR with the call's error set.
 */
ngx_int_t ngx_ws_login_claim(ngx_ws_call_t *call,
    ngx_ws_session_client_t *client, ngx_ws_json_t *in,
    ngx_ws_login_claim_t *claim);

/* NGX_DECLINED: the identity is another one, the call's message tells why. */
ngx_int_t ngx_ws_login_claim_check(ngx_ws_call_t *call,
    ngx_ws_login_claim_t *claim, ngx_ws_identity_t *id);


#endif /* _NGX_WS_LOGIN_CLAIM_H_INCLUDED_ */
