
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_redis_command.h>
#include <ngx_ws_redis_subscribe.h>


struct ngx_ws_redis_s {
    ngx_ws_redis_commands_t    *commands;
    ngx_ws_redis_subscriber_t  *subscriber;
};


ngx_ws_redis_t *
ngx_ws_redis_create(ngx_ws_redis_conf_t *conf,
    const ngx_ws_redis_handler_t *handler, void *data, ngx_log_t *log)
{
    ngx_ws_redis_t  *rds;

    rds = ngx_calloc(sizeof(ngx_ws_redis_t), log);
    if (rds == NULL) {
        return NULL;
    }

    rds->subscriber = ngx_ws_redis_subscribe_create(conf, handler, data, log);

    if (rds->subscriber) {
        rds->commands = ngx_ws_redis_command_create(conf, handler, data,
                                                    rds->subscriber, log);
    }

    if (rds->commands == NULL) {
        ngx_ws_redis_destroy(rds);
        return NULL;
    }

    return rds;
}


void
ngx_ws_redis_destroy(ngx_ws_redis_t *rds)
{
    /* each frees itself when nothing of it is on the stack any more */

    if (rds->commands) {
        ngx_ws_redis_command_destroy(rds->commands);
    }

    if (rds->subscriber) {
        ngx_ws_redis_subscribe_destroy(rds->subscriber);
    }

    ngx_free(rds);
}


ngx_uint_t
ngx_ws_redis_ready(ngx_ws_redis_t *rds)
{
    return ngx_ws_redis_command_ready(rds->commands);
}


ngx_uint_t
ngx_ws_redis_subscriber_ready(ngx_ws_redis_t *rds)
{
    return ngx_ws_redis_subscribe_ready(rds->subscriber);
}


ngx_ws_redis_op_t *
ngx_ws_redis_command(ngx_ws_redis_t *rds, ngx_str_t *argv, ngx_uint_t argc,
    ngx_ws_redis_reply_pt handler, void *data)
{
    return ngx_ws_redis_command_start(rds->commands, argv, argc, handler,
                                      data);
}


ngx_ws_redis_op_t *
ngx_ws_redis_multi(ngx_ws_redis_t *rds, ngx_ws_redis_cmd_t *cmds,
    ngx_uint_t n, ngx_ws_redis_reply_pt handler, void *data)
{
    return ngx_ws_redis_command_multi(rds->commands, cmds, n, handler, data);
}


ngx_ws_redis_op_t *
ngx_ws_redis_eval(ngx_ws_redis_t *rds, ngx_ws_redis_script_e script,
    ngx_str_t *keys, ngx_uint_t nkeys, ngx_str_t *args, ngx_uint_t nargs,
    ngx_ws_redis_reply_pt handler, void *data)
{
    return ngx_ws_redis_command_eval(rds->commands, script, keys, nkeys, args,
                                     nargs, 0, handler, data);
}


ngx_ws_redis_op_t *
ngx_ws_redis_eval_again(ngx_ws_redis_t *rds, ngx_ws_redis_script_e script,
    ngx_str_t *keys, ngx_uint_t nkeys, ngx_str_t *args, ngx_uint_t nargs,
    ngx_ws_redis_reply_pt handler, void *data)
{
    return ngx_ws_redis_command_eval(rds->commands, script, keys, nkeys, args,
                                     nargs, 1, handler, data);
}


void
ngx_ws_redis_cancel(ngx_ws_redis_op_t *op)
{
    ngx_ws_redis_command_cancel(op);
}


ngx_int_t
ngx_ws_redis_subscribe(ngx_ws_redis_t *rds, ngx_str_t *channel,
    ngx_ws_redis_subscribed_pt done, void *data)
{
    return ngx_ws_redis_subscribe_add(rds->subscriber, channel, done, data);
}


void
ngx_ws_redis_unsubscribe(ngx_ws_redis_t *rds, ngx_str_t *channel, void *data)
{
    ngx_ws_redis_subscribe_remove(rds->subscriber, channel, data);
}


ngx_uint_t
ngx_ws_redis_subscribed(ngx_ws_redis_t *rds, ngx_str_t *channel)
{
    return ngx_ws_redis_subscribe_confirmed(rds->subscriber, channel);
}
