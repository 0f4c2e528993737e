
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_THROTTLE_H_INCLUDED_
#define _NGX_WS_THROTTLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_identity.h>
#include <ngx_ws_worker.h>


/*
 * How often a user may do something, over all workers: a fixed window from
 * its first hit, in Redis.
 */

typedef struct ngx_ws_throttle_s  ngx_ws_throttle_t;

struct ngx_ws_throttle_s {
    /* NGX_OK, NGX_BUSY one too many, NGX_ERROR it can't be told now */
    void               (*done)(ngx_ws_throttle_t *throttle, ngx_int_t rc);

    ngx_uint_t           remaining;
    ngx_msec_t           wait;         /* until the window ends */
};


/*
 * Counts a hit, save one that only goes on typing in the conversation (NULL:
 * none).  throttle lives until done() is called, which is exactly once.
 */
void ngx_ws_throttle(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_rate_t *rate, ngx_str_t *conversation,
    ngx_ws_throttle_t *throttle);


#endif /* _NGX_WS_THROTTLE_H_INCLUDED_ */
