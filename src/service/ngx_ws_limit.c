
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_limit.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_LIMIT_ARGS  9
#define NGX_WS_LIMIT_KEEP  "7200000"   /* ms, after the last sign of one */


static ngx_ws_redis_op_t *ngx_ws_limit_eval(ngx_ws_worker_t *w,
    ngx_ws_service_conf_t *conf, ngx_uint_t most, ngx_ws_identity_t *id,
    ngx_str_t *connection_id, uint64_t socket, ngx_ws_redis_reply_pt handler,
    void *data);


ngx_ws_redis_op_t *
ngx_ws_limit_join(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_ws_identity_t *id, ngx_str_t *connection_id, uint64_t socket,
    ngx_ws_redis_reply_pt handler, void *data)
{
    return ngx_ws_limit_eval(w, conf, conf->connection_limit, id,
                             connection_id, socket, handler, data);
}


void
ngx_ws_limit_note(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_ws_identity_t *id, ngx_str_t *connection_id, uint64_t socket)
{
    if (conf->connection_limit) {
        (void) ngx_ws_limit_eval(w, conf, 0, id, connection_id, socket, NULL,
                                 NULL);
    }
}


static ngx_ws_redis_op_t *
ngx_ws_limit_eval(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_uint_t most, ngx_ws_identity_t *id, ngx_str_t *connection_id,
    uint64_t socket, ngx_ws_redis_reply_pt handler, void *data)
{
    u_char               number[NGX_INT64_LEN], limit[NGX_INT_T_LEN];
    ngx_str_t            args[NGX_WS_LIMIT_ARGS], none, *prefix;
    ngx_ws_redis_key_t   key, connection, leases, worker;

    prefix = &w->conf->redis.prefix;
    ngx_str_set(&none, "");

    (void) ngx_ws_redis_key(&key, prefix, NGX_WS_REDIS_KEY_SOCKETS,
                            id->tenant, id->user, NULL);

    args[0] = *connection_id;

    args[1].data = number;
    args[1].len = ngx_sprintf(number, "%uL", socket) - number;

    args[2] = w->incarnation;

    args[3].data = limit;
    args[3].len = ngx_sprintf(limit, "%ui", most) - limit;

    if (conf->connection_evict) {
        ngx_str_set(&args[4], "1");

    } else {
        ngx_str_set(&args[4], "0");
    }

    args[5] = *ngx_ws_redis_key(&connection, prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0, &none);
    args[6] = *ngx_ws_redis_key(&leases, prefix, NGX_WS_REDIS_KEY_LEASES, 0,
                                0, NULL);
    args[7] = *ngx_ws_redis_key(&worker, prefix, NGX_WS_REDIS_KEY_WORKER, 0,
                                0, &none);

    ngx_str_set(&args[8], NGX_WS_LIMIT_KEEP);

    return ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_CONNECTION_LIMIT,
                             &key.str, 1, args, NGX_WS_LIMIT_ARGS, handler,
                             data);
}
