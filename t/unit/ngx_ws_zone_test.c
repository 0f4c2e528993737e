
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_process.h>
#include <ngx_process_cycle.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_zone.h>

#include "test.h"


#define PAGES  512
#define DEAD   0x7ffffffe             /* no process has such a number */


static void sizes(void);
static void tokens(void);
static void revoked(void);
static void users(void);
static void workers(void);
static void again(void);
static void rendered(void);
static ngx_ws_zone_t *add(size_t size);
static ngx_uint_t has_metric(const char *line);
static ngx_int_t get(ngx_uint_t i);
static void put(ngx_uint_t i);


static ngx_shm_zone_t    shm_zone;
static ngx_slab_pool_t   slab;
static ngx_conf_t        cf;
static u_char           *memory;
static ngx_ws_zone_t    *zone;
static u_char            message[256];
static ngx_str_t         logged;

ngx_int_t                ngx_process_slot;
ngx_pid_t                ngx_pid;


int
main(void)
{
    cf.pool = ngx_create_pool(4096, &test_log);
    cf.log = &test_log;
    ngx_pid = getpid();

    sizes();
    tokens();
    revoked();
    users();
    workers();
    again();
    rendered();

    ngx_free(memory);
    ngx_destroy_pool(cf.pool);

    return done();
}


static void
sizes(void)
{
    size_t  min;

    ok(add(1024) == NULL, "a small zone");
    ok(ngx_strncmp(logged.data, "zone \"z\" is too small, at least ", 32) == 0,
       "... is refused");

    min = (size_t) ngx_atoi(logged.data + 32,
                            ngx_strlchr(logged.data + 32,
                                        logged.data + logged.len, 'k')
                            - logged.data - 32);

    ok(add(min * 1024 - 1) == NULL, "... also by one byte");
    ok(add(min * 1024) != NULL, "as large as the message says");

    shm_zone.data = NULL;
    zone = add(PAGES * ngx_pagesize);
    ok(zone != NULL, "a larger one");
    ok(add(0) == zone, "... is found by its name");

    shm_zone.shm.addr = (u_char *) &slab;
    shm_zone.shm.log = &test_log;
    ngx_str_set(&shm_zone.shm.name, "z");
    slab.pfree = PAGES - 8;

    is_int(shm_zone.init(&shm_zone, NULL), NGX_OK, "new memory");
}


static void
tokens(void)
{
    u_char               buf[NGX_WS_ZONE_NAME_LEN], digest[32];
    ngx_str_t            name;
    ngx_ws_zone_token_t  token, got;

    ngx_memset(digest, 'd', sizeof(digest));
    ngx_memset(&token, 0, sizeof(ngx_ws_zone_token_t));

    is_int(ngx_ws_zone_token_get(zone, digest, 0, &got, buf), NGX_DECLINED,
           "an unknown token");

    token.valid = 1;
    token.token = 1;
    token.user = UINT64_MAX;
    token.tenant = 3;
    token.abilities = 4;
    token.expires = 5;
    ngx_str_set(&token.name, "John");

    ngx_ws_zone_token_put(zone, digest, 100, &token);

    is_int(ngx_ws_zone_token_get(zone, digest, 99, &got, buf), NGX_OK,
           "a token");
    ok(got.valid == 1 && got.token == 1 && got.user == UINT64_MAX
       && got.tenant == 3 && got.abilities == 4 && got.expires == 5,
       "... with all it has");
    is_str(&got.name, "John", "... and the name");
    is_int(ngx_ws_zone_token_get(zone, digest, 100, &got, buf), NGX_DECLINED,
           "... as long as it is kept");

    ngx_memset(buf, 'n', sizeof(buf));
    name.data = buf;
    name.len = NGX_WS_ZONE_NAME_LEN;
    token.name = name;
    ngx_ws_zone_token_put(zone, digest, 100, &token);
    (void) ngx_ws_zone_token_get(zone, digest, 0, &got, buf);
    is_int(got.name.len, NGX_WS_ZONE_NAME_LEN, "a long name");

    token.name.len++;
    ngx_ws_zone_token_put(zone, digest, 100, &token);
    is_int(ngx_ws_zone_token_get(zone, digest, 0, &got, buf), NGX_DECLINED,
           "one that is too long is not cut");

    token.valid = 0;
    ngx_ws_zone_token_put(zone, digest, 100, &token);
    is_int(ngx_ws_zone_token_get(zone, digest, 0, &got, buf), NGX_OK,
           "a bad token is known");
    ok(got.valid == 0 && got.user == 0 && got.name.len == 0,
       "... and nothing of it");
}


