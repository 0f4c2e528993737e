
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry.h>


static void ngx_ws_registry_socket_found(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);


void
ngx_ws_registry_socket(ngx_ws_call_t *call, ngx_str_t *connection_id,
    ngx_ws_call_pt found)
{
    ngx_str_t           argv[5];
    ngx_ws_redis_key_t  key;

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = *ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                connection_id);
    ngx_str_set(&argv[2], "tenant_id");
    ngx_str_set(&argv[3], "user_id");
    ngx_str_set(&argv[4], "socket");

    call->next = found;

    if (ngx_ws_redis_command(call->worker->redis, argv, 5,
                             ngx_ws_registry_socket_found, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_registry_socket_found(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    uint64_t  tenant, user;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY)
    {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    tenant = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));
    user = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 1));

    if (tenant == call->identity->tenant && user == call->identity->user) {
        call->socket = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 2));
    }

    call->next(call);
}
