
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_DECIMAL_H_INCLUDED_
#define _NGX_WS_DECIMAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The digits of n, NGX_INT64_LEN at most; gives their end.  For what is
 * written many times a message, where ngx_sprintf() is five times as dear.
 */
u_char *ngx_ws_decimal(u_char *p, uint64_t n);

size_t ngx_ws_decimal_len(uint64_t n);


#endif /* _NGX_WS_DECIMAL_H_INCLUDED_ */
