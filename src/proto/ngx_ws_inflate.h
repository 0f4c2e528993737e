
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_INFLATE_H_INCLUDED_
#define _NGX_WS_INFLATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_deflate.h>


/*
 * What a connection receives compressed.  To be zeroed, then deflate, bits
 * and takeover set.  It has zlib's state only while a message is under way,
 * and takes the one that the worker keeps; between messages it holds, with
 * takeover, the window: what the client sent last, at most 2^bits bytes.
 */

typedef struct {
    ngx_ws_deflate_t     *deflate;
    struct z_stream_s    *stream;
    u_char               *window;
    const char           *reason;       /* of the error */
    uint32_t              window_len;
    uint32_t              window_size;
    uint16_t              error;
    u_char                bits;         /* of the client's window */
    u_char                tail;         /* bytes of it already fed */
    unsigned              takeover:1;
} ngx_ws_inflate_t;


/*
 * Inflates the next bytes of a message, less than 2G, into *out, which moves.
 *
 * NGX_OK     all input is taken, and all output is written
 * NGX_AGAIN  there is no room between *out and end: to be called again with
 *            more of it and the rest of the input
 * NGX_ERROR  error is the close code, reason what the client sent
 */

ngx_int_t ngx_ws_inflate_read(ngx_ws_inflate_t *z, u_char **pos, u_char *last,
    u_char **out, u_char *end);

/*
 * The same for the end of a message, where the input is all in: on NGX_OK the
 * message is complete.  There must be room for a byte at least.
 */

ngx_int_t ngx_ws_inflate_finish(ngx_ws_inflate_t *z, u_char **out,
    u_char *end);

/* gives all memory back, also in the middle of a message */

void ngx_ws_inflate_drop(ngx_ws_inflate_t *z);


#endif /* _NGX_WS_INFLATE_H_INCLUDED_ */
