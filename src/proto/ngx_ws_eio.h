
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_EIO_H_INCLUDED_
#define _NGX_WS_EIO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Engine.IO v4: packets of the heartbeat and of the upgrade, payloads of the
 * polling transport.
 */

#define NGX_WS_EIO_SEPARATOR  0x1e

typedef enum {
    NGX_WS_EIO_OPEN = 0,
    NGX_WS_EIO_CLOSE,
    NGX_WS_EIO_PING,
    NGX_WS_EIO_PONG,
    NGX_WS_EIO_MESSAGE,
    NGX_WS_EIO_UPGRADE,
    NGX_WS_EIO_NOOP
} ngx_ws_eio_type_e;

typedef struct {
    ngx_ws_eio_type_e  type;
    ngx_str_t          data;       /* behind the type; a view */
    unsigned           binary:1;   /* of a message: data are bytes, not text */
} ngx_ws_eio_packet_t;

typedef struct {
    ngx_str_t          sid;
    ngx_msec_t         ping_interval;
    ngx_msec_t         ping_timeout;
    size_t             max_payload;
    unsigned           upgrade:1;  /* to WebSocket */
} ngx_ws_eio_open_t;


/* Answers to bad requests; the numbers are the reference server's. */

typedef enum {
    NGX_WS_EIO_BAD_TRANSPORT = 0,
    NGX_WS_EIO_BAD_SID,
    NGX_WS_EIO_BAD_METHOD,
    NGX_WS_EIO_BAD_REQUEST,
    NGX_WS_EIO_FORBIDDEN,
    NGX_WS_EIO_BAD_VERSION
} ngx_ws_eio_error_e;


/*
 * A text packet.  "b" and base64, a binary message, is decoded in place.
 * NGX_OK, NGX_ERROR: the session is to be closed ("parse error").
 */
ngx_int_t ngx_ws_eio_decode(ngx_ws_eio_packet_t *pkt, u_char *p, size_t len);

/*
 * The next packet of a polling payload, *pos moves on.  NGX_OK, NGX_DONE at
 * the end, NGX_ERROR as above; an empty payload is an error.  The first call
 * has *pos at the payload's begin, which *pos leaves as NULL at its end.
 */
ngx_int_t ngx_ws_eio_next(ngx_ws_eio_packet_t *pkt, u_char **pos, u_char *end);


/* All return the length, and write unless p is NULL. */

size_t ngx_ws_eio_open(u_char *p, ngx_ws_eio_open_t *open);

/*
 * A packet as a part of a polling payload: a separator first unless it is the
 * first one, base64 if it is binary.  Text has its type in front already.
 */
size_t ngx_ws_eio_part(u_char *p, ngx_str_t *packet, ngx_uint_t binary,
    ngx_uint_t first);

/* {"code":0,"message":"Transport unknown"} */
size_t ngx_ws_eio_error(u_char *p, ngx_ws_eio_error_e e);
ngx_uint_t ngx_ws_eio_error_status(ngx_ws_eio_error_e e);


#endif /* _NGX_WS_EIO_H_INCLUDED_ */
