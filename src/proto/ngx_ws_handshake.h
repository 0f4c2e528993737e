
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_HANDSHAKE_H_INCLUDED_
#define _NGX_WS_HANDSHAKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_deflate.h>


#define NGX_WS_HANDSHAKE_ACCEPT_LEN  28

/* subprotocols in one request; who names more is refused */

#define NGX_WS_HANDSHAKE_PROTOCOLS   32


/*
 * Makes the Sec-WebSocket-Accept of a Sec-WebSocket-Key (RFC 6455, section
 * 4.2.2) of NGX_WS_HANDSHAKE_ACCEPT_LEN bytes.  NGX_ERROR if the key isn't
 * the base64 of 16 bytes.
 */

ngx_int_t ngx_ws_handshake_accept(ngx_str_t *key, u_char *accept);


/*
 * Whether a comma-separated list, as of Connection and Upgrade, has the token
 * in whatever case.
 */

ngx_uint_t ngx_ws_handshake_token(ngx_str_t *list, ngx_str_t *token);


/*
 * Whether Sec-WebSocket-Protocol is a list of different tokens (RFC 6455,
 * section 4.1).  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_ws_handshake_protocols(ngx_str_t *list);


/*
 * Finds the first offer of permessage-deflate that can be accepted (RFC 7692,
 * section 7.1) in Sec-WebSocket-Extensions; several header lines are to be
 * joined by commas.  params holds what the server wants, and then what is
 * agreed: takeover at most, windows at most.  Offers of others, and those
 * with unknown, doubled or invalid parameters, are passed over.
 *
 * NGX_OK        agreed, params->on is 1
 * NGX_DECLINED  no such offer: the connection goes without, params->on is 0
 * NGX_ERROR     not the grammar of RFC 6455, section 9.1, by which the
 *               handshake has to fail (400)
 */

ngx_int_t ngx_ws_handshake_deflate(ngx_str_t *list,
    ngx_ws_deflate_params_t *params);

/*
 * Writes the Sec-WebSocket-Extensions of the answer; returns where it ends.
 * With p == NULL returns its length.
 */

uintptr_t ngx_ws_handshake_deflate_answer(u_char *p,
    ngx_ws_deflate_params_t *params);


#endif /* _NGX_WS_HANDSHAKE_H_INCLUDED_ */
