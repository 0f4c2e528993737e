
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_PACKET_H_INCLUDED_
#define _NGX_WS_PACKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * One message of a client, whichever dialect it came in.  Strings are views
 * into the message.  The numbers are those of Socket.IO v5; its BINARY_EVENT
 * and BINARY_ACK are EVENT and ACK with attachments.
 */

typedef enum {
    NGX_WS_PACKET_CONNECT = 0,
    NGX_WS_PACKET_DISCONNECT,
    NGX_WS_PACKET_EVENT,
    NGX_WS_PACKET_ACK,
    NGX_WS_PACKET_CONNECT_ERROR
} ngx_ws_packet_kind_e;

typedef struct {
    ngx_ws_packet_kind_e  kind;
    ngx_uint_t            attachments;  /* binary messages that follow */
    ngx_str_t             nsp;          /* namespace, "/" is the main one */
    ngx_str_t             event;        /* its name, escapes resolved */
    ngx_str_t             data;         /* JSON of the first argument, or of
                                           CONNECT's payload; empty if none */
    ngx_str_t             args;         /* JSON of all arguments, with commas
                                           between them and no brackets */
    ngx_str_t             id;           /* asks for an acknowledgement, or is
                                           one; as it came, empty if none */
} ngx_ws_packet_t;


/*
 * A step of an encoder, which returns the length and writes unless p is NULL:
 * puts len bytes at p + at, returns the new length.
 */

static ngx_inline size_t
ngx_ws_packet_put(u_char *p, size_t at, const void *data, size_t len)
{
    if (p && len) {
        ngx_memcpy(p + at, data, len);
    }

    return at + len;
}


#define ngx_ws_packet_put_text(p, at, text)                                   \
    ngx_ws_packet_put(p, at, text, sizeof(text) - 1)

#define ngx_ws_packet_put_str(p, at, str)                                     \
    ngx_ws_packet_put(p, at, (str)->data, (str)->len)


#endif /* _NGX_WS_PACKET_H_INCLUDED_ */
