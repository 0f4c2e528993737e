
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_ERROR_H_INCLUDED_
#define _NGX_WS_REDIS_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Redis' error answers that tell about its state rather than the command:
 * what they mean, and a log that says each kind once until it has not been
 * seen for some seconds.
 */

#define NGX_WS_REDIS_ERRORS  15

typedef struct {
    ngx_msec_t      seen[NGX_WS_REDIS_ERRORS];
} ngx_ws_redis_errors_t;


/*
 * NGX_DECLINED for an answer that says that nothing was run because Redis
 * can't at present, else NGX_OK.
 */
ngx_int_t ngx_ws_redis_error(ngx_ws_redis_errors_t *errors, ngx_str_t *text,
    ngx_log_t *log);

/* Logs that too much is under way. */
void ngx_ws_redis_error_full(ngx_ws_redis_errors_t *errors, ngx_log_t *log);

/* The text without the arguments that Redis quotes for an unknown command. */
ngx_str_t ngx_ws_redis_error_text(ngx_str_t *text);

/* Whether a command or a script was refused because this is a replica. */
ngx_uint_t ngx_ws_redis_error_readonly(ngx_str_t *text);

/* Whether the text begins with this code. */
ngx_uint_t ngx_ws_redis_error_is(ngx_str_t *text, const char *code);


#endif /* _NGX_WS_REDIS_ERROR_H_INCLUDED_ */
