
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_backoff.h>

#include "test.h"


int
main(void)
{
    ngx_msec_t        delay;
    ngx_uint_t        i, below, above;
    ngx_ws_backoff_t  bo;

    ngx_ws_backoff_init(&bo, 100, 3000);

    is_int(ngx_ws_backoff_next(&bo, 0), 100, "begins with the least");
    is_int(ngx_ws_backoff_next(&bo, 0), 200, "doubles");
    is_int(ngx_ws_backoff_next(&bo, 0), 400, "doubles");
    is_int(ngx_ws_backoff_next(&bo, 400), 400, "a half is taken off at most");
    is_int(ngx_ws_backoff_next(&bo, 0), 1600, "doubles");
    is_int(ngx_ws_backoff_next(&bo, 0), 3000, "ends with the most");

    below = 0;
    above = 0;

    for (i = 0; i < 100000; i++) {
        delay = ngx_ws_backoff_next(&bo, i * 7919);

        below += (delay < 1500);
        above += (delay > 3000);
    }

    is_int(below, 0, "never less than a half, however often");
    is_int(above, 0, "never more than the most");

    ngx_ws_backoff_reset(&bo);
    is_int(ngx_ws_backoff_next(&bo, 0), 100, "begins anew");

    ngx_ws_backoff_init(&bo, 5, 5);
    (void) ngx_ws_backoff_next(&bo, 0);
    is_int(ngx_ws_backoff_next(&bo, 0), 5, "least and most may be the same");

    ngx_ws_backoff_init(&bo, 1, (ngx_msec_t) -1);

    for (i = 0; i < 200; i++) {
        delay = ngx_ws_backoff_next(&bo, 0);
    }

    ok(delay == (ngx_msec_t) -1, "does not overflow");

    return done();
}
