
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_process.h>
#include <ngx_process_cycle.h>

#include <ngx_ws_cache.h>
#include <ngx_ws_hits.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_random.h>
#include <ngx_ws_zone.h>


/*
 * The memory: head, slots of processes, counters of addresses, table of
 * tokens (three quarters of what is left), table of users.
 *
 * A slot is found by ngx_process_slot, which the master gives to one living
 * child at a time: the slot's owner alone writes it, and a new owner knows
 * that the last one is dead.
 */

#define NGX_WS_ZONE_LINE   64
#define NGX_WS_ZONE_HITS   (64 * 1024)
#define NGX_WS_ZONE_ADDRESS  45                /* longest text of IPv6 */
#define NGX_WS_ZONE_CACHE  (128 * 1024)        /* least for the tables */


typedef struct {
    uint64_t              layout;
    uint64_t              seed;
    ngx_atomic_t          nslots;              /* ever used */
} ngx_ws_zone_head_t;


typedef struct {
    uint64_t              pid;                 /* 0: nobody's */
    uint64_t              values[NGX_WS_METRIC_N];
} ngx_ws_zone_slot_t;


typedef struct {
    uint64_t              token;
    uint64_t              user;
    uint64_t              tenant;
    uint64_t              abilities;
    uint64_t              expires;
    u_char                valid;
    u_char                len;
    u_char                name[NGX_WS_ZONE_NAME_LEN];
} ngx_ws_zone_token_value_t;


typedef struct {
    u_char                exists;
    u_char                len;
    u_char                name[NGX_WS_ZONE_NAME_LEN];
} ngx_ws_zone_user_value_t;


struct ngx_ws_zone_s {
    ngx_ws_zone_head_t   *head;
    size_t                len;
    u_char               *slots;
    ngx_ws_hits_t         hits;
    ngx_ws_cache_t        tokens;
    ngx_ws_cache_t        users;
};


typedef struct {
    uint64_t             *ids;
    ngx_uint_t            n;
} ngx_ws_zone_revoked_t;


static size_t ngx_ws_zone_min(void);
static ngx_int_t ngx_ws_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_ws_zone_head_t *ngx_ws_zone_create(ngx_slab_pool_t *shpool,
    size_t len);
static ngx_int_t ngx_ws_zone_map(ngx_ws_zone_t *zone, size_t len);
static uint64_t ngx_ws_zone_layout(void);
static size_t ngx_ws_zone_slot_size(void);
static ngx_ws_zone_slot_t *ngx_ws_zone_slot(ngx_ws_zone_t *zone,
    ngx_uint_t i);
static void ngx_ws_zone_user_key(u_char *key, uint64_t query, uint64_t tenant,
    uint64_t user);
static ngx_uint_t ngx_ws_zone_is_revoked(const void *value, void *data);
static int ngx_libc_cdecl ngx_ws_zone_compare(const void *one,
    const void *two);


ngx_ws_zone_t *
ngx_ws_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    ngx_ws_zone_t   *zone;
    ngx_shm_zone_t  *shm_zone;

    if (size && size < ngx_ws_zone_min()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, at least %uzk are "
                           "needed", name, ngx_ws_zone_min() / 1024);
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        return shm_zone->data;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_ws_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    shm_zone->init = ngx_ws_zone_init;
    shm_zone->data = zone;

    return zone;
}


void
ngx_ws_zone_attach(ngx_ws_zone_t *zone)
{
    ngx_atomic_uint_t    n;
    ngx_ws_zone_slot_t  *slot;

    slot = ngx_ws_zone_slot(zone, (ngx_uint_t) ngx_process_slot);

    slot->pid = 0;
    ngx_ws_metrics_clear(slot->values);
    slot->pid = (uint64_t) ngx_pid;

    do {
        n = zone->head->nslots;

    } while (n <= (ngx_atomic_uint_t) ngx_process_slot
             && !ngx_atomic_cmp_set(&zone->head->nslots, n,
                              (ngx_atomic_uint_t) ngx_process_slot + 1));

    ngx_ws_metrics = slot->values;

    ngx_ws_metric_set(WORKERS, 1);
}


void
ngx_ws_zone_detach(ngx_ws_zone_t *zone)
{
    ngx_ws_zone_slot_t  *slot;

    slot = ngx_ws_zone_slot(zone, (ngx_uint_t) ngx_process_slot);

    slot->pid = 0;
    ngx_ws_metrics_clear(slot->values);
}


uint64_t *
ngx_ws_zone_metrics(ngx_ws_zone_t *zone, ngx_uint_t i, ngx_uint_t *alive)
{
    ngx_ws_zone_slot_t  *slot;

    if (i >= zone->head->nslots) {
        return NULL;
    }

    slot = ngx_ws_zone_slot(zone, i);

    *alive = (slot->pid != 0
              && (kill((pid_t) slot->pid, 0) == 0 || ngx_errno == NGX_EPERM));

    return slot->values;
}


