
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <ngx_ws_cache.h>

#include "test.h"


/* a slot takes 64 bytes with such a value, a set of eight 512 */

#define SIZE   16
#define SLOT   64
#define BYTES  (64 * 1024)
#define SEED   0x0123456789abcdefULL


static void size(void);
static void entries(void);
static void full(void);
static void torn(void);
static void purge(void);
static void shared(void);
static void races(void);
static pid_t writer(ngx_uint_t keys, ngx_uint_t variant);
static ngx_uint_t is_odd(const void *v, void *data);
static void create(size_t len);
static void put(ngx_uint_t i, ngx_uint_t variant, uint64_t until);
static ngx_uint_t get(ngx_uint_t i, uint64_t now);
static u_char *key(ngx_uint_t i);


static ngx_ws_cache_t   cache;
static u_char          *memory;


int
main(void)
{
    memory = mmap(NULL, BYTES, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    if (memory == MAP_FAILED) {
        return 2;
    }

    size();
    entries();
    full();
    torn();
    purge();
    shared();
    races();

    return done();
}


static void
size(void)
{
    u_char  *p;

    is_int(ngx_ws_cache_init(&cache, memory, 8 * SLOT - 1, SIZE, SEED),
           NGX_ERROR, "no room for eight entries");
    is_int(ngx_ws_cache_init(&cache, memory, 8 * SLOT, SIZE, SEED), NGX_OK,
           "room for eight entries");
    is_int(cache.nsets, 1, "... and no more");

    create(8 * SLOT);
    p = guard(memory, 8 * SLOT);
    cache.slots = p;

    put(1, 0, 10);
    ok(get(1, 9), "all is within the memory");

    unguard(p, 8 * SLOT);
}


static void
entries(void)
{
    create(BYTES);

    ok(!get(0, 0), "nothing in new memory");

    put(1, 0, 10);
    put(2, 0, 20);

    ok(get(1, 9) && get(2, 9), "what was put is there");
    ok(!get(1, 10), "not from its end on");
    ok(get(2, 10), "which another one does not share");
    ok(!get(3, 0), "another key has nothing");

    put(1, 1, 5);
    ok(get(1, 4) && !get(1, 5), "the same key takes the place");

    ngx_ws_cache_delete(&cache, key(1));
    ok(!get(1, 0), "deleted");
    ok(get(2, 0), "the other one is not");

    put(1, 0, 10);
    ok(get(1, 0), "and put again");

    ngx_ws_cache_delete(&cache, key(4));
    ok(get(1, 0) && get(2, 0), "nothing to delete");
}


static void
full(void)
{
    ngx_uint_t  i, hits;

    create(BYTES);

    for (i = 0; i < 10 * BYTES / SLOT; i++) {
        put(i, 0, i + 1);
    }

    for (i = 0, hits = 0; i < 10 * BYTES / SLOT; i++) {
        hits += get(i, 0);
    }

    is_int(hits, BYTES / SLOT, "a full table has all places taken");

    create(8 * SLOT);

    for (i = 0; i < 8; i++) {
        put(i, 0, i == 3 ? 50 : 100 + i);
    }

    put(8, 0, 100);
    ok(!get(3, 0) && get(8, 0), "what ends first gives way");

    put(9, 0, 100);
    ok(get(9, 0), "and so on");
}


/* every byte of an entry counts */

static void
torn(void)
{
    u_char      other[SLOT];
    ngx_uint_t  i, good;

    create(8 * SLOT);
    put(1, 0, 100);

    for (i = 0, good = 0; i < SLOT; i++) {
        memory[i] ^= 1;
        good += get(1, 0);
        memory[i] ^= 1;
    }

    is_int(good, 0, "a changed entry is none");
    ok(get(1, 0), "unchanged it is one");

    ngx_memcpy(other, memory, SLOT);
    put(1, 1, 100);

    for (i = 8, good = 0; i < SLOT; i += 8) {
        put(1, 1, 100);
        ngx_memcpy(memory, other, i);
        good += get(1, 0);
    }

    /* the bytes up to the value are the same but for the sum */
    is_int(good, 0, "an entry by two writers is none");

    put(1, 0, 100);
    ok(get(1, 0), "and is put anew in its place");
}


static void
purge(void)
{
    ngx_uint_t  i, even, odd, seen;

    create(BYTES);

    for (i = 0; i < 100; i++) {
        put(i, 0, 10);
    }

    memory[0] ^= 1;
    seen = 0;

    ngx_ws_cache_purge(&cache, is_odd, &seen);

    for (i = 0, even = 0, odd = 0; i < 100; i += 2) {
        even += get(i, 0);
        odd += get(i + 1, 0);
    }

    ok(seen >= 99, "all entries are looked at");
    ok(even >= 49 && odd == 0, "those that match are deleted");
}


static void
shared(void)
{
    ngx_ws_cache_t  first;

    create(BYTES);
    put(1, 0, 10);

    first = cache;

    (void) ngx_ws_cache_init(&cache, memory, BYTES, SIZE, SEED);
    ok(get(1, 0), "another process has the same table");

    (void) ngx_ws_cache_init(&cache, memory, BYTES, SIZE, SEED + 1);
    ok(!get(1, 0), "not with another seed");

    cache = first;
    ok(get(1, 0), "the first one still has it");
}


/* writers in the same places, each killed in the middle of it */

static void
races(void)
{
    pid_t        pids[3];
    ngx_uint_t   hits, i, n, round;

    create(8 * SLOT);

    hits = 0;

    for (round = 0; round < 5; round++) {

        for (n = 0; n < 3; n++) {
            pids[n] = writer(12, n);
        }

        for (i = 0; i < 20000; i++) {
            hits += get(i % 12, 0);
        }

        for (n = 0; n < 3; n++) {
            (void) kill(pids[n], SIGKILL);
            (void) waitpid(pids[n], NULL, 0);
        }
    }

    ok(hits > 0, "no entry is ever half of another one");

    for (i = 0; i < 12; i++) {
        put(i, 0, 10);
        ngx_ws_cache_delete(&cache, key(i));
        put(i, 1, UINT64_MAX);

        if (!get(i, 0)) {
            break;
        }
    }

    is_int(i, 12, "killed writers leave a good table");
}


static pid_t
writer(ngx_uint_t keys, ngx_uint_t variant)
{
    pid_t       pid;
    ngx_uint_t  i;

    pid = fork();

    if (pid == 0) {
        for (i = 0; getppid() != 1; i++) {
            put(i % keys, variant, 100 + i);
        }

        _exit(0);
    }

    return pid;
}


static ngx_uint_t
is_odd(const void *v, void *data)
{
    const u_char  *p = v;
    ngx_uint_t    *seen = data;

    (*seen)++;

    return p[0] & 1;
}


static void
create(size_t len)
{
    ngx_memzero(memory, BYTES);

    (void) ngx_ws_cache_init(&cache, memory, len, SIZE, SEED);
}


/* the value begins with the key, all the rest is the variant */

static void
put(ngx_uint_t i, ngx_uint_t variant, uint64_t until)
{
    u_char  v[SIZE];

    ngx_memset(v, (u_char) variant, SIZE);
    v[0] = (u_char) i;

    ngx_ws_cache_put(&cache, key(i), until, v);
}


static ngx_uint_t
get(ngx_uint_t i, uint64_t now)
{
    u_char      v[SIZE];
    ngx_uint_t  k;

    if (ngx_ws_cache_get(&cache, key(i), now, v) != NGX_OK) {
        return 0;
    }

    if (v[0] != (u_char) i) {
        ok(0, "the value is another key's");
    }

    for (k = 2; k < SIZE; k++) {
        if (v[k] != v[1]) {
            ok(0, "the value is torn");
            break;
        }
    }

    return 1;
}


static u_char *
key(ngx_uint_t i)
{
    static u_char  k[NGX_WS_CACHE_KEY];

    ngx_memzero(k, NGX_WS_CACHE_KEY);
    ngx_memcpy(k, &i, sizeof(ngx_uint_t));

    return k;
}
