
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_IDENTITY_H_INCLUDED_
#define _NGX_WS_IDENTITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Who a token speaks for.  Counted: sessions and calls hold references.
 */

typedef struct {
    ngx_uint_t      refs;
    uint64_t        user;
    uint64_t        tenant;
    uint64_t        token;         /* id of the token's row, 0 if unknown */
    uint64_t        expires;       /* ms since the epoch, 0 never */
    ngx_uint_t      abilities;     /* NGX_WS_TOKEN_ABILITY_* */
    u_char          digest[32];    /* key of the token in the cache */
    ngx_str_t       name;          /* of the user */
    u_char          data[];
} ngx_ws_identity_t;


ngx_ws_identity_t *ngx_ws_identity_ref(ngx_ws_identity_t *id);
void ngx_ws_identity_unref(ngx_ws_identity_t *id);


#endif /* _NGX_WS_IDENTITY_H_INCLUDED_ */
