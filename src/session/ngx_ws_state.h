
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_STATE_H_INCLUDED_
#define _NGX_WS_STATE_H_INCLUDED_


#include <ngx_ws_send.h>
#include <ngx_ws_session.h>


/*
 * What of a session travels when it moves to another worker; calls under way
 * do not, channels and the session's number went before.
 */

/* Returns the length of the text, and writes it unless p is NULL. */
size_t ngx_ws_state_encode(u_char *p, ngx_ws_session_t *s,
    ngx_ws_send_queue_t *queue);

/*
 * Fills in a session that was made by ngx_ws_session_shell(), and the queue.
 * NGX_OK; NGX_ERROR without memory or for a text of another version, what was
 * filled in ends with the session.
 */
ngx_int_t ngx_ws_state_decode(ngx_ws_session_t *s,
    ngx_ws_send_queue_t *queue, ngx_str_t *text);

/* The names of its channels, in the same way: a number, then each. */
size_t ngx_ws_state_channels(u_char *p, ngx_ws_session_t *s);

/*
 * Take a number and a string off the text; the latter is a view.  NGX_OK,
 * NGX_ERROR.
 */
ngx_int_t ngx_ws_state_number(ngx_str_t *text, uint64_t *n);
ngx_int_t ngx_ws_state_string(ngx_str_t *text, ngx_str_t *value);


#endif /* _NGX_WS_STATE_H_INCLUDED_ */
