
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_auth.h>
#include <ngx_ws_auth_row.h>
#include <ngx_ws_auth_used.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_token.h>


/* how long a new worker may take to reach Redis before clients notice */
#define NGX_WS_AUTH_START  1000


struct ngx_ws_auth_query_s {
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_ws_mysql_stmt_t     *used;         /* NULL: a query of one's own */
    u_char                   digest[NGX_WS_TOKEN_DIGEST];  /* of the text */
};


struct ngx_ws_auth_s {
    ngx_ws_worker_t         *worker;
    ngx_ws_identities_t      identities;
    ngx_rbtree_t             lookups;
    ngx_rbtree_node_t        sentinel;
    ngx_ws_auth_used_t       used;

    ngx_queue_t              held;         /* until the worker has started */
    ngx_event_t              start;
    ngx_uint_t               started;      /* unsigned  started:1; */
};


/* a token that MySQL is being asked for */

typedef struct {
    ngx_str_node_t           node;         /* its str is the digest */
    ngx_ws_auth_t           *auth;
    ngx_ws_auth_query_t     *query;
    ngx_ws_mysql_op_t       *op;
    ngx_queue_t              waits;
    u_char                   digest[NGX_WS_TOKEN_DIGEST];
    u_char                   hash[NGX_WS_TOKEN_HEX];
} ngx_ws_auth_lookup_t;


struct ngx_ws_auth_wait_s {
    ngx_queue_t              queue;
    ngx_ws_auth_done_pt      done;
    void                    *data;
    ngx_ws_service_conf_t   *conf;
    uint64_t                 address;      /* 0: unknown, or not counted */

    /* of one that is held */
    ngx_str_t                token;
    u_char                   token_data[];
};


static ngx_int_t ngx_ws_auth_judge(ngx_ws_auth_t *auth,
    ngx_ws_service_conf_t *conf, uint64_t address, ngx_int_t rc);
static ngx_ws_auth_wait_t *ngx_ws_auth_hold(ngx_ws_auth_t *auth,
    ngx_ws_service_conf_t *conf, ngx_str_t *token, ngx_ws_auth_done_pt done,
    void *data);
static void ngx_ws_auth_start_handler(ngx_event_t *ev);
static void ngx_ws_auth_release(ngx_ws_auth_t *auth,
    ngx_ws_auth_wait_t *wait);
static ngx_int_t ngx_ws_auth_ask(ngx_ws_auth_t *auth, u_char *digest,
    ngx_str_t *token, ngx_ws_auth_wait_t *wait);
static void ngx_ws_auth_key(ngx_ws_auth_query_t *query, ngx_str_t *token,
    u_char *digest);
static ngx_int_t ngx_ws_auth_cached(ngx_ws_auth_t *auth,
    ngx_ws_service_conf_t *conf, u_char *digest, ngx_ws_identity_t **id);
static ngx_int_t ngx_ws_auth_identity(ngx_ws_auth_t *auth,
    ngx_ws_service_conf_t *conf, u_char *digest, ngx_ws_zone_token_t *token,
    ngx_ws_identity_t **id);
static ngx_ws_auth_lookup_t *ngx_ws_auth_lookup(ngx_ws_auth_t *auth,
    ngx_ws_auth_query_t *query, u_char *digest, ngx_str_t *presented,
    ngx_ws_token_t *token);
static ngx_ws_auth_lookup_t *ngx_ws_auth_lookup_find(ngx_ws_auth_t *auth,
    u_char *digest);
static void ngx_ws_auth_lookup_done(void *data, ngx_ws_mysql_result_t *res);
static void ngx_ws_auth_lookup_remove(ngx_ws_auth_lookup_t *lookup);
static uint32_t ngx_ws_auth_hash(u_char *digest);