ngx_int_t
ngx_ws_zone_token_get(ngx_ws_zone_t *zone, u_char *digest, uint64_t now,
    ngx_ws_zone_token_t *token, u_char *buf)
{
    ngx_ws_zone_token_value_t  v;

    if (ngx_ws_cache_get(&zone->tokens, digest, now, &v) != NGX_OK) {
        return NGX_DECLINED;
    }

    token->valid = v.valid;
    token->token = v.token;
    token->user = v.user;
    token->tenant = v.tenant;
    token->abilities = v.abilities;
    token->expires = v.expires;
    token->name.data = buf;
    token->name.len = v.len;

    ngx_memcpy(buf, v.name, v.len);

    return NGX_OK;
}


void
ngx_ws_zone_token_put(ngx_ws_zone_t *zone, u_char *digest, uint64_t until,
    ngx_ws_zone_token_t *token)
{
    ngx_ws_zone_token_value_t  v;

    ngx_memzero(&v, sizeof(ngx_ws_zone_token_value_t));

    if (token->valid) {

        if (token->name.len > NGX_WS_ZONE_NAME_LEN) {
            ngx_ws_cache_delete(&zone->tokens, digest);
            return;
        }

        v.valid = 1;
        v.token = token->token;
        v.user = token->user;
        v.tenant = token->tenant;
        v.abilities = token->abilities;
        v.expires = token->expires;
        v.len = (u_char) token->name.len;

        if (token->name.len) {
            ngx_memcpy(v.name, token->name.data, token->name.len);
        }
    }

    ngx_ws_cache_put(&zone->tokens, digest, until, &v);
}


void
ngx_ws_zone_token_revoke(ngx_ws_zone_t *zone, uint64_t *ids, ngx_uint_t n)
{
    ngx_ws_zone_revoked_t  revoked;

    ngx_qsort(ids, n, sizeof(uint64_t), ngx_ws_zone_compare);

    revoked.ids = ids;
    revoked.n = n;

    ngx_ws_cache_purge(&zone->tokens, ngx_ws_zone_is_revoked, &revoked);
}


ngx_int_t
ngx_ws_zone_user_get(ngx_ws_zone_t *zone, uint64_t query, uint64_t tenant,
    uint64_t user, uint64_t now, ngx_uint_t *exists, ngx_str_t *name,
    u_char *buf)
{
    u_char                    key[NGX_WS_CACHE_KEY];
    ngx_ws_zone_user_value_t  v;

    ngx_ws_zone_user_key(key, query, tenant, user);

    if (ngx_ws_cache_get(&zone->users, key, now, &v) != NGX_OK) {
        return NGX_DECLINED;
    }

    *exists = v.exists;

    name->data = buf;
    name->len = v.len;

    ngx_memcpy(buf, v.name, v.len);

    return NGX_OK;
}


void
ngx_ws_zone_user_put(ngx_ws_zone_t *zone, uint64_t query, uint64_t tenant,
    uint64_t user, uint64_t until, ngx_uint_t exists, ngx_str_t *name)
{
    u_char                    key[NGX_WS_CACHE_KEY];
    ngx_ws_zone_user_value_t  v;

    ngx_ws_zone_user_key(key, query, tenant, user);
    ngx_memzero(&v, sizeof(ngx_ws_zone_user_value_t));

    if (exists) {

        if (name->len > NGX_WS_ZONE_NAME_LEN) {
            ngx_ws_cache_delete(&zone->users, key);
            return;
        }

        v.exists = 1;
        v.len = (u_char) name->len;

        ngx_memcpy(v.name, name->data, name->len);
    }

    ngx_ws_cache_put(&zone->users, key, until, &v);
}


uint64_t
ngx_ws_zone_address(ngx_ws_zone_t *zone, ngx_ws_zone_hits_e kind,
    ngx_str_t *address)
{
    u_char    *p, *last, in6[16];
    uint64_t   hash;

    char  text[NGX_WS_ZONE_ADDRESS + 1];

    p = address->data;
    last = p + address->len;

    if (address->len <= NGX_WS_ZONE_ADDRESS
        && ngx_strlchr(p, last, '.') == NULL)
    {
        *ngx_cpymem(text, p, address->len) = '\0';

        if (inet_pton(AF_INET6, text, in6) == 1) {
            /* whoever has one address has all of its network */
            p = in6;
            last = p + 8;
        }
    }

    hash = zone->head->seed + kind;

    while (p < last) {
        hash = (hash ^ *p++) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 29;
    }

    hash *= 0xbf58476d1ce4e5b9ULL;

    return hash ^ hash >> 32;
}


ngx_int_t
ngx_ws_zone_hit(ngx_ws_zone_t *zone, uint64_t address, ngx_ws_rate_t *rate,
    uint64_t now, ngx_uint_t n, ngx_msec_t *wait)
{
    ngx_uint_t  count;

    count = ngx_ws_hits_count(&zone->hits, address, rate->window, now, n,
                              wait);

    return count < rate->limit + (n != 0) ? NGX_OK : NGX_BUSY;
}


/* nginx's own part of a zone is some 2 percent, and pages are whole */

