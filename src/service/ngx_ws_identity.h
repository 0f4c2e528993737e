
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_IDENTITY_H_INCLUDED_
#define _NGX_WS_IDENTITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_stmt.h>
#include <ngx_ws_table.h>
#include <ngx_ws_token.h>
#include <ngx_ws_zone.h>


/*
 * Who a token speaks for.  Counted: sessions and calls hold references, all
 * that hold the same token in a worker share one.  It ends by its time or
 * when the token is revoked; whoever holds it has to look at "dead" then.
 */

typedef struct {
    ngx_ws_table_t        table;         /* by digest */
    ngx_rbtree_t          expiring;      /* by time */
    ngx_rbtree_node_t     sentinel;
    ngx_queue_t           all;
    ngx_log_t            *log;
} ngx_ws_identities_t;


typedef struct {
    ngx_ws_table_node_t   node;
    ngx_rbtree_node_t     expiry;        /* of expires, unless 0 or dead */
    ngx_queue_t           queue;         /* of all */
    ngx_queue_t           sockets;       /* the session layer's */
    ngx_ws_identities_t  *identities;    /* NULL: they are no more */
    uint64_t              user;
    uint64_t              tenant;
    uint64_t              token;         /* id of the token's row, 0 unknown */
    uint64_t              expires;       /* ms since the epoch, 0 never */
    u_char                digest[NGX_WS_TOKEN_DIGEST];  /* key in the zone */
    ngx_str_t             name;          /* of the user */

    ngx_ws_mysql_stmt_t  *check;         /* asks whether it is still good */
    uint32_t              round;         /* of checks, in which it was asked */

    uint32_t              refs;
    uint32_t              abilities;     /* NGX_WS_TOKEN_ABILITY_* */

    unsigned              known:1;       /* in the table */
    unsigned              dead:1;

    u_char                data[];
} ngx_ws_identity_t;


/* NGX_OK, or NGX_ERROR without memory. */
ngx_int_t ngx_ws_identities_init(ngx_ws_identities_t *ids, ngx_log_t *log);

/* Identities that are still referenced live on by themselves. */
void ngx_ws_identities_cleanup(ngx_ws_identities_t *ids);

/*
 * A reference to the identity of what is known of a valid token; the one of a
 * former state of the token is left to who holds it.  NULL without memory.
 */
ngx_ws_identity_t *ngx_ws_identity_get(ngx_ws_identities_t *ids,
    u_char *digest, ngx_ws_zone_token_t *token);

/* The one that expires next, or NULL. */
ngx_ws_identity_t *ngx_ws_identity_next(ngx_ws_identities_t *ids);

/* It is dead from now on; who comes with the same token gets another one. */
void ngx_ws_identity_end(ngx_ws_identity_t *id);

ngx_ws_identity_t *ngx_ws_identity_ref(ngx_ws_identity_t *id);
void ngx_ws_identity_unref(ngx_ws_identity_t *id);


#endif /* _NGX_WS_IDENTITY_H_INCLUDED_ */
