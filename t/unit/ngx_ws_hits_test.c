
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <ngx_ws_hits.h>

#include "test.h"


#define BYTES   (4 * 1024)
#define NOW     1700000000000ULL
#define WINDOW  10000
#define TAG     (1ULL << 40)


static void window(void);
static void full(void);
static void shared(void);
static void create(void);


static ngx_ws_hits_t   hits;
static u_char         *memory;


int
main(void)
{
    memory = mmap(NULL, BYTES, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    if (memory == MAP_FAILED) {
        return 2;
    }

    window();
    full();
    shared();

    return done();
}


static void
window(void)
{
    ngx_msec_t  wait;

    create();

    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW, 0, &wait), 0,
           "nothing yet");
    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW, 1, &wait), 1,
           "the first");
    is_int(wait, WINDOW, "begins a window");
    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW + 4000, 2, &wait), 3,
           "others add up");
    is_int(wait, 6000, "and do not move it");
    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW + 9000, 0, &wait), 3,
           "to its end");
    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW + 10000, 0, &wait),
           0, "then it is over");
    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW + 20000, 1, &wait),
           1, "and begins anew");
    is_int(ngx_ws_hits_count(&hits, 8 * TAG, WINDOW, NOW + 20000, 0, &wait),
           0, "others have their own");

    (void) ngx_ws_hits_count(&hits, 9 * TAG, WINDOW, NOW, 0xfffff, &wait);
    is_int(ngx_ws_hits_count(&hits, 9 * TAG, WINDOW, NOW, 5, &wait), 0xfffff,
           "a million is the most");
}


/* eight have room in a set */

static void
full(void)
{
    ngx_uint_t  i;
    ngx_msec_t  wait;

    create();

    for (i = 1; i <= 8; i++) {
        (void) ngx_ws_hits_count(&hits, i * TAG, WINDOW, NOW, i, &wait);
    }

    is_int(ngx_ws_hits_count(&hits, 9 * TAG, WINDOW, NOW, 1, &wait), 1,
           "a ninth");
    is_int(ngx_ws_hits_count(&hits, 1 * TAG, WINDOW, NOW, 0, &wait), 0,
           "has the place of the least");

    for (i = 2; i <= 8; i++) {
        is_int(ngx_ws_hits_count(&hits, i * TAG, WINDOW, NOW, 0, &wait), i,
               "the others stay");
    }

    is_int(ngx_ws_hits_count(&hits, 1 * TAG, WINDOW, NOW + 11000, 1, &wait),
           1, "what is over");
    is_int(ngx_ws_hits_count(&hits, 1 * TAG, WINDOW, NOW + 11000, 1, &wait),
           2, "gives way");
}


static void
shared(void)
{
    int         status;
    pid_t       pids[4];
    ngx_uint_t  i, n;
    ngx_msec_t  wait;

    create();

    for (n = 0; n < 4; n++) {
        pids[n] = fork();

        if (pids[n] == 0) {
            for (i = 0; i < 10000; i++) {
                (void) ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW, 1,
                                         &wait);
            }

            _exit(0);
        }
    }

    for (n = 0; n < 4; n++) {
        (void) waitpid(pids[n], &status, 0);
    }

    is_int(ngx_ws_hits_count(&hits, 7 * TAG, WINDOW, NOW, 0, &wait), 40000,
           "of four processes none is lost");
}


static void
create(void)
{
    ngx_memzero(memory, BYTES);
    ngx_ws_hits_init(&hits, memory, BYTES);
}
