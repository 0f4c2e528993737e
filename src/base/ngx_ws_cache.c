
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_cache.h>


#define NGX_WS_CACHE_WAYS  8


typedef struct {
    uint64_t     sum;                  /* of all that follows */
    uint64_t     until;
    u_char       key[NGX_WS_CACHE_KEY];
    u_char       value[NGX_WS_CACHE_VALUE];
} ngx_ws_cache_slot_t;


static u_char *ngx_ws_cache_set(ngx_ws_cache_t *cache, const u_char *key);
static ngx_uint_t ngx_ws_cache_has_key(ngx_ws_cache_slot_t *slot,
    const u_char *key);
static ngx_uint_t ngx_ws_cache_read(ngx_ws_cache_t *cache,
    ngx_ws_cache_slot_t *slot, ngx_ws_cache_slot_t *copy);
static uint64_t ngx_ws_cache_sum(uint64_t seed, const void *data, size_t len);


ngx_int_t
ngx_ws_cache_init(ngx_ws_cache_t *cache, u_char *addr, size_t len,
    size_t size, uint64_t seed)
{
    cache->slots = addr;
    cache->size = size;
    cache->slot = offsetof(ngx_ws_cache_slot_t, value)
                  + ngx_align(size, sizeof(uint64_t));
    cache->nsets = len / cache->slot / NGX_WS_CACHE_WAYS;
    cache->seed = seed;

    return cache->nsets ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_ws_cache_get(ngx_ws_cache_t *cache, const u_char *key, uint64_t now,
    void *value)
{
    u_char               *p;
    ngx_uint_t            i;
    ngx_ws_cache_slot_t  *slot, copy;

    p = ngx_ws_cache_set(cache, key);

    for (i = 0; i < NGX_WS_CACHE_WAYS; i++, p += cache->slot) {
        slot = (ngx_ws_cache_slot_t *) p;

        if (ngx_ws_cache_has_key(slot, key)
            && ngx_ws_cache_read(cache, slot, &copy)
            && ngx_ws_cache_has_key(&copy, key)
            && copy.until > now)
        {
            ngx_memcpy(value, copy.value, cache->size);
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_ws_cache_put(ngx_ws_cache_t *cache, const u_char *key, uint64_t until,
    const void *value)
{
    size_t                len;
    u_char               *p;
    ngx_uint_t            i;
    ngx_ws_cache_slot_t  *slot, *place, copy;

    place = NULL;
    p = ngx_ws_cache_set(cache, key);

    for (i = 0; i < NGX_WS_CACHE_WAYS; i++, p += cache->slot) {
        slot = (ngx_ws_cache_slot_t *) p;

        if (ngx_ws_cache_has_key(slot, key)) {
            place = slot;
            break;
        }

        if (place == NULL || slot->until < place->until) {
            place = slot;
        }
    }

    len = cache->slot - offsetof(ngx_ws_cache_slot_t, until);

    ngx_memzero(&copy, cache->slot);

    copy.until = until;
    ngx_memcpy(copy.key, key, NGX_WS_CACHE_KEY);
    ngx_memcpy(copy.value, value, cache->size);
    copy.sum = ngx_ws_cache_sum(cache->seed, &copy.until, len);

    ngx_memcpy(place, &copy, cache->slot);
}


void
ngx_ws_cache_delete(ngx_ws_cache_t *cache, const u_char *key)
{
    u_char               *p;
    ngx_uint_t            i;
    ngx_ws_cache_slot_t  *slot;

    p = ngx_ws_cache_set(cache, key);

    for (i = 0; i < NGX_WS_CACHE_WAYS; i++, p += cache->slot) {
        slot = (ngx_ws_cache_slot_t *) p;

        if (ngx_ws_cache_has_key(slot, key)) {
            slot->until = 0;
        }
    }
}


void
ngx_ws_cache_purge(ngx_ws_cache_t *cache,
    ngx_uint_t (*match)(const void *value, void *data), void *data)
{
    u_char               *p;
    ngx_uint_t            i, n;
    ngx_ws_cache_slot_t  *slot, copy;

    p = cache->slots;
    n = cache->nsets * NGX_WS_CACHE_WAYS;

    for (i = 0; i < n; i++, p += cache->slot) {
        slot = (ngx_ws_cache_slot_t *) p;

        if (slot->until && ngx_ws_cache_read(cache, slot, &copy)
            && match(copy.value, data))
        {
            slot->until = 0;
        }
    }
}


static u_char *
ngx_ws_cache_set(ngx_ws_cache_t *cache, const u_char *key)
{
    uint64_t  set;

    set = ngx_ws_cache_sum(cache->seed, key, NGX_WS_CACHE_KEY) % cache->nsets;

    return cache->slots + set * NGX_WS_CACHE_WAYS * cache->slot;
}


static ngx_uint_t
ngx_ws_cache_has_key(ngx_ws_cache_slot_t *slot, const u_char *key)
{
    return ngx_memcmp(slot->key, key, NGX_WS_CACHE_KEY) == 0;
}


/* 0 if the entry is torn; what counts is the copy, nobody changes that one */

static ngx_uint_t
ngx_ws_cache_read(ngx_ws_cache_t *cache, ngx_ws_cache_slot_t *slot,
    ngx_ws_cache_slot_t *copy)
{
    size_t  len;

    len = cache->slot - offsetof(ngx_ws_cache_slot_t, until);

    ngx_memcpy(copy, slot, cache->slot);

    /* the compiler must not read the slot again instead of the copy */
    ngx_memory_barrier();

    return copy->sum == ngx_ws_cache_sum(cache->seed, &copy->until, len);
}


/* len is a multiple of 8; multiplication by an odd number loses nothing */

static uint64_t
ngx_ws_cache_sum(uint64_t seed, const void *data, size_t len)
{
    size_t         i;
    uint64_t       sum, word;
    const u_char  *p;

    p = data;
    sum = seed;

    for (i = 0; i < len; i += sizeof(uint64_t)) {
        ngx_memcpy(&word, p + i, sizeof(uint64_t));

        sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
        sum ^= sum >> 32;
    }

    return sum;
}
