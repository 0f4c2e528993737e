
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
ngx_ws_registry_socket(ngx_ws_registry_socket_t *find)
{
    ngx_str_t            argv[6];
    ngx_ws_call_t       *call;
    ngx_ws_redis_key_t   key;

    call = find->call;

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = *ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                &find->connection_id);
    ngx_str_set(&argv[2], "tenant_id");
    ngx_str_set(&argv[3], "user_id");
    ngx_str_set(&argv[4], "socket");
    ngx_str_set(&argv[5], "owner");

    if (ngx_ws_redis_command(call->worker->redis, argv, 6,
                             ngx_ws_registry_socket_found, find)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_registry_socket_found(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_registry_socket_t *find = data;

    uint64_t        tenant, user;
    ngx_str_t       owner;
    ngx_ws_call_t  *call;

    call = find->call;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY)
    {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    tenant = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));
    user = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 1));

    ngx_str_null(&owner);

    if (tenant == call->identity->tenant && user == call->identity->user) {
        call->socket = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 2));
        owner = ngx_ws_redis_reply_string(
                                       ngx_ws_redis_reply_element(reply, 3));
    }

    find->found(call, &owner);
}
