
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_BACKOFF_H_INCLUDED_
#define _NGX_WS_BACKOFF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * How long to wait before the next try: twice as long after each failure up
 * to a limit, of which a random part of a half is taken off, so that those
 * who failed together don't come back together.
 */

typedef struct {
    ngx_msec_t          min;
    ngx_msec_t          max;
    ngx_uint_t          failures;
} ngx_ws_backoff_t;


/* min must not be 0 nor more than max */
void ngx_ws_backoff_init(ngx_ws_backoff_t *bo, ngx_msec_t min, ngx_msec_t max);

/* Forgets the failures. */
void ngx_ws_backoff_reset(ngx_ws_backoff_t *bo);

/* Counts a failure and gives the delay; random is any number. */
ngx_msec_t ngx_ws_backoff_next(ngx_ws_backoff_t *bo, ngx_uint_t random);


#endif /* _NGX_WS_BACKOFF_H_INCLUDED_ */
