
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_hits.h>


/*
 * A word is tag (24 bits), the second in which the window ends (20), number of
 * hits (20).  A second is taken for one to come if it is less than half of
 * its range ahead: six days.
 */

#define NGX_WS_HITS_WAYS  8
#define NGX_WS_HITS_BITS  20
#define NGX_WS_HITS_MASK  0xfffff

#define ngx_ws_hits_tag(word)  ((word) >> (2 * NGX_WS_HITS_BITS))
#define ngx_ws_hits_end(word)  ((word) >> NGX_WS_HITS_BITS & NGX_WS_HITS_MASK)
#define ngx_ws_hits_n(word)    ((word) & NGX_WS_HITS_MASK)


static volatile uint64_t *ngx_ws_hits_find(ngx_ws_hits_t *hits, uint64_t key,
    uint64_t sec, uint64_t *word);
static uint64_t ngx_ws_hits_left(uint64_t word, uint64_t sec);


void
ngx_ws_hits_init(ngx_ws_hits_t *hits, u_char *addr, size_t len)
{
    hits->words = (uint64_t *) addr;
    hits->nsets = len / (NGX_WS_HITS_WAYS * sizeof(uint64_t));
}


ngx_uint_t
ngx_ws_hits_count(ngx_ws_hits_t *hits, uint64_t key, ngx_msec_t window,
    uint64_t now, ngx_uint_t n, ngx_msec_t *wait)
{
    uint64_t            sec, word, count, left, next;
    volatile uint64_t  *place;

    sec = now / 1000;

    do {
        place = ngx_ws_hits_find(hits, key, sec, &word);

        count = ngx_ws_hits_n(word);
        left = ngx_ws_hits_left(word, sec);

        if (ngx_ws_hits_tag(word) != ngx_ws_hits_tag(key) || left == 0) {
            count = 0;
            left = (window + 999) / 1000;
        }

        count = ngx_min(count + n, NGX_WS_HITS_MASK);

        *wait = (ngx_msec_t) left * 1000;

        if (n == 0) {
            break;
        }

        next = ngx_ws_hits_tag(key) << (2 * NGX_WS_HITS_BITS)
               | ((sec + left) & NGX_WS_HITS_MASK) << NGX_WS_HITS_BITS
               | count;

    } while (!__sync_bool_compare_and_swap(place, word, next));

    return (ngx_uint_t) count;
}


/* The key's word, or else the one that it may have. */

static volatile uint64_t *
ngx_ws_hits_find(ngx_ws_hits_t *hits, uint64_t key, uint64_t sec,
    uint64_t *word)
{
    uint64_t            w, n, least;
    ngx_uint_t          i;
    volatile uint64_t  *set, *place;

    set = hits->words + key % hits->nsets * NGX_WS_HITS_WAYS;
    place = set;
    least = NGX_WS_HITS_MASK + 1;

    for (i = 0; i < NGX_WS_HITS_WAYS; i++) {
        w = set[i];

        if (ngx_ws_hits_tag(w) == ngx_ws_hits_tag(key)) {
            *word = w;
            return &set[i];
        }

        n = ngx_ws_hits_left(w, sec) ? ngx_ws_hits_n(w) : 0;

        if (n < least) {
            least = n;
            place = &set[i];
            *word = w;
        }
    }

    return place;
}


static uint64_t
ngx_ws_hits_left(uint64_t word, uint64_t sec)
{
    uint64_t  left;

    left = (ngx_ws_hits_end(word) - sec) & NGX_WS_HITS_MASK;

    return left <= NGX_WS_HITS_MASK / 2 ? left : 0;
}
