
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_UTF8_H_INCLUDED_
#define _NGX_WS_UTF8_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * UTF-8 (RFC 3629) that may stop between any two bytes.  A zeroed state is a
 * new text.
 */

typedef struct {
    ngx_uint_t  state;
} ngx_ws_utf8_t;


/*
 * Takes the next bytes of a text.
 *
 * NGX_OK     valid so far, perhaps in the middle of a character
 * NGX_ERROR  no continuation can make the text valid; the state stays so
 */

ngx_int_t ngx_ws_utf8_check(ngx_ws_utf8_t *u, const u_char *p, size_t len);

#define ngx_ws_utf8_init(u)      (u)->state = 0

/* whether the text may end here: not in the middle of a character */

#define ngx_ws_utf8_complete(u)  ((u)->state == 0)


#endif /* _NGX_WS_UTF8_H_INCLUDED_ */
