
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_identity.h>


static ngx_ws_identity_t *ngx_ws_identity_find(ngx_ws_identities_t *ids,
    u_char *digest);
static ngx_ws_identity_t *ngx_ws_identity_create(ngx_ws_identities_t *ids,
    u_char *digest, ngx_ws_zone_token_t *token);
static ngx_uint_t ngx_ws_identity_same(ngx_ws_identity_t *id,
    ngx_ws_zone_token_t *token);
static void ngx_ws_identity_forget(ngx_ws_identity_t *id);
static void ngx_ws_identity_remove(ngx_ws_identity_t *id);


ngx_int_t
ngx_ws_identities_init(ngx_ws_identities_t *ids, ngx_log_t *log)
{
    ngx_rbtree_init(&ids->expiring, &ids->sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&ids->all);
    ids->log = log;

    return ngx_ws_table_init(&ids->table, offsetof(ngx_ws_identity_t, digest),
                             log);
}


void
ngx_ws_identities_cleanup(ngx_ws_identities_t *ids)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ids->all)) {
        q = ngx_queue_head(&ids->all);

        ngx_ws_identity_remove(ngx_queue_data(q, ngx_ws_identity_t, queue));
    }

    ngx_ws_table_cleanup(&ids->table);
}


ngx_ws_identity_t *
ngx_ws_identity_get(ngx_ws_identities_t *ids, u_char *digest,
    ngx_ws_zone_token_t *token)
{
    ngx_ws_identity_t  *id;

    id = ngx_ws_identity_find(ids, digest);

    if (id != NULL) {
        if (ngx_ws_identity_same(id, token)) {
            return ngx_ws_identity_ref(id);
        }

        ngx_ws_identity_forget(id);
    }

    return ngx_ws_identity_create(ids, digest, token);
}


static ngx_ws_identity_t *
ngx_ws_identity_find(ngx_ws_identities_t *ids, u_char *digest)
{
    ngx_str_t  key;

    key.len = NGX_WS_TOKEN_DIGEST;
    key.data = digest;

    return (ngx_ws_identity_t *) ngx_ws_table_find(&ids->table, &key);
}


static ngx_ws_identity_t *
ngx_ws_identity_create(ngx_ws_identities_t *ids, u_char *digest,
    ngx_ws_zone_token_t *token)
{
    ngx_str_t           key;
    ngx_ws_identity_t  *id;

    id = ngx_alloc(offsetof(ngx_ws_identity_t, data) + token->name.len,
                   ids->log);
    if (id == NULL) {
        return NULL;
    }

    id->identities = ids;
    id->refs = 1;
    id->user = token->user;
    id->tenant = token->tenant;
    id->token = token->token;
    id->expires = token->expires;
    id->abilities = (uint32_t) token->abilities;
    id->check = NULL;
    id->round = 0;
    id->known = 1;
    id->dead = 0;

    ngx_queue_init(&id->sockets);

    id->name.len = token->name.len;
    id->name.data = id->data;

    if (token->name.len) {
        ngx_memcpy(id->data, token->name.data, token->name.len);
    }

    key.len = NGX_WS_TOKEN_DIGEST;
    key.data = digest;

    ngx_ws_table_insert(&ids->table, &id->node, &key);
    ngx_queue_insert_tail(&ids->all, &id->queue);

    if (id->expires) {
        id->expiry.key = (ngx_rbtree_key_t) id->expires;
        ngx_rbtree_insert(&ids->expiring, &id->expiry);
    }

    return id;
}


static ngx_uint_t
ngx_ws_identity_same(ngx_ws_identity_t *id, ngx_ws_zone_token_t *token)
{
    return id->user == token->user
           && id->tenant == token->tenant
           && id->token == token->token
           && id->expires == token->expires
           && id->abilities == token->abilities
           && id->name.len == token->name.len
           && ngx_memcmp(id->name.data, token->name.data, id->name.len) == 0;
}


ngx_ws_identity_t *
ngx_ws_identity_next(ngx_ws_identities_t *ids)
{
    ngx_rbtree_node_t  *node;

    if (ids->expiring.root == &ids->sentinel) {
        return NULL;
    }

    node = ngx_rbtree_min(ids->expiring.root, &ids->sentinel);

    return ngx_rbtree_data(node, ngx_ws_identity_t, expiry);
}


void
ngx_ws_identity_end(ngx_ws_identity_t *id)
{
    if (id->dead) {
        return;
    }

    id->dead = 1;

    ngx_ws_identity_forget(id);

    if (id->expires) {
        ngx_rbtree_delete(&id->identities->expiring, &id->expiry);
    }
}


ngx_ws_identity_t *
ngx_ws_identity_ref(ngx_ws_identity_t *id)
{
    id->refs++;

    return id;
}


void
ngx_ws_identity_unref(ngx_ws_identity_t *id)
{
    if (--id->refs) {
        return;
    }

    if (id->identities != NULL) {
        ngx_ws_identity_remove(id);
    }

    ngx_free(id);
}


static void
ngx_ws_identity_forget(ngx_ws_identity_t *id)
{
    if (id->known) {
        ngx_ws_table_delete(&id->identities->table, &id->node);
        id->known = 0;
    }
}


static void
ngx_ws_identity_remove(ngx_ws_identity_t *id)
{
    ngx_ws_identity_end(id);

    ngx_queue_remove(&id->queue);
    id->identities = NULL;
}