ngx_ws_auth_query_t *
ngx_ws_auth_compile(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_str_t             err, sanctum;
    ngx_ws_auth_query_t  *query;

    query = ngx_palloc(cf->pool, sizeof(ngx_ws_auth_query_t));
    if (query == NULL) {
        return NULL;
    }

    query->used = NULL;

    if (text == NULL) {
        query->used = ngx_ws_auth_used_compile(cf);
        if (query->used == NULL) {
            return NULL;
        }

        sanctum = ngx_ws_mysql_stmt_text("token_find");
        text = &sanctum;
    }

    query->stmt = ngx_ws_mysql_stmt_compile(cf->pool, text, NGX_WS_MYSQL_ONE,
                                            ngx_ws_auth_row_names, &err);
    if (query->stmt == NULL) {
        if (err.len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"websocket_auth_query\": %V", &err);
        }

        return NULL;
    }

    if (query->stmt->nhead == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"websocket_auth_query\": it has none of "
                           ":id, :hash and :token");
        return NULL;
    }

    ngx_ws_token_digest(text, query->digest);

    return query;
}


ngx_ws_auth_t *
ngx_ws_auth_create(ngx_ws_worker_t *w)
{
    ngx_ws_auth_t  *auth;

    auth = ngx_calloc(sizeof(ngx_ws_auth_t), w->log);
    if (auth == NULL) {
        return NULL;
    }

    if (ngx_ws_identities_init(&auth->identities, w->log) != NGX_OK) {
        ngx_free(auth);
        return NULL;
    }

    auth->worker = w;

    ngx_queue_init(&auth->held);

    auth->start.handler = ngx_ws_auth_start_handler;
    auth->start.data = auth;
    auth->start.log = w->log;
    auth->start.cancelable = 1;

    ngx_add_timer(&auth->start, NGX_WS_AUTH_START);

    ngx_ws_auth_used_init(&auth->used, w);
    ngx_rbtree_init(&auth->lookups, &auth->sentinel,
                    ngx_str_rbtree_insert_value);

    return auth;
}


void
ngx_ws_auth_destroy(ngx_ws_auth_t *auth)
{
    ngx_queue_t           *q;
    ngx_ws_auth_lookup_t  *lookup;

    if (auth->start.timer_set) {
        ngx_del_timer(&auth->start);
    }

    while (!ngx_queue_empty(&auth->held)) {
        q = ngx_queue_head(&auth->held);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_ws_auth_wait_t, queue));
    }

    while (auth->lookups.root != &auth->sentinel) {
        lookup = (ngx_ws_auth_lookup_t *) ngx_rbtree_min(auth->lookups.root,
                                                         &auth->sentinel);
        ngx_ws_mysql_cancel(lookup->op);

        while (!ngx_queue_empty(&lookup->waits)) {
            q = ngx_queue_head(&lookup->waits);
            ngx_queue_remove(q);
            ngx_free(ngx_queue_data(q, ngx_ws_auth_wait_t, queue));
        }

        ngx_ws_auth_lookup_remove(lookup);
        ngx_free(lookup);
    }

    ngx_ws_auth_used_cleanup(&auth->used);
    ngx_ws_identities_cleanup(&auth->identities);
    ngx_free(auth);
}


ngx_int_t
ngx_ws_auth_verify(ngx_ws_worker_t *w, ngx_ws_service_conf_t *conf,
    ngx_str_t *token, ngx_str_t *client, ngx_ws_identity_t **id,
    ngx_ws_auth_wait_t **wait, ngx_ws_auth_done_pt done, void *data)
{
    u_char               digest[NGX_WS_TOKEN_DIGEST];
    uint64_t             address;
    ngx_int_t            rc;
    ngx_ws_auth_t       *auth;
    ngx_ws_token_t       parsed;
    ngx_ws_auth_wait_t  *aw;

    auth = w->auth;

    address = 0;

    if (conf->auth_rate.limit && client->len) {
        address = ngx_ws_zone_address(w->zone, NGX_WS_ZONE_FAILURES, client);
    }

    if (ngx_ws_token_parse(token, &parsed) != NGX_OK) {
        ngx_ws_metric_add(AUTH_FAILURES, 1);
        return ngx_ws_auth_judge(auth, conf, address, NGX_DECLINED);
    }

    if (!auth->started) {
        *wait = ngx_ws_auth_hold(auth, conf, token, done, data);

        if (*wait == NULL) {
            return NGX_ERROR;
        }

        (*wait)->address = address;

        return NGX_AGAIN;
    }

    ngx_ws_auth_key(conf->auth_query, token, digest);

    rc = ngx_ws_auth_cached(auth, conf, digest, id);
    rc = ngx_ws_auth_judge(auth, conf, address, rc);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    aw = ngx_alloc(sizeof(ngx_ws_auth_wait_t), w->log);
    if (aw == NULL) {
        return NGX_ERROR;
    }

    aw->done = done;
    aw->data = data;
    aw->conf = conf;
    aw->address = address;

    if (ngx_ws_auth_ask(auth, digest, token, aw) != NGX_OK) {
        ngx_free(aw);
        return NGX_ERROR;
    }

    *wait = aw;

    return NGX_AGAIN;
}