static void
revoked(void)
{
    uint64_t    ids[] = { 7, 3, 1000, 3 };
    ngx_uint_t  i;

    for (i = 0; i < 10; i++) {
        put(i);
    }

    ngx_ws_zone_token_revoke(zone, ids, 4);

    ok(get(3) != NGX_OK && get(7) != NGX_OK, "tokens are revoked by their id");
    ok(get(0) == NGX_OK && get(2) == NGX_OK && get(9) == NGX_OK,
       "... others are not");

    ngx_ws_zone_token_revoke(zone, ids, 0);
    ok(get(0) == NGX_OK, "none to revoke");
}


static void
users(void)
{
    u_char      buf[NGX_WS_ZONE_NAME_LEN];
    ngx_str_t   name, got;
    ngx_uint_t  exists;

    ngx_str_set(&name, "Jane");
    ngx_ws_zone_user_put(zone, 1, 1, 2, 100, 1, &name);

    is_int(ngx_ws_zone_user_get(zone, 1, 1, 2, 99, &exists, &got, buf), NGX_OK,
           "a user");
    is_int(exists, 1, "... who is there");
    is_str(&got, "Jane", "... by name");
    is_int(ngx_ws_zone_user_get(zone, 1, 1, 2, 100, &exists, &got, buf),
           NGX_DECLINED, "... as long as it is kept");
    is_int(ngx_ws_zone_user_get(zone, 1, 2, 1, 0, &exists, &got, buf),
           NGX_DECLINED, "not another tenant's");

    ngx_ws_zone_user_put(zone, 1, 1, 2, 100, 0, &name);
    (void) ngx_ws_zone_user_get(zone, 1, 1, 2, 0, &exists, &got, buf);
    ok(exists == 0 && got.len == 0, "one who is not there");

    name.len = NGX_WS_ZONE_NAME_LEN + 1;
    ngx_ws_zone_user_put(zone, 1, 1, 2, 100, 1, &name);
    is_int(ngx_ws_zone_user_get(zone, 1, 1, 2, 0, &exists, &got, buf),
           NGX_DECLINED, "a name that is too long");
}


static void
workers(void)
{
    ngx_ws_metric_add(CONNECTS, 1);

    ngx_process_slot = 3;
    ngx_ws_zone_attach(zone);
    ngx_ws_metric_add(CONNECTS, 10);
    ngx_ws_metric_add(SUBSCRIPTIONS, 5);
    ngx_ws_metric_sub(SUBSCRIPTIONS, 1);
    ngx_ws_metric_set(REDIS_UP, 1);

    ngx_process_slot = 1;
    ngx_ws_zone_attach(zone);
    ngx_ws_metric_add(CONNECTS, 100);
    ngx_ws_metric_add(SUBSCRIPTIONS, 2);

    ok(has_metric("websocket_workers 2"), "two workers");
    ok(has_metric("websocket_connects_total 110"), "counters are added up");
    ok(has_metric("websocket_subscriptions 6"), "gauges too");
    ok(has_metric("websocket_redis_up 0"), "a state is not so for all");

    ngx_ws_metric_set(REDIS_UP, 1);
    ok(has_metric("websocket_redis_up 1"), "now it is");

    /* a worker dies, and then another one has its slot */

    ngx_pid = DEAD;
    ngx_process_slot = 2;
    ngx_ws_zone_attach(zone);
    ngx_ws_metric_add(CONNECTS, 1000);
    ngx_ws_metric_add(SUBSCRIPTIONS, 1000);
    ngx_pid = getpid();

    ok(has_metric("websocket_workers 2"), "a dead worker is none");
    ok(has_metric("websocket_connects_total 1110"), "its counters remain");
    ok(has_metric("websocket_subscriptions 6"), "its gauges do not");
    ok(has_metric("websocket_redis_up 1"), "its state neither");

    ngx_ws_zone_attach(zone);
    ngx_ws_metric_add(CONNECTS, 1);

    ok(has_metric("websocket_workers 3"), "another one in its place");
    ok(has_metric("websocket_connects_total 1111"), "goes on counting");
    ok(has_metric("websocket_subscriptions 6"), "and has no gauges yet");
    ok(has_metric("websocket_redis_up 0"), "nor a state");

    ngx_ws_metric_sub(SUBSCRIPTIONS, 7);
    ok(has_metric("websocket_subscriptions -1"), "a mistake is seen");

    ngx_ws_zone_detach(zone);

    ok(has_metric("websocket_workers 2"), "a worker leaves");
    ok(has_metric("websocket_connects_total 1111"), "its counters remain");

    ngx_process_slot = NGX_MAX_PROCESSES - 1;
    ngx_ws_zone_attach(zone);
    ngx_ws_metric_add(CONNECTS, 1);
    ok(has_metric("websocket_connects_total 1112"), "the last slot");
}


