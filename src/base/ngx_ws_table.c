
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_random.h>
#include <ngx_ws_table.h>


#define NGX_WS_TABLE_MIN   16

/* items for each slot, at most */
#define NGX_WS_TABLE_LOAD  2


static void ngx_ws_table_resize(ngx_ws_table_t *t, ngx_uint_t size);
static uint32_t ngx_ws_table_hash(ngx_ws_table_t *t, const ngx_str_t *name);
static void ngx_ws_table_mix(uint64_t *v);


#define ngx_ws_table_slot(t, hash)   (&(t)->slots[(hash) & ((t)->size - 1)])

#define ngx_ws_table_data(t, node)   ((u_char *) (node) + (t)->offset)

#define ngx_ws_table_rotate(x, n)    (((x) << (n)) | ((x) >> (64 - (n))))


ngx_int_t
ngx_ws_table_init(ngx_ws_table_t *t, size_t offset, ngx_log_t *log)
{
    ngx_memzero(t, sizeof(ngx_ws_table_t));

    t->offset = offset;
    t->log = log;

    ngx_ws_random((u_char *) t->key, sizeof(t->key));
    ngx_ws_table_resize(t, NGX_WS_TABLE_MIN);

    return t->slots ? NGX_OK : NGX_ERROR;
}


void
ngx_ws_table_cleanup(ngx_ws_table_t *t)
{
    ngx_free(t->slots);
    t->slots = NULL;
}


ngx_ws_table_node_t *
ngx_ws_table_find(ngx_ws_table_t *t, const ngx_str_t *name)
{
    uint32_t              hash;
    ngx_ws_table_node_t  *node;

    hash = ngx_ws_table_hash(t, name);

    for (node = *ngx_ws_table_slot(t, hash); node; node = node->next) {

        if (node->hash == hash
            && node->len == name->len
            && ngx_memcmp(ngx_ws_table_data(t, node), name->data, name->len)
               == 0)
        {
            return node;
        }
    }

    return NULL;
}


void
ngx_ws_table_insert(ngx_ws_table_t *t, ngx_ws_table_node_t *node,
    const ngx_str_t *name)
{
    ngx_ws_table_node_t  **slot;

    if (t->count >= NGX_WS_TABLE_LOAD * t->size) {
        ngx_ws_table_resize(t, 2 * t->size);
    }

    node->hash = ngx_ws_table_hash(t, name);
    node->len = (uint32_t) name->len;
    ngx_memcpy(ngx_ws_table_data(t, node), name->data, name->len);

    slot = ngx_ws_table_slot(t, node->hash);

    node->next = *slot;
    *slot = node;

    t->count++;
}


void
ngx_ws_table_delete(ngx_ws_table_t *t, ngx_ws_table_node_t *node)
{
    ngx_ws_table_node_t  **prev;

    prev = ngx_ws_table_slot(t, node->hash);

    while (*prev != node) {
        prev = &(*prev)->next;
    }

    *prev = node->next;

    t->count--;

    if (t->size > NGX_WS_TABLE_MIN && t->count < t->size / 4) {
        ngx_ws_table_resize(t, t->size / 2);
    }
}


ngx_ws_table_node_t *
ngx_ws_table_next(ngx_ws_table_t *t, ngx_ws_table_node_t *node)
{
    ngx_uint_t  i;

    i = 0;

    if (node) {
        if (node->next) {
            return node->next;
        }

        i = (node->hash & (t->size - 1)) + 1;
    }

    while (i < t->size) {
        if (t->slots[i]) {
            return t->slots[i];
        }

        i++;
    }

    return NULL;
}


ngx_str_t
ngx_ws_table_name(ngx_ws_table_t *t, ngx_ws_table_node_t *node)
{
    ngx_str_t  name;

    name.len = node->len;
    name.data = ngx_ws_table_data(t, node);

    return name;
}


/* Without memory the table stays as it is, and works, if slower. */

static void
ngx_ws_table_resize(ngx_ws_table_t *t, ngx_uint_t size)
{
    ngx_uint_t             i, old_size;
    ngx_ws_table_node_t   *node, **slot, **old;

    slot = ngx_calloc(size * sizeof(ngx_ws_table_node_t *), t->log);
    if (slot == NULL) {
        return;
    }

    old = t->slots;
    old_size = t->size;

    t->slots = slot;
    t->size = size;

    for (i = 0; i < old_size; i++) {

        while (old[i]) {
            node = old[i];
            old[i] = node->next;

            slot = ngx_ws_table_slot(t, node->hash);

            node->next = *slot;
            *slot = node;
        }
    }

    if (old) {
        ngx_free(old);
    }
}


/* SipHash-1-3 */

static uint32_t
ngx_ws_table_hash(ngx_ws_table_t *t, const ngx_str_t *name)
{
    size_t     rest;
    u_char    *p, *last;
    uint64_t   word, v[4];

    v[0] = t->key[0] ^ 0x736f6d6570736575ULL;
    v[1] = t->key[1] ^ 0x646f72616e646f6dULL;
    v[2] = t->key[0] ^ 0x6c7967656e657261ULL;
    v[3] = t->key[1] ^ 0x7465646279746573ULL;

    rest = name->len % sizeof(uint64_t);
    last = name->data + name->len - rest;

    for (p = name->data; p < last; p += sizeof(uint64_t)) {
        ngx_memcpy(&word, p, sizeof(uint64_t));

        v[3] ^= word;
        ngx_ws_table_mix(v);
        v[0] ^= word;
    }

    word = 0;
    ngx_memcpy(&word, last, rest);
    word ^= (uint64_t) name->len << 56;

    v[3] ^= word;
    ngx_ws_table_mix(v);
    v[0] ^= word;

    v[2] ^= 0xff;
    ngx_ws_table_mix(v);
    ngx_ws_table_mix(v);
    ngx_ws_table_mix(v);

    return (uint32_t) (v[0] ^ v[1] ^ v[2] ^ v[3]);
}


static void
ngx_ws_table_mix(uint64_t *v)
{
    v[0] += v[1];
    v[1] = ngx_ws_table_rotate(v[1], 13) ^ v[0];
    v[0] = ngx_ws_table_rotate(v[0], 32);

    v[2] += v[3];
    v[3] = ngx_ws_table_rotate(v[3], 16) ^ v[2];

    v[0] += v[3];
    v[3] = ngx_ws_table_rotate(v[3], 21) ^ v[0];

    v[2] += v[1];
    v[1] = ngx_ws_table_rotate(v[1], 17) ^ v[2];
    v[2] = ngx_ws_table_rotate(v[2], 32);
}