/*
 * What is left of the answer for the client's address: one that has failed
 * too often gets neither MySQL nor a refusal of its own, but what is known to
 * be good is good.
 */

static ngx_int_t
ngx_ws_auth_judge(ngx_ws_auth_t *auth, ngx_ws_service_conf_t *conf,
    uint64_t address, ngx_int_t rc)
{
    ngx_msec_t  wait;

    if (address == 0 || rc == NGX_OK || rc == NGX_ERROR) {
        return rc;
    }

    if (ngx_ws_zone_hit(auth->worker->zone, address, &conf->auth_rate,
                        ngx_ws_worker_now(), rc == NGX_DECLINED, &wait)
        == NGX_OK)
    {
        return rc;
    }

    ngx_ws_metric_add(THROTTLED, 1);

    return NGX_BUSY;
}


ngx_ws_identity_t *
ngx_ws_auth_accept(ngx_ws_auth_t *auth, ngx_ws_service_conf_t *conf,
    u_char *digest, ngx_ws_zone_token_t *token)
{
    ngx_ws_identity_t  *id;

    id = ngx_ws_identity_get(&auth->identities, digest, token);

    if (id) {
        id->check = conf->token_check;
    }

    return id;
}


ngx_ws_identities_t *
ngx_ws_auth_identities(ngx_ws_auth_t *auth)
{
    return &auth->identities;
}


void
ngx_ws_auth_cancel(ngx_ws_auth_wait_t *wait)
{
    ngx_queue_remove(&wait->queue);
    ngx_free(wait);
}


/*
 * Whatever a client wants next needs Redis, and a new worker, as after a
 * reload, gets clients before it has connected.
 */

static ngx_ws_auth_wait_t *
ngx_ws_auth_hold(ngx_ws_auth_t *auth, ngx_ws_service_conf_t *conf,
    ngx_str_t *token, ngx_ws_auth_done_pt done, void *data)
{
    ngx_ws_auth_wait_t  *wait;

    wait = ngx_alloc(sizeof(ngx_ws_auth_wait_t) + token->len,
                     auth->worker->log);
    if (wait == NULL) {
        return NULL;
    }

    wait->done = done;
    wait->data = data;
    wait->conf = conf;
    wait->token.data = wait->token_data;
    wait->token.len = token->len;

    ngx_memcpy(wait->token_data, token->data, token->len);
    ngx_queue_insert_tail(&auth->held, &wait->queue);

    return wait;
}


void
ngx_ws_auth_up(ngx_ws_auth_t *auth)
{
    ngx_queue_t  *q;

    auth->started = 1;

    if (auth->start.timer_set) {
        ngx_del_timer(&auth->start);
    }

    while (!ngx_queue_empty(&auth->held)) {
        q = ngx_queue_head(&auth->held);
        ngx_queue_remove(q);

        ngx_ws_auth_release(auth, ngx_queue_data(q, ngx_ws_auth_wait_t,
                                                 queue));
    }
}


static void
ngx_ws_auth_start_handler(ngx_event_t *ev)
{
    ngx_ws_auth_up(ev->data);
}


