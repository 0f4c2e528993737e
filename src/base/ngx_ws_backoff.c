
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_backoff.h>


void
ngx_ws_backoff_init(ngx_ws_backoff_t *bo, ngx_msec_t min, ngx_msec_t max)
{
    bo->min = min;
    bo->max = max;
    bo->failures = 0;
}


void
ngx_ws_backoff_reset(ngx_ws_backoff_t *bo)
{
    bo->failures = 0;
}


ngx_msec_t
ngx_ws_backoff_next(ngx_ws_backoff_t *bo, ngx_uint_t random)
{
    ngx_msec_t  delay;
    ngx_uint_t  i;

    delay = bo->min;

    for (i = 0; i < bo->failures && delay < bo->max; i++) {
        delay = (delay > bo->max / 2) ? bo->max : delay * 2;
    }

    if (delay < bo->max) {
        bo->failures++;
    }

    return delay - random % (delay / 2 + 1);
}
