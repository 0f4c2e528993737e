
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SIO_H_INCLUDED_
#define _NGX_WS_SIO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_packet.h>


/* Socket.IO v5 packets, its default parser's form. */

#define NGX_WS_SIO_NSP_LEN      255
#define NGX_WS_SIO_ID_LEN       20
#define NGX_WS_SIO_ATTACHMENTS  10


/*
 * Decodes what follows the type of an Engine.IO message packet.  The name of
 * an event is unescaped in place.  NGX_OK, NGX_ERROR: the reference server
 * closes the connection ("parse error").
 */
ngx_int_t ngx_ws_sio_decode(ngx_ws_packet_t *pkt, u_char *p, size_t len);


/*
 * Encoders write the Engine.IO type, "4", too: a WebSocket text message.  All
 * return the length, and write unless p is NULL.  An empty namespace is "/";
 * data and args are JSON, empty for none.
 *
 * _encode()  any packet: args of EVENT and ACK, data of the others
 */
size_t ngx_ws_sio_encode(u_char *p, ngx_ws_packet_t *pkt);

size_t ngx_ws_sio_event(u_char *p, ngx_str_t *nsp, ngx_str_t *name,
    ngx_str_t *data);
size_t ngx_ws_sio_ack(u_char *p, ngx_str_t *nsp, ngx_str_t *id,
    ngx_str_t *data);
size_t ngx_ws_sio_connect(u_char *p, ngx_str_t *nsp, ngx_str_t *sid);
size_t ngx_ws_sio_connect_error(u_char *p, ngx_str_t *nsp, ngx_str_t *message,
    ngx_str_t *data);
size_t ngx_ws_sio_disconnect(u_char *p, ngx_str_t *nsp);


#endif /* _NGX_WS_SIO_H_INCLUDED_ */
