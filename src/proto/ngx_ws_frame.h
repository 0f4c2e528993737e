
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_FRAME_H_INCLUDED_
#define _NGX_WS_FRAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* RFC 6455, section 5.2: the first byte of a frame */

#define NGX_WS_FRAME_CONTINUATION  0x0
#define NGX_WS_FRAME_TEXT          0x1
#define NGX_WS_FRAME_BINARY        0x2
#define NGX_WS_FRAME_CLOSE         0x8
#define NGX_WS_FRAME_PING          0x9
#define NGX_WS_FRAME_PONG          0xa

#define NGX_WS_FRAME_CONTROL       0x08      /* set in control opcodes */
#define NGX_WS_FRAME_RSV1          0x40      /* compressed, RFC 7692 */
#define NGX_WS_FRAME_FIN           0x80

#define NGX_WS_FRAME_CONTROL_MAX   125       /* payload of a control frame */
#define NGX_WS_FRAME_HEAD_MAX      10        /* head that a server sends */
#define NGX_WS_FRAME_CLOSE_MAX     (2 + NGX_WS_FRAME_CONTROL_MAX)


/* RFC 6455, section 7.4.1, and IANA's registry */

#define NGX_WS_CLOSE_NORMAL        1000
#define NGX_WS_CLOSE_GOING_AWAY    1001
#define NGX_WS_CLOSE_PROTOCOL      1002
#define NGX_WS_CLOSE_UNSUPPORTED   1003
#define NGX_WS_CLOSE_NO_STATUS     1005      /* never sent */
#define NGX_WS_CLOSE_ABNORMAL      1006      /* never sent */
#define NGX_WS_CLOSE_INVALID       1007
#define NGX_WS_CLOSE_POLICY        1008
#define NGX_WS_CLOSE_TOO_BIG       1009
#define NGX_WS_CLOSE_INTERNAL      1011
#define NGX_WS_CLOSE_RESTART       1012
#define NGX_WS_CLOSE_TRY_LATER     1013


/*
 * The heads of a client's frames.  To be zeroed, then max and deflate set.
 */

typedef struct {
    uint64_t        length;        /* payload of the frame that was read */
    uint64_t        total;         /* payload of the message's frames so far */
    size_t          max;           /* size of a message */
    const char     *reason;        /* of the error */
    u_char          mask[4];
    uint16_t        error;
    u_char          opcode;
    u_char          state;
    u_char          left;          /* bytes of the field at hand to come */

    unsigned        deflate:1;     /* RSV1 was negotiated */
    unsigned        fin:1;
    unsigned        rsv1:1;
    unsigned        fragmented:1;  /* a message is under way */
    unsigned        compressed:1;  /* that message is */
} ngx_ws_frame_t;


/*
 * Reads one head; the caller takes the payload before it reads the next one.
 *
 * NGX_OK     opcode, fin, rsv1, mask and length are set
 * NGX_AGAIN  all input is taken, more is needed
 * NGX_ERROR  at the first byte that can't be right: error is the close code,
 *            NGX_WS_CLOSE_PROTOCOL or NGX_WS_CLOSE_TOO_BIG, and reason what
 *            the client sent, for a log
 *
 * A compressed message may come in more bytes than max, see below: what it
 * inflates to is the limit then, and up to the caller.
 */

ngx_int_t ngx_ws_frame_parse(ngx_ws_frame_t *f, u_char **pos, u_char *end);

/* Between two messages, and at the start of a frame's head. */

#define ngx_ws_frame_resting(f)  ((f)->state == 0 && !(f)->fragmented)


/* Incompressible data grow: a bound against endless empty blocks only. */

#define ngx_ws_frame_deflated_max(max)  ((uint64_t) (max) * 2 + 1024)


/*
 * Masks or unmasks in place what lies at the offset of a frame's payload.
 */

void ngx_ws_frame_unmask(u_char *p, size_t len, const u_char *mask,
    uint64_t offset);


/*
 * Writes the head of a server's frame, its first byte as given (opcode and
 * flags); returns where it ends.  With p == NULL returns its length.
 */

uintptr_t ngx_ws_frame_head(u_char *p, ngx_uint_t first, uint64_t len);


/*
 * Writes a whole close frame, at most NGX_WS_FRAME_CLOSE_MAX bytes; returns
 * where it ends.  With p == NULL returns its length.  reason may be NULL;
 * one that is too long is cut between two characters.  A code that must not
 * be sent, as NGX_WS_CLOSE_NO_STATUS, makes a frame without payload.
 */

uintptr_t ngx_ws_frame_close(u_char *p, ngx_uint_t code, ngx_str_t *reason);


/*
 * Reads the payload of a close frame (section 5.5.1).
 *
 * NGX_OK     code is the peer's, NGX_WS_CLOSE_NO_STATUS if there is none;
 *            reason points into the payload
 * NGX_ERROR  code is what to close with
 */

ngx_int_t ngx_ws_frame_close_parse(u_char *p, size_t len, ngx_uint_t *code,
    ngx_str_t *reason);


#endif /* _NGX_WS_FRAME_H_INCLUDED_ */
