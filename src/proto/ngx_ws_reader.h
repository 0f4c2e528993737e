
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_READER_H_INCLUDED_
#define _NGX_WS_READER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_deflate.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_inflate.h>
#include <ngx_ws_utf8.h>


/*
 * From the bytes that a client sent to whole messages (RFC 6455, sections 5
 * to 8, RFC 7692, section 6.2).
 */

typedef struct {
    ngx_ws_frame_t            frame;
    ngx_ws_utf8_t             utf8;
    ngx_ws_deflate_t         *deflate;     /* the worker's */
    ngx_ws_inflate_t         *inflate;     /* from the first compressed one */
    ngx_log_t                *log;         /* for ngx_alloc() alone */

    uint64_t                  rest;        /* of the frame, to come */
    u_char                   *message;     /* what has come of the message */
    size_t                    message_len;
    size_t                    message_size;
    u_char                   *control;     /* what has come of a control one */

    const char               *reason;
    ngx_ws_deflate_params_t   params;
    uint16_t                  error;

    u_char                    type;        /* opcode of the message */
    u_char                    given;       /* opcode of what was given last */
    unsigned                  payload:1;   /* the frame's head is read */
    unsigned                  closed:1;
} ngx_ws_reader_t;


typedef struct {
    ngx_uint_t          opcode;        /* TEXT, BINARY, CLOSE, PING or PONG */
    ngx_str_t           data;          /* payload, or the reason of a CLOSE */
    ngx_uint_t          code;          /* of a CLOSE; NGX_WS_CLOSE_NO_STATUS */
} ngx_ws_reader_out_t;


/*
 * max is the size of a message, also of an inflated one.  params are the
 * terms of permessage-deflate, NULL or off where there are none; deflate is
 * the worker's.
 */

void ngx_ws_reader_init(ngx_ws_reader_t *rd, size_t max,
    ngx_ws_deflate_params_t *params, ngx_ws_deflate_t *deflate,
    ngx_log_t *log);

/* gives all memory back */

void ngx_ws_reader_cleanup(ngx_ws_reader_t *rd);


/*
 * Takes bytes as they come, less than 2G at once, and gives the messages and
 * control frames in them one by one: to be called until all is taken.
 *
 * NGX_OK     out is set.  Its data may be written to; they live until the
 *            next call, and most often lie in the input, which is unmasked in
 *            place, so it must live as long.
 * NGX_AGAIN  all input is taken.  If no message is under way, no memory is
 *            held but the window of a client with takeover.
 * NGX_ERROR  the client broke the protocol or the limit, at the first byte
 *            from which that is sure: error is the close code, reason what it
 *            sent, for a log.  Or there is no memory.  All that came before
 *            was given already, nothing more can be read.
 *
 * Whatever follows a close frame is taken and ignored (section 5.5.1).
 */

ngx_int_t ngx_ws_reader_next(ngx_ws_reader_t *rd, u_char **pos, u_char *end,
    ngx_ws_reader_out_t *out);

/*
 * Whether no message is under way, nor a part of a frame's head: unless a
 * window is kept, another reader that is newly initialised may go on as well.
 * What was given last lives no longer.
 */

ngx_uint_t ngx_ws_reader_resting(ngx_ws_reader_t *rd);

#define ngx_ws_reader_window(rd)                                              \
    ((rd)->inflate && (rd)->inflate->window_len)


#endif /* _NGX_WS_READER_H_INCLUDED_ */
