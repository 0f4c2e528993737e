
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_log.h>
#include <ngx_ws_token.h>
#include <ngx_ws_user.h>


#define NGX_WS_USER_NAMES  2


struct ngx_ws_user_query_s {
    ngx_ws_mysql_stmt_t     *stmt;
    uint64_t                 hash;     /* of the text, for the cache */
};


struct ngx_ws_users_s {
    ngx_ws_worker_t         *worker;
    ngx_rbtree_t             lookups;
    ngx_rbtree_node_t        sentinel;

    ngx_ws_mysql_log_t       refusal;
};


typedef struct {
    ngx_ws_user_query_t     *query;
    uint64_t                 tenant;
    uint64_t                 user;
} ngx_ws_user_key_t;


/* a user that MySQL is being asked for */

typedef struct {
    ngx_str_node_t           node;         /* its str is the key */
    ngx_ws_user_key_t        key;
    ngx_ws_users_t          *users;
    ngx_ws_mysql_op_t       *op;
    ngx_queue_t              waits;
} ngx_ws_user_lookup_t;


/* in the call's pool */

typedef struct {
    ngx_queue_t              queue;
    ngx_ws_call_t           *call;
    ngx_ws_user_done_pt      done;
} ngx_ws_user_wait_t;


static ngx_ws_user_lookup_t *ngx_ws_user_lookup(ngx_ws_users_t *users,
    ngx_ws_user_key_t *key);
static ngx_ws_user_lookup_t *ngx_ws_user_lookup_start(ngx_ws_users_t *users,
    ngx_ws_user_key_t *key, uint32_t hash);
static void ngx_ws_user_lookup_done(void *data, ngx_ws_mysql_result_t *res);
static ngx_str_t ngx_ws_user_name(ngx_ws_mysql_result_t *res, u_char *buf);


static ngx_str_t  ngx_ws_user_names[] = {
    ngx_string("user_id"),
    ngx_string("tenant_id"),
    ngx_null_string
};


ngx_ws_user_query_t *
ngx_ws_user_compile(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char                digest[NGX_WS_TOKEN_DIGEST];
    ngx_str_t             err, laravel;
    ngx_ws_user_query_t  *query;

    query = ngx_palloc(cf->pool, sizeof(ngx_ws_user_query_t));
    if (query == NULL) {
        return NULL;
    }

    if (text == NULL) {
        laravel = ngx_ws_mysql_stmt_text("user_find");
        text = &laravel;
    }

    query->stmt = ngx_ws_mysql_stmt_compile(cf->pool, text, NGX_WS_MYSQL_ONE,
                                            ngx_ws_user_names, &err);
    if (query->stmt == NULL) {
        if (err.len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"websocket_user_query\": %V", &err);
        }

        return NULL;
    }

    if (query->stmt->nhead == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"websocket_user_query\": it has neither "
                           ":user_id nor :tenant_id");
        return NULL;
    }

    ngx_ws_token_digest(text, digest);
    ngx_memcpy(&query->hash, digest, sizeof(uint64_t));

    return query;
}


ngx_ws_users_t *
ngx_ws_users_create(ngx_ws_worker_t *w)
{
    ngx_ws_users_t  *users;

    users = ngx_alloc(sizeof(ngx_ws_users_t), w->log);
    if (users == NULL) {
        return NULL;
    }

    users->worker = w;
    ngx_memzero(&users->refusal, sizeof(ngx_ws_mysql_log_t));

    ngx_rbtree_init(&users->lookups, &users->sentinel,
                    ngx_str_rbtree_insert_value);

    return users;
}


void
ngx_ws_users_destroy(ngx_ws_users_t *users)
{
    ngx_ws_user_lookup_t  *lookup;

    while (users->lookups.root != &users->sentinel) {
        lookup = (ngx_ws_user_lookup_t *) ngx_rbtree_min(users->lookups.root,
                                                         &users->sentinel);
        ngx_ws_mysql_cancel(lookup->op);
        ngx_rbtree_delete(&users->lookups, &lookup->node.node);
        ngx_free(lookup);
    }

    ngx_free(users);
}


