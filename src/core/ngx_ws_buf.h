
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_BUF_H_INCLUDED_
#define _NGX_WS_BUF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_deflate.h>


/*
 * One encoded message: immutable once filled, counted, shared by every
 * connection of the worker that sends it.  It holds a whole WebSocket frame
 * (RFC 6455, section 5.2), unmasked; the packet without the frame's head is
 * what the polling transport takes.
 */

typedef struct ngx_ws_buf_s  ngx_ws_buf_t;

struct ngx_ws_buf_s {
    uint32_t        refs;
    uint32_t        size;          /* of the frame, head included */
    u_char          head;          /* bytes of the frame's head */
    u_char          binary;        /* a binary message, not a text */
    u_char          window;        /* of this compressed form */
    u_char          shared;        /* others may get it, too */
    uint32_t        messages;      /* 1, or more: see ngx_ws_buf_join() */
    ngx_ws_buf_t   *deflated;      /* compressed forms, made on demand */
    u_char          data[];
};


#define NGX_WS_BUF_DEFLATE_MIN  128

#define ngx_ws_buf_payload(wb)  ((wb)->data + (wb)->head)
#define ngx_ws_buf_len(wb)      ((size_t) (wb)->size - (wb)->head)


/*
 * Makes a frame of the opcode (NGX_WS_FRAME_*) with room for len bytes of
 * payload, the head already written; the caller fills ngx_ws_buf_payload().
 * One reference, the caller's.  NULL when there is no memory.
 */
ngx_ws_buf_t *ngx_ws_buf_create(ngx_uint_t opcode, size_t len,
    ngx_log_t *log);

/*
 * Whole frames one after the other, for a WebSocket without compression, where
 * they go as one; its payload is all of them.  NULL when there is no memory.
 */
ngx_ws_buf_t *ngx_ws_buf_join(ngx_ws_buf_t **wbs, ngx_uint_t n,
    ngx_log_t *log);

/*
 * The frame compressed by permessage-deflate (RFC 7692) without context, for a
 * client that agreed to these server_max_window_bits; made once for all who
 * can share it, owned by wb.  Gives wb itself where compression does not pay.
 */
ngx_ws_buf_t *ngx_ws_buf_deflated(ngx_ws_buf_t *wb,
    ngx_ws_deflate_t *deflate, ngx_uint_t server_bits, ngx_log_t *log);

/*
 * The same for one client alone, with a context to which it is added: a buffer
 * with one reference, the caller's, or NULL where compression does not pay.
 */
ngx_ws_buf_t *ngx_ws_buf_deflate(ngx_ws_buf_t *wb, ngx_ws_deflate_t *deflate,
    ngx_uint_t server_bits, ngx_ws_deflate_context_t *context,
    ngx_log_t *log);

ngx_ws_buf_t *ngx_ws_buf_ref(ngx_ws_buf_t *wb);
void ngx_ws_buf_unref(ngx_ws_buf_t *wb);


#endif /* _NGX_WS_BUF_H_INCLUDED_ */
