
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RANDOM_H_INCLUDED_
#define _NGX_WS_RANDOM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Unpredictable bytes from the kernel, for names that are secrets.  A failure
 * ends the process: none may ever be guessed.
 */
void ngx_ws_random(u_char *p, size_t n);

#define NGX_WS_RANDOM_ID_LEN  20

/* NGX_WS_RANDOM_ID_LEN characters of base64url: 120 bits, not terminated. */
void ngx_ws_random_id(u_char *p);


#endif /* _NGX_WS_RANDOM_H_INCLUDED_ */
