
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_throttle.h>


static void ngx_ws_throttle_counted(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_uint_t ngx_ws_throttle_reply(ngx_ws_redis_reply_t *reply,
    ngx_uint_t i);


void
ngx_ws_throttle(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_rate_t *rate, ngx_str_t *conversation,
    ngx_ws_throttle_t *throttle)
{
    u_char              *p;
    ngx_str_t            args[3], keys[2], *prefix;
    ngx_uint_t           n;
    ngx_ws_redis_key_t   key, typing;

    u_char  buf[3 * NGX_INT64_LEN];

    prefix = &w->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&key, prefix, NGX_WS_REDIS_KEY_THROTTLE,
                                id->tenant, id->user, NULL);
    n = 1;

    if (conversation) {
        keys[n++] = *ngx_ws_redis_key(&typing, prefix,
                                      NGX_WS_REDIS_KEY_TYPING, id->tenant, 0,
                                      conversation);
    }

    p = ngx_sprintf(buf, "%ui", rate->limit);
    args[0].data = buf;
    args[0].len = p - buf;

    args[1].data = p;
    p = ngx_sprintf(p, "%M", rate->window);
    args[1].len = p - args[1].data;

    args[2].data = p;
    args[2].len = ngx_sprintf(p, "%uL", id->user) - p;

    if (ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_THROTTLE, keys, n, args, 3,
                          ngx_ws_throttle_counted, throttle)
        == NULL)
    {
        throttle->done(throttle, NGX_ERROR);
    }
}


static void
ngx_ws_throttle_counted(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_throttle_t *throttle = data;

    if (rc != NGX_OK || ngx_ws_redis_reply_count(reply) != 3) {
        throttle->done(throttle, NGX_ERROR);
        return;
    }

    throttle->remaining = ngx_ws_throttle_reply(reply, 1);
    throttle->wait = ngx_ws_throttle_reply(reply, 2);

    if (ngx_ws_throttle_reply(reply, 0)) {
        throttle->done(throttle, NGX_OK);
        return;
    }

    ngx_ws_metric_add(THROTTLED, 1);

    throttle->done(throttle, NGX_BUSY);
}


static ngx_uint_t
ngx_ws_throttle_reply(ngx_ws_redis_reply_t *reply, ngx_uint_t i)
{
    int64_t  n;

    n = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, i));

    return n > 0 ? (ngx_uint_t) n : 0;
}
