
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TABLE_H_INCLUDED_
#define _NGX_WS_TABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A hash table of what has a name and may be there a hundred thousand times.
 * It grows and shrinks with what is in it.  The hash is keyed by random: who
 * chooses names can not choose ones that share a place.
 */

typedef struct ngx_ws_table_node_s  ngx_ws_table_node_t;


/* The first member of an item, which has its name, u_char[], in itself. */

struct ngx_ws_table_node_s {
    ngx_ws_table_node_t   *next;
    uint32_t               hash;
    uint32_t               len;            /* of the name */
};


typedef struct {
    ngx_ws_table_node_t  **slots;
    ngx_uint_t             size;           /* a power of two */
    ngx_uint_t             count;
    size_t                 offset;         /* of the name in an item */
    uint64_t               key[2];
    ngx_log_t             *log;
} ngx_ws_table_t;


/* NGX_OK, or NGX_ERROR without memory. */
ngx_int_t ngx_ws_table_init(ngx_ws_table_t *t, size_t offset, ngx_log_t *log);

/* Items that are still in are left as they are. */
void ngx_ws_table_cleanup(ngx_ws_table_t *t);

/* The item, or NULL. */
ngx_ws_table_node_t *ngx_ws_table_find(ngx_ws_table_t *t,
    const ngx_str_t *name);

/* The name, which is not in the table yet, is copied into the item. */
void ngx_ws_table_insert(ngx_ws_table_t *t, ngx_ws_table_node_t *node,
    const ngx_str_t *name);

void ngx_ws_table_delete(ngx_ws_table_t *t, ngx_ws_table_node_t *node);

/*
 * The item after this one, the first one after NULL, NULL at the end; in no
 * order, and only as long as nothing is inserted or deleted.
 */
ngx_ws_table_node_t *ngx_ws_table_next(ngx_ws_table_t *t,
    ngx_ws_table_node_t *node);

/* A view of the item's name. */
ngx_str_t ngx_ws_table_name(ngx_ws_table_t *t, ngx_ws_table_node_t *node);


#endif /* _NGX_WS_TABLE_H_INCLUDED_ */
