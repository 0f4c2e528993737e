
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_IDENTITY_H_INCLUDED_
#define _NGX_WS_IDENTITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_token.h>
#include <ngx_ws_zone.h>


/*
 * Who a token speaks for.  Counted: sessions and calls hold references, all
 * that hold the same token in a worker share one.
 */

typedef struct {
    ngx_rbtree_t          tree;
    ngx_rbtree_node_t     sentinel;
    ngx_log_t            *log;
} ngx_ws_identities_t;


typedef struct {
    ngx_str_node_t        node;          /* its str is the digest */
    ngx_ws_identities_t  *identities;    /* NULL: out of the tree */
    ngx_uint_t            refs;
    uint64_t              user;
    uint64_t              tenant;
    uint64_t              token;         /* id of the token's row, 0 unknown */
    uint64_t              expires;       /* ms since the epoch, 0 never */
    ngx_uint_t            abilities;     /* NGX_WS_TOKEN_ABILITY_* */
    u_char                digest[NGX_WS_TOKEN_DIGEST];  /* key in the zone */
    ngx_str_t             name;          /* of the user */
    u_char                data[];
} ngx_ws_identity_t;


void ngx_ws_identities_init(ngx_ws_identities_t *ids, ngx_log_t *log);

/* Identities that are still referenced live on by themselves. */
void ngx_ws_identities_cleanup(ngx_ws_identities_t *ids);

/*
 * A reference to the identity of what is known of a valid token; the one of a
 * former state of the token is left to who holds it.  NULL without memory.
 */
ngx_ws_identity_t *ngx_ws_identity_get(ngx_ws_identities_t *ids,
    u_char *digest, ngx_ws_zone_token_t *token);

ngx_ws_identity_t *ngx_ws_identity_ref(ngx_ws_identity_t *id);
void ngx_ws_identity_unref(ngx_ws_identity_t *id);


#endif /* _NGX_WS_IDENTITY_H_INCLUDED_ */
