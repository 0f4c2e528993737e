
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_RESP_H_INCLUDED_
#define _NGX_WS_REDIS_RESP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Redis' protocol, the sending half: a command is an array of bulk strings.
 * With p == NULL each gives its length, else writes that and gives the end.
 */

uintptr_t ngx_ws_redis_resp_array(u_char *p, ngx_uint_t n);
uintptr_t ngx_ws_redis_resp_string(u_char *p, ngx_str_t *s);
uintptr_t ngx_ws_redis_resp_strings(u_char *p, ngx_str_t *s, ngx_uint_t n);

/* The array and its strings. */
uintptr_t ngx_ws_redis_resp_command(u_char *p, ngx_str_t *argv,
    ngx_uint_t argc);

/*
 * A command in memory of its own, to be freed with ngx_free(); data is NULL
 * without memory.  A NUL follows: hiredis looks one byte too far.
 */
ngx_str_t ngx_ws_redis_resp_create(ngx_str_t *argv, ngx_uint_t argc,
    ngx_log_t *log);


#endif /* _NGX_WS_REDIS_RESP_H_INCLUDED_ */
