
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_SUBSCRIBE_H_INCLUDED_
#define _NGX_WS_REDIS_SUBSCRIBE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>


/*
 * The link for subscriptions and the set of wanted channels; see
 * ngx_ws_redis.h for what the functions do.
 */

typedef struct ngx_ws_redis_subscriber_s  ngx_ws_redis_subscriber_t;


ngx_ws_redis_subscriber_t *ngx_ws_redis_subscribe_create(
    ngx_ws_redis_conf_t *conf, const ngx_ws_redis_handler_t *handler,
    void *data, ngx_log_t *log);
void ngx_ws_redis_subscribe_destroy(ngx_ws_redis_subscriber_t *sub);

/* The server has become a replica. */
void ngx_ws_redis_subscribe_demoted(ngx_ws_redis_subscriber_t *sub);

ngx_uint_t ngx_ws_redis_subscribe_ready(ngx_ws_redis_subscriber_t *sub);

ngx_int_t ngx_ws_redis_subscribe_add(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *channel, ngx_ws_redis_subscribed_pt done, void *data);
void ngx_ws_redis_subscribe_remove(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *channel, void *data);
ngx_uint_t ngx_ws_redis_subscribe_confirmed(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *channel);


#endif /* _NGX_WS_REDIS_SUBSCRIBE_H_INCLUDED_ */
