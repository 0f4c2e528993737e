
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_COMMAND_H_INCLUDED_
#define _NGX_WS_REDIS_COMMAND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_redis_subscribe.h>


/*
 * The link for commands and what is under way on it; see ngx_ws_redis.h for
 * what the functions do.
 */

typedef struct ngx_ws_redis_commands_s  ngx_ws_redis_commands_t;


/* The subscriber is told when the server has become a replica. */
ngx_ws_redis_commands_t *ngx_ws_redis_command_create(
    ngx_ws_redis_conf_t *conf, const ngx_ws_redis_handler_t *handler,
    void *data, ngx_ws_redis_subscriber_t *sub, ngx_log_t *log);
void ngx_ws_redis_command_destroy(ngx_ws_redis_commands_t *cmds);

ngx_uint_t ngx_ws_redis_command_ready(ngx_ws_redis_commands_t *cmds);

ngx_ws_redis_op_t *ngx_ws_redis_command_start(ngx_ws_redis_commands_t *cmds,
    ngx_str_t *argv, ngx_uint_t argc, ngx_ws_redis_reply_pt handler,
    void *data);
ngx_ws_redis_op_t *ngx_ws_redis_command_multi(ngx_ws_redis_commands_t *cmds,
    ngx_ws_redis_cmd_t *cmd, ngx_uint_t n, ngx_ws_redis_reply_pt handler,
    void *data);
ngx_ws_redis_op_t *ngx_ws_redis_command_eval(ngx_ws_redis_commands_t *cmds,
    ngx_ws_redis_script_e script, ngx_str_t *keys, ngx_uint_t nkeys,
    ngx_str_t *args, ngx_uint_t nargs, ngx_uint_t again,
    ngx_ws_redis_reply_pt handler, void *data);
void ngx_ws_redis_command_cancel(ngx_ws_redis_op_t *op);


#endif /* _NGX_WS_REDIS_COMMAND_H_INCLUDED_ */