/* a reload: the old zone's data is given to the new one */

static void
again(void)
{
    ngx_ws_zone_t  *old;

    put(5);

    old = zone;
    shm_zone.data = NULL;
    zone = add(PAGES * ngx_pagesize);

    ok(zone != old, "a new cycle");
    is_int(shm_zone.init(&shm_zone, old), NGX_OK, "takes the same memory");
    is_int(get(5), NGX_OK, "... with the tokens");
    ok(has_metric("websocket_connects_total 1112"), "... and the counters");

    *(uint64_t *) memory += 1;

    shm_zone.data = NULL;
    zone = add(PAGES * ngx_pagesize);
    is_int(shm_zone.init(&shm_zone, old), NGX_ERROR,
           "... not of another layout");

    *(uint64_t *) memory -= 1;
    (void) shm_zone.init(&shm_zone, old);
}


static void
rendered(void)
{
    ngx_buf_t  *b;

    ok(has_metric("# HELP websocket_connections Live sessions"), "a help");
    ok(has_metric("# TYPE websocket_connections gauge"), "a gauge");
    ok(has_metric("# TYPE websocket_connects_total counter"), "a counter");
    ok(has_metric("# TYPE websocket_mysql_up gauge"), "a state");
    ok(has_metric("websocket_connections{transport=\"polling\"} 0"),
       "a label");

    ngx_ws_metrics[ngx_ws_metrics_close(1001)]++;
    ngx_ws_metrics[ngx_ws_metrics_close(4000)]++;
    ok(has_metric("websocket_closes_total{code=\"1001\"} 1")
       && has_metric("websocket_closes_total{code=\"other\"} 1"),
       "close codes");

    b = ngx_ws_metrics_render(cf.pool, zone, NGX_WS_METRICS_JSON);

    b->last[-1] = '\0';

    ok(b->pos[0] == '{' && ngx_strstr(b->pos, ",\"subscriptions\":6,"),
       "JSON");
    ok(ngx_strstr(b->pos, ",\"closes_total\":{\"1000\":0,\"1001\":1,")
       && ngx_strstr(b->pos, ",\"other\":1},"), "... labels are members");
    ok(b->last[-2] == '}' && b->last <= b->end, "... to its end");
}


static ngx_ws_zone_t *
add(size_t size)
{
    ngx_str_t  name;

    ngx_str_set(&name, "z");

    return ngx_ws_zone_add(&cf, &name, size, NULL);
}


static ngx_uint_t
has_metric(const char *line)
{
    size_t      len;
    u_char     *p;
    ngx_buf_t  *b;

    b = ngx_ws_metrics_render(cf.pool, zone, NGX_WS_METRICS_PROMETHEUS);
    len = ngx_strlen(line);

    for (p = b->pos; p && p < b->last; p = ngx_strlchr(p, b->last, '\n')) {
        p += (*p == '\n');

        if ((size_t) (b->last - p) > len && ngx_strncmp(p, line, len) == 0
            && p[len] == '\n')
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
get(ngx_uint_t i)
{
    u_char               buf[NGX_WS_ZONE_NAME_LEN], digest[32];
    ngx_ws_zone_token_t  token;

    ngx_memset(digest, (u_char) i, sizeof(digest));

    return ngx_ws_zone_token_get(zone, digest, 0, &token, buf);
}


static void
put(ngx_uint_t i)
{
    u_char               digest[32];
    ngx_ws_zone_token_t  token;

    ngx_memset(&token, 0, sizeof(ngx_ws_zone_token_t));
    ngx_memset(digest, (u_char) i, sizeof(digest));

    token.valid = 1;
    token.token = i;

    ngx_ws_zone_token_put(zone, digest, 100, &token);
}


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *c, ngx_str_t *name, size_t size, void *tag)
{
    if (size) {
        shm_zone.shm.size = size;
    }

    return &shm_zone;
}


void *
ngx_slab_alloc(ngx_slab_pool_t *pool, size_t size)
{
    memory = ngx_calloc(size, &test_log);

    return memory;
}


ngx_buf_t *
ngx_create_temp_buf(ngx_pool_t *pool, size_t size)
{
    ngx_buf_t  *b;

    b = ngx_pcalloc(pool, sizeof(ngx_buf_t));

    b->start = ngx_palloc(pool, size);
    b->pos = b->start;
    b->last = b->start;
    b->end = b->last + size;

    return b;
}


void ngx_cdecl
ngx_conf_log_error(ngx_uint_t level, ngx_conf_t *c, ngx_err_t err,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    logged.data = message;
    logged.len = ngx_vslprintf(message, message + sizeof(message), fmt, args)
                 - message;
    va_end(args);
}