void
ngx_ws_user_find(ngx_ws_call_t *call, uint64_t user, ngx_ws_user_done_pt done)
{
    u_char                 buf[NGX_WS_ZONE_NAME_LEN];
    ngx_str_t              name;
    ngx_uint_t             exists;
    ngx_ws_worker_t       *w;
    ngx_ws_user_key_t      key;
    ngx_ws_user_wait_t    *wait;
    ngx_ws_user_lookup_t  *lookup;

    w = call->worker;

    ngx_memzero(&key, sizeof(ngx_ws_user_key_t));

    key.query = call->conf->user_query;
    key.tenant = call->identity->tenant;
    key.user = user;

    if (ngx_ws_zone_user_get(w->zone, key.query->hash, key.tenant, user,
                             ngx_ws_worker_now(), &exists, &name, buf)
        == NGX_OK)
    {
        done(call, exists ? NGX_OK : NGX_DECLINED, &name);
        return;
    }

    wait = ngx_palloc(call->pool, sizeof(ngx_ws_user_wait_t));
    lookup = wait ? ngx_ws_user_lookup(w->users, &key) : NULL;

    if (lookup == NULL) {
        ngx_str_null(&name);
        done(call, NGX_ERROR, &name);
        return;
    }

    wait->call = call;
    wait->done = done;
    ngx_queue_insert_tail(&lookup->waits, &wait->queue);

    if (call->hold) {
        call->hold(call);
    }
}


static ngx_ws_user_lookup_t *
ngx_ws_user_lookup(ngx_ws_users_t *users, ngx_ws_user_key_t *key)
{
    uint32_t               hash;
    ngx_str_t              s;
    ngx_ws_user_lookup_t  *lookup;

    s.len = sizeof(ngx_ws_user_key_t);
    s.data = (u_char *) key;

    hash = ngx_crc32_short(s.data, s.len);

    lookup = (ngx_ws_user_lookup_t *)
                 ngx_str_rbtree_lookup(&users->lookups, &s, hash);

    if (lookup != NULL) {
        return lookup;
    }

    return ngx_ws_user_lookup_start(users, key, hash);
}


static ngx_ws_user_lookup_t *
ngx_ws_user_lookup_start(ngx_ws_users_t *users, ngx_ws_user_key_t *key,
    uint32_t hash)
{
    ngx_ws_user_lookup_t  *lookup;
    ngx_ws_mysql_value_t   values[NGX_WS_USER_NAMES];

    lookup = ngx_alloc(sizeof(ngx_ws_user_lookup_t), users->worker->log);
    if (lookup == NULL) {
        return NULL;
    }

    ngx_ws_mysql_set_uint(&values[0], key->user);
    ngx_ws_mysql_set_uint(&values[1], key->tenant);

    lookup->op = ngx_ws_mysql_query(users->worker->mysql, key->query->stmt,
                                    values, NGX_WS_USER_NAMES,
                                    ngx_ws_user_lookup_done, lookup);
    if (lookup->op == NULL) {
        ngx_free(lookup);
        return NULL;
    }

    lookup->users = users;
    lookup->key = *key;
    ngx_queue_init(&lookup->waits);

    lookup->node.node.key = hash;
    lookup->node.str.len = sizeof(ngx_ws_user_key_t);
    lookup->node.str.data = (u_char *) &lookup->key;

    ngx_rbtree_insert(&users->lookups, &lookup->node.node);

    return lookup;
}


static void
ngx_ws_user_lookup_done(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_user_lookup_t  *lookup = data;

    u_char                 buf[NGX_INT64_LEN];
    ngx_int_t              found;
    ngx_str_t              name;
    ngx_msec_t             keep;
    ngx_queue_t           *q;
    ngx_ws_worker_t       *w;
    ngx_ws_user_wait_t    *wait;

    w = lookup->users->worker;
    found = NGX_ERROR;
    ngx_str_null(&name);

    if (res->rc == NGX_OK) {
        name = ngx_ws_user_name(res, buf);
        found = res->nrows ? NGX_OK : NGX_DECLINED;
        keep = res->nrows ? w->conf->token_cache : w->conf->token_cache_miss;

        ngx_ws_zone_user_put(w->zone, lookup->key.query->hash,
                             lookup->key.tenant, lookup->key.user,
                             ngx_ws_worker_now() + keep, res->nrows != 0,
                             &name);
        ngx_ws_mysql_log_taken(&lookup->users->refusal);

    } else if (res->rc == NGX_ERROR) {
        /* what is asked for each message is not said each time */
        ngx_ws_mysql_log_seldom(&lookup->users->refusal,
                                lookup->users->worker->log,
                                "refused \"websocket_user_query\"", res);
    }

    ngx_rbtree_delete(&lookup->users->lookups, &lookup->node.node);

    while (!ngx_queue_empty(&lookup->waits)) {
        q = ngx_queue_head(&lookup->waits);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_ws_user_wait_t, queue);
        wait->done(wait->call, found, &name);
    }

    ngx_free(lookup);
}


static ngx_str_t
ngx_ws_user_name(ngx_ws_mysql_result_t *res, u_char *buf)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    for (i = 0; res->nrows && i < res->ncols; i++) {
        if (res->names[i].len == 4
            && ngx_strncasecmp(res->names[i].data, (u_char *) "name", 4) == 0)
        {
            return ngx_ws_mysql_get_str(&res->values[i], buf);
        }
    }

    ngx_str_null(&name);

    return name;
}