static size_t
ngx_ws_zone_min(void)
{
    size_t  size;

    size = NGX_WS_ZONE_LINE + NGX_MAX_PROCESSES * ngx_ws_zone_slot_size()
           + NGX_WS_ZONE_HITS + NGX_WS_ZONE_CACHE;

    return ngx_align(size + size / 32 + 8 * ngx_pagesize, 64 * 1024);
}


static ngx_int_t
ngx_ws_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t            len;
    ngx_ws_zone_t    *ozone, *zone;
    ngx_slab_pool_t  *shpool;

    ozone = data;
    zone = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.size < ngx_ws_zone_min()) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "zone \"%V\" is too small, at least %uzk are needed",
                      &shm_zone->shm.name, ngx_ws_zone_min() / 1024);
        return NGX_ERROR;
    }

    if (ozone) {
        zone->head = ozone->head;
        len = ozone->len;

    } else {
        /* all there is, in one piece */

        len = shpool->pfree * ngx_pagesize;
        zone->head = ngx_ws_zone_create(shpool, len);

        if (zone->head == NULL) {
            return NGX_ERROR;
        }
    }

    /* old workers go on with it, so it can't be made anew under them */

    if (zone->head->layout != ngx_ws_zone_layout()) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "zone \"%V\" is of another version of the module, "
                      "nginx has to be started anew", &shm_zone->shm.name);
        return NGX_ERROR;
    }

    return ngx_ws_zone_map(zone, len);
}


static ngx_ws_zone_head_t *
ngx_ws_zone_create(ngx_slab_pool_t *shpool, size_t len)
{
    size_t               size;
    ngx_ws_zone_head_t  *head;

    head = ngx_slab_alloc(shpool, len);
    if (head == NULL) {
        return NULL;
    }

#if (NGX_DEBUG_MALLOC)
    /* the memory was new, but nginx has filled it with junk */
    size = len;
#else
    size = sizeof(ngx_ws_zone_head_t);
#endif

    ngx_memzero(head, size);

    head->layout = ngx_ws_zone_layout();
    ngx_ws_random((u_char *) &head->seed, sizeof(uint64_t));

    return head;
}


static ngx_int_t
ngx_ws_zone_map(ngx_ws_zone_t *zone, size_t len)
{
    size_t   tokens;
    u_char  *p, *end;

    zone->len = len;

    p = (u_char *) zone->head + NGX_WS_ZONE_LINE;
    end = (u_char *) zone->head + len;

    zone->slots = p;
    p += NGX_MAX_PROCESSES * ngx_ws_zone_slot_size();

    ngx_ws_hits_init(&zone->hits, p, NGX_WS_ZONE_HITS);
    p += NGX_WS_ZONE_HITS;

    tokens = ngx_align((end - p) / 4 * 3, NGX_WS_ZONE_LINE);

    if (ngx_ws_cache_init(&zone->tokens, p, tokens,
                          sizeof(ngx_ws_zone_token_value_t), zone->head->seed)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p += tokens;

    return ngx_ws_cache_init(&zone->users, p, end - p,
                             sizeof(ngx_ws_zone_user_value_t),
                             zone->head->seed);
}


static uint64_t
ngx_ws_zone_layout(void)
{
    return (uint64_t) ngx_ws_zone_slot_size() << 32
           | sizeof(ngx_ws_zone_token_value_t) << 16
           | sizeof(ngx_ws_zone_user_value_t);
}


/* whole cache lines: no two workers write the same one */

static size_t
ngx_ws_zone_slot_size(void)
{
    return ngx_align(sizeof(ngx_ws_zone_slot_t), NGX_WS_ZONE_LINE);
}


static ngx_ws_zone_slot_t *
ngx_ws_zone_slot(ngx_ws_zone_t *zone, ngx_uint_t i)
{
    return (ngx_ws_zone_slot_t *)
               (zone->slots + i * ngx_ws_zone_slot_size());
}


static void
ngx_ws_zone_user_key(u_char *key, uint64_t query, uint64_t tenant,
    uint64_t user)
{
    ngx_memzero(key, NGX_WS_CACHE_KEY);
    ngx_memcpy(key, &tenant, sizeof(uint64_t));
    ngx_memcpy(key + sizeof(uint64_t), &user, sizeof(uint64_t));
    ngx_memcpy(key + 2 * sizeof(uint64_t), &query, sizeof(uint64_t));
}


static ngx_uint_t
ngx_ws_zone_is_revoked(const void *value, void *data)
{
    const ngx_ws_zone_token_value_t *v = value;

    ngx_ws_zone_revoked_t *revoked = data;

    ngx_uint_t  first, last, middle;

    first = 0;
    last = revoked->n;

    while (first < last) {
        middle = (first + last) / 2;

        if (revoked->ids[middle] == v->token) {
            return v->valid;
        }

        if (revoked->ids[middle] < v->token) {
            first = middle + 1;

        } else {
            last = middle;
        }
    }

    return 0;
}


static int ngx_libc_cdecl
ngx_ws_zone_compare(const void *one, const void *two)
{
    uint64_t  a, b;

    a = *(const uint64_t *) one;
    b = *(const uint64_t *) two;

    return (a > b) - (a < b);
}