static void
ngx_ws_auth_release(ngx_ws_auth_t *auth, ngx_ws_auth_wait_t *wait)
{
    u_char              digest[NGX_WS_TOKEN_DIGEST];
    ngx_int_t           rc;
    ngx_ws_identity_t  *id;

    id = NULL;

    ngx_ws_auth_key(wait->conf->auth_query, &wait->token, digest);

    rc = ngx_ws_auth_cached(auth, wait->conf, digest, &id);
    rc = ngx_ws_auth_judge(auth, wait->conf, wait->address, rc);

    if (rc == NGX_AGAIN) {
        rc = ngx_ws_auth_ask(auth, digest, &wait->token, wait);

        if (rc == NGX_OK) {
            return;
        }
    }

    wait->done(wait->data, rc, id);
    ngx_free(wait);
}


/* Asks MySQL, once for all who wait for the same token. */

static ngx_int_t
ngx_ws_auth_ask(ngx_ws_auth_t *auth, u_char *digest, ngx_str_t *token,
    ngx_ws_auth_wait_t *wait)
{
    ngx_ws_token_t         parsed;
    ngx_ws_auth_lookup_t  *lookup;

    lookup = ngx_ws_auth_lookup_find(auth, digest);

    if (lookup == NULL) {

        if (ngx_ws_token_parse(token, &parsed) != NGX_OK) {
            return NGX_ERROR;
        }

        lookup = ngx_ws_auth_lookup(auth, wait->conf->auth_query, digest,
                                    token, &parsed);
        if (lookup == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_queue_insert_tail(&lookup->waits, &wait->queue);

    return NGX_OK;
}


/* What one query accepts must not be good for a location with another one. */

static void
ngx_ws_auth_key(ngx_ws_auth_query_t *query, ngx_str_t *token, u_char *digest)
{
    u_char     buf[NGX_WS_TOKEN_DIGEST + NGX_WS_TOKEN_LEN];
    ngx_str_t  both;

    both.len = NGX_WS_TOKEN_DIGEST + token->len;
    both.data = buf;

    ngx_memcpy(buf, query->digest, NGX_WS_TOKEN_DIGEST);
    ngx_memcpy(buf + NGX_WS_TOKEN_DIGEST, token->data, token->len);

    ngx_ws_token_digest(&both, digest);
}


/* As ngx_ws_auth_verify(); NGX_AGAIN: MySQL has to be asked. */

static ngx_int_t
ngx_ws_auth_cached(ngx_ws_auth_t *auth, ngx_ws_service_conf_t *conf,
    u_char *digest, ngx_ws_identity_t **id)
{
    u_char               name[NGX_WS_ZONE_NAME_LEN];
    ngx_int_t            rc;
    ngx_ws_zone_token_t  token;

    rc = ngx_ws_zone_token_get(auth->worker->zone, digest,
                               ngx_ws_worker_now(), &token, name);

    if (rc != NGX_OK) {
        ngx_ws_metric_add(TOKEN_MISSES, 1);
        return NGX_AGAIN;
    }

    ngx_ws_metric_add(TOKEN_HITS, 1);

    return ngx_ws_auth_identity(auth, conf, digest, &token, id);
}


static ngx_int_t
ngx_ws_auth_identity(ngx_ws_auth_t *auth, ngx_ws_service_conf_t *conf,
    u_char *digest, ngx_ws_zone_token_t *token, ngx_ws_identity_t **id)
{
    ngx_ws_auth_query_t  *query;

    if (!token->valid
        || (token->expires && token->expires <= ngx_ws_worker_now()))
    {
        ngx_ws_metric_add(AUTH_FAILURES, 1);
        return NGX_DECLINED;
    }

    *id = ngx_ws_auth_accept(auth, conf, digest, token);
    if (*id == NULL) {
        return NGX_ERROR;
    }

    query = conf->auth_query;

    if (query->used && token->token) {
        ngx_ws_auth_used_add(&auth->used, query->used, token->token);
    }

    ngx_ws_metric_add(AUTHENTICATIONS, 1);

    return NGX_OK;
}


static ngx_ws_auth_lookup_t *
ngx_ws_auth_lookup(ngx_ws_auth_t *auth, ngx_ws_auth_query_t *query,
    u_char *digest, ngx_str_t *presented, ngx_ws_token_t *token)
{
    ngx_str_t              hash;
    ngx_ws_auth_lookup_t  *lookup;
    ngx_ws_mysql_value_t   values[NGX_WS_AUTH_ROW_NAMES];

    lookup = ngx_alloc(sizeof(ngx_ws_auth_lookup_t), auth->worker->log);
    if (lookup == NULL) {
        return NULL;
    }

    ngx_ws_token_hex(&token->secret, lookup->hash);

    hash.len = NGX_WS_TOKEN_HEX;
    hash.data = lookup->hash;

    ngx_ws_auth_row_values(values, token->id, &hash, presented);

    lookup->op = ngx_ws_mysql_query(auth->worker->mysql, query->stmt, values,
                                    NGX_WS_AUTH_ROW_NAMES,
                                    ngx_ws_auth_lookup_done, lookup);
    if (lookup->op == NULL) {
        ngx_free(lookup);
        return NULL;
    }

    lookup->auth = auth;
    lookup->query = query;

    ngx_queue_init(&lookup->waits);
    ngx_memcpy(lookup->digest, digest, NGX_WS_TOKEN_DIGEST);

    lookup->node.node.key = ngx_ws_auth_hash(digest);
    lookup->node.str.len = NGX_WS_TOKEN_DIGEST;
    lookup->node.str.data = lookup->digest;

    ngx_rbtree_insert(&auth->lookups, &lookup->node.node);

    return lookup;
}


static ngx_ws_auth_lookup_t *
ngx_ws_auth_lookup_find(ngx_ws_auth_t *auth, u_char *digest)
{
    ngx_str_t  key;

    key.len = NGX_WS_TOKEN_DIGEST;
    key.data = digest;

    return (ngx_ws_auth_lookup_t *)
               ngx_str_rbtree_lookup(&auth->lookups, &key,
                                     ngx_ws_auth_hash(digest));
}


static void
ngx_ws_auth_lookup_done(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_auth_lookup_t  *lookup = data;

    u_char                 buf[NGX_INT64_LEN];
    ngx_int_t              rc, found;
    ngx_msec_t             keep;
    ngx_queue_t           *q;
    ngx_ws_auth_t         *auth;
    ngx_ws_worker_t       *w;
    ngx_ws_identity_t     *id;
    ngx_ws_auth_wait_t    *wait;
    ngx_ws_zone_token_t    token;

    auth = lookup->auth;
    w = auth->worker;

    found = ngx_ws_auth_row_read(&token, res, lookup->query->stmt,
                                 lookup->hash, buf, w->log);

    if (found == NGX_OK) {
        keep = token.valid ? w->conf->token_cache : w->conf->token_cache_miss;
        ngx_ws_zone_token_put(w->zone, lookup->digest,
                              ngx_ws_worker_now() + keep, &token);
    }

    ngx_ws_auth_lookup_remove(lookup);

    while (!ngx_queue_empty(&lookup->waits)) {
        q = ngx_queue_head(&lookup->waits);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_ws_auth_wait_t, queue);
        id = NULL;
        rc = found;

        if (rc == NGX_OK) {
            rc = ngx_ws_auth_identity(auth, wait->conf, lookup->digest,
                                      &token, &id);
            rc = ngx_ws_auth_judge(auth, wait->conf, wait->address, rc);
        }

        wait->done(wait->data, rc, id);
        ngx_free(wait);
    }

    ngx_free(lookup);
}


static void
ngx_ws_auth_lookup_remove(ngx_ws_auth_lookup_t *lookup)
{
    ngx_rbtree_delete(&lookup->auth->lookups, &lookup->node.node);
}


static uint32_t
ngx_ws_auth_hash(u_char *digest)
{
    uint32_t  hash;

    ngx_memcpy(&hash, digest, sizeof(uint32_t));

    return hash;
}
