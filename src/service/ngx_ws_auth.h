
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_AUTH_H_INCLUDED_
#define _NGX_WS_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_identity.h>
#include <ngx_ws_worker.h>


/*
 * Tokens to identities (Laravel Sanctum): the shared cache first, then MySQL
 * in the thread pool.  A stampede for one unknown token asks MySQL once.
 */

typedef struct ngx_ws_auth_query_s  ngx_ws_auth_query_t;
typedef struct ngx_ws_auth_wait_s   ngx_ws_auth_wait_t;

/*
 * rc: NGX_OK with an identity (a reference, the callee's), NGX_DECLINED the
 * token is not valid, NGX_BUSY too many of the client's address were not,
 * NGX_ERROR MySQL is away.
 */
typedef void (*ngx_ws_auth_done_pt)(void *data, ngx_int_t rc,
    ngx_ws_identity_t *id);


/*
 * At configuration: compiles websocket_auth_query, or Sanctum's if text is
 * NULL, for conf->auth_query.  Placeholders are :id (of "id|secret", else
 * NULL), :hash (SHA-256 of the secret in hex) and :token (as presented).
 * Columns are found by name:
 *
 *     user_id, tenant_id   required
 *     token                the hash; compared here, required unless the
 *                          statement itself looks for :hash or :token
 *     token_id             the row's id
 *     name                 the user's
 *     abilities            a JSON array; without the column, all
 *     expires_at           NULL, seconds since the epoch, or a date in UTC
 *
 * NULL after the reason was logged at its place.
 */
ngx_ws_auth_query_t *ngx_ws_auth_compile(ngx_conf_t *cf, ngx_str_t *text);


ngx_ws_auth_t *ngx_ws_auth_create(ngx_ws_worker_t *w);

/* Those who still wait are not called. */
void ngx_ws_auth_destroy(ngx_ws_auth_t *auth);

/*
 * Verifies a token as the client presented it (without "Bearer").  NGX_OK with
 * *id (a reference), NGX_DECLINED, NGX_BUSY or NGX_ERROR as above, or
 * NGX_AGAIN with *wait: done() is called later, never from inside.  client is
 * its address, empty where it is not known.
 */
ngx_int_t ngx_ws_auth_verify(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_str_t *token, ngx_str_t *client, ngx_ws_identity_t **id,
    ngx_ws_auth_wait_t **wait, ngx_ws_auth_done_pt done, void *data);

/*
 * The worker has reached Redis.  Tokens that came before are verified now;
 * without this call that is a second after the start.
 */
void ngx_ws_auth_up(ngx_ws_auth_t *auth);

/*
 * A reference to an identity that was verified by another worker.  NULL
 * without memory.
 */
ngx_ws_identity_t *ngx_ws_auth_accept(ngx_ws_auth_t *auth,
    ngx_ws_service_conf_t *conf, u_char *digest, ngx_ws_zone_token_t *token);

/* All identities of the worker. */
ngx_ws_identities_t *ngx_ws_auth_identities(ngx_ws_auth_t *auth);

/* Forgets the waiter: done() is not called. */
void ngx_ws_auth_cancel(ngx_ws_auth_wait_t *wait);


#endif /* _NGX_WS_AUTH_H_INCLUDED_ */
