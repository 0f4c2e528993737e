
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_HITS_H_INCLUDED_
#define _NGX_WS_HITS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>


/*
 * Counters of fixed windows, each from its first hit, in memory of a fixed
 * size that processes share, without locks.  Where there are too many, those
 * with the least hits are forgotten.  Windows are of whole seconds.
 */

typedef struct {
    uint64_t    *words;
    ngx_uint_t   nsets;
} ngx_ws_hits_t;


/*
 * Lays the table over memory that was zeroed or used before; the address and
 * len are multiples of 64, and there is room for a set.
 */
void ngx_ws_hits_init(ngx_ws_hits_t *hits, u_char *addr, size_t len);

/*
 * The number of hits of a key, a hash, after n more; now is in milliseconds.
 * *wait tells for how long they count, in milliseconds.
 */
ngx_uint_t ngx_ws_hits_count(ngx_ws_hits_t *hits, uint64_t key,
    ngx_msec_t window, uint64_t now, ngx_uint_t n, ngx_msec_t *wait);


#endif /* _NGX_WS_HITS_H_INCLUDED_ */
