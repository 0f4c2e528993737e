
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_DEFLATE_H_INCLUDED_
#define _NGX_WS_DEFLATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


struct z_stream_s;


#define NGX_WS_DEFLATE_BITS_MIN  8
#define NGX_WS_DEFLATE_BITS_MAX  15


/*
 * The terms of permessage-deflate (RFC 7692, section 7.1): those that a
 * server wants, and what ngx_ws_handshake_deflate() makes of them.  The
 * window bits are 8 .. 15.
 */

typedef struct {
    unsigned                  on:1;
    unsigned                  server_takeover:1;  /* of what we send */
    unsigned                  client_takeover:1;
    unsigned                  server_bits:5;
    unsigned                  client_bits:5;
    unsigned                  server_bits_named:1;    /* in the answer */
    unsigned                  client_bits_named:1;
} ngx_ws_deflate_params_t;


/*
 * What was sent to a client last by messages that were compressed, as it still
 * stands in the client's window: context for the next one of them (takeover).
 * It is the plain text alone, and may be forgotten between any two messages.
 */

#define NGX_WS_DEFLATE_CONTEXT   4096

typedef struct {
    uint32_t                  len;
    u_char                    data[NGX_WS_DEFLATE_CONTEXT];
} ngx_ws_deflate_context_t;


/*
 * What the connections of a worker share: compressors, one a window, and the
 * decompressor that no message uses at the moment (ngx_ws_inflate.h).
 */

typedef struct {
    ngx_log_t                *log;
    struct z_stream_s        *inflate;
    u_char                   *out;
    size_t                    size;
    struct z_stream_s        *streams[NGX_WS_DEFLATE_BITS_MAX
                                      - NGX_WS_DEFLATE_BITS_MIN];
} ngx_ws_deflate_t;


/* NULL when there is no memory */

ngx_ws_deflate_t *ngx_ws_deflate_create(ngx_log_t *log);
void ngx_ws_deflate_destroy(ngx_ws_deflate_t *d);

/* gives back what is kept for the next message, about 800K at most */

void ngx_ws_deflate_drop(ngx_ws_deflate_t *d);

/*
 * The window by which a message of that length, its context included, is
 * compressed for a client with those server_bits: the smallest one that holds
 * it.  Clients for whom it is the same can take the same bytes.
 */

ngx_uint_t ngx_ws_deflate_window(size_t len, ngx_uint_t server_bits);

/*
 * Compresses a message by a window that the above gave.  Without a context
 * (NULL) it is valid for everyone, also where takeover was negotiated.
 *
 * NGX_OK        out is the payload of a frame with RSV1, shorter than the
 *               message; lives until the next call
 * NGX_DECLINED  it is empty, it does not pay, or there is no memory: to be
 *               sent as it is, which is always allowed
 */

ngx_int_t ngx_ws_deflate_message(ngx_ws_deflate_t *d, ngx_uint_t window,
    ngx_ws_deflate_context_t *context, u_char *in, size_t len, ngx_str_t *out);

/* adds a message that was sent compressed, by this context or a new one */

void ngx_ws_deflate_context_add(ngx_ws_deflate_context_t *context, u_char *in,
    size_t len);


/* a zeroed z_stream that allocates by ngx_alloc(), or NULL; for ngx_free() */

struct z_stream_s *ngx_ws_deflate_zlib(ngx_log_t *log);


#endif /* _NGX_WS_DEFLATE_H_INCLUDED_ */
