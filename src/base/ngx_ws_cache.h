
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CACHE_H_INCLUDED_
#define _NGX_WS_CACHE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A table of fixed size in memory that processes share, without locks.  An
 * entry carries a checksum: one that was torn, by two writers at a time or by
 * a writer that was killed, is the same as none.  So nobody ever waits for
 * another process, be it stopped or dead, and nothing needs repair.
 *
 * An entry may lie in one of eight places; where all are taken, the one that
 * ends first gives way.
 */

#define NGX_WS_CACHE_KEY    32
#define NGX_WS_CACHE_VALUE  432        /* the largest value */

typedef struct {
    u_char      *slots;
    ngx_uint_t   nsets;
    size_t       size;                 /* of a value */
    size_t       slot;                 /* of a value and what is around it */
    uint64_t     seed;
} ngx_ws_cache_t;


/*
 * Lays the table over memory at the address, aligned to 8 bytes, which was
 * zeroed or was used with the same arguments before.  The seed is random, so
 * that nobody can tell which keys share their places.  NGX_ERROR if not even
 * eight entries have room.
 */
ngx_int_t ngx_ws_cache_init(ngx_ws_cache_t *cache, u_char *addr, size_t len,
    size_t size, uint64_t seed);

/* NGX_OK with a copy in value, or NGX_DECLINED: no entry that ends later. */
ngx_int_t ngx_ws_cache_get(ngx_ws_cache_t *cache, const u_char *key,
    uint64_t now, void *value);

/* Puts the entry in, or in the place of the one with the same key. */
void ngx_ws_cache_put(ngx_ws_cache_t *cache, const u_char *key,
    uint64_t until, const void *value);

void ngx_ws_cache_delete(ngx_ws_cache_t *cache, const u_char *key);

/* Deletes all entries of whose value match() says 1. */
void ngx_ws_cache_purge(ngx_ws_cache_t *cache,
    ngx_uint_t (*match)(const void *value, void *data), void *data);


#endif /* _NGX_WS_CACHE_H_INCLUDED_ */
