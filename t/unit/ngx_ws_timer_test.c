
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_timer.h>

#include "test.h"


#define N     2000
#define LATE  101            /* ms: a slot, and one more of rounding */


typedef struct {
    ngx_ws_timer_t   timer;
    ngx_msec_t       due;
    ngx_uint_t       fired;
    ngx_uint_t       set;
} item_t;


static void handler(ngx_ws_timer_t *timer);
static void add(item_t *item, ngx_msec_t after);
static void del(item_t *item);
static void clock_to(ngx_msec_t msec);
static ngx_uint_t armed(void);
static void test_one(void);
static void delete_next(item_t *item);
static void test_in_handler(void);
static void test_many(void);


volatile ngx_msec_t      ngx_current_msec;

static ngx_ws_timers_t  *timers;
static item_t            items[N];
static ngx_uint_t        early, late, unset;
static ngx_msec_t        step;
static void            (*then)(item_t *item);


int
main(void)
{
    ngx_current_msec = 123456789;
    step = 1;

    (void) ngx_event_timer_init(&test_log);

    timers = ngx_ws_timers_create(handler, &test_log);
    if (timers == NULL) {
        return 2;
    }

    test_one();
    test_in_handler();
    test_many();

    is_int(early, 0, "none was early");
    is_int(late, 0, "none was late");
    is_int(unset, 0, "none that was not set");

    add(&items[0], 1000);
    ngx_ws_timers_destroy(timers);
    ok(!armed(), "destroyed, it leaves no event");

    return done();
}


static void
handler(ngx_ws_timer_t *timer)
{
    item_t  *item;

    item = ngx_queue_data(timer, item_t, timer);

    unset += !item->set;
    early += ((ngx_msec_int_t) (ngx_current_msec - item->due) < 0);
    late += ((ngx_msec_int_t) (ngx_current_msec - item->due - step) > LATE);

    item->set = 0;
    item->fired++;

    if (then) {
        then(item);
    }
}


static void
add(item_t *item, ngx_msec_t after)
{
    item->due = ngx_current_msec + after;
    item->set = 1;

    ngx_ws_timer_add(timers, &item->timer, after);
}


static void
del(item_t *item)
{
    item->set = 0;

    ngx_ws_timer_del(timers, &item->timer);
}


static void
clock_to(ngx_msec_t msec)
{
    while ((ngx_msec_int_t) (msec - ngx_current_msec) > 0) {
        ngx_current_msec += ngx_min(step, msec - ngx_current_msec);
        ngx_event_expire_timers();
    }
}


static ngx_uint_t
armed(void)
{
    return ngx_event_timer_rbtree.root != ngx_event_timer_rbtree.sentinel;
}


static void
test_one(void)
{
    ngx_uint_t  i;
    ngx_msec_t  start;

    static ngx_msec_t  after[] = { 0, 1, 49, 50, 51, 999, 25000, 51150, 51200,
                                   51250, 102400, 300000 };

    ok(!armed(), "no event without a timer");

    for (i = 0; i < sizeof(after) / sizeof(ngx_msec_t); i++) {
        items[0].fired = 0;
        start = ngx_current_msec;

        add(&items[0], after[i]);
        ok(armed(), "an event with one");

        clock_to(start + after[i] + LATE);
        is_int(items[0].fired, 1, "it comes once");
        ok(!armed(), "and the event is gone");

        /* the wheel has stood still meanwhile */

        ngx_current_msec += 77777;
    }

    items[0].fired = 0;

    add(&items[0], 5000);
    del(&items[0]);
    del(&items[0]);
    ok(!armed(), "no event after the last was deleted");

    add(&items[0], 5000);
    add(&items[0], 100);
    clock_to(ngx_current_msec + 300);
    is_int(items[0].fired, 1, "set anew to an earlier time");

    add(&items[0], 100);
    add(&items[0], 5000);
    clock_to(ngx_current_msec + 4999);
    is_int(items[0].fired, 1, "set anew to a later one");

    clock_to(ngx_current_msec + LATE);
    is_int(items[0].fired, 2, "which comes");

    /* a worker that was stopped for longer than the wheel goes round */

    add(&items[0], 100);
    add(&items[1], 60000);
    add(&items[2], 600000);
    step = 500000;
    clock_to(ngx_current_msec + 500000);

    is_int(items[0].fired, 3, "what was due meanwhile comes");
    is_int(items[1].fired, 1, "also of a later round");
    is_int(items[2].fired, 0, "and nothing else");

    step = 1;
    del(&items[2]);
}


/* handlers that set and delete timers of the slot at hand */

static void
delete_next(item_t *item)
{
    ngx_uint_t  n;

    n = (ngx_uint_t) (item - items);

    if (n % 2 == 0) {
        del(&items[n + 1]);
        add(item, 0);
    }
}


static void
test_in_handler(void)
{
    ngx_uint_t  i, odd, even;

    ngx_memzero(items, sizeof(items));

    for (i = 0; i < 100; i++) {
        add(&items[i], 1000);
    }

    then = delete_next;
    clock_to(ngx_current_msec + 1060);
    then = NULL;

    odd = 0;
    even = 0;

    for (i = 0; i < 100; i += 2) {
        even += (items[i].fired == 1);
        odd += items[i + 1].fired;
    }

    is_int(even, 50, "one that sets itself anew waits for its time");
    is_int(odd, 0, "one that was deleted does not come");

    clock_to(ngx_current_msec + LATE);
    is_int(items[0].fired, 2, "the new one comes");
    ok(!armed(), "none is left");
}


static void
test_many(void)
{
    ngx_uint_t  i, n, left, wanted, fired;

    ngx_memzero(items, sizeof(items));

    srandom(7);
    wanted = 0;

    for (n = 0; n < 20000; n++) {
        i = (ngx_uint_t) random() % N;

        if (random() % 4 == 0) {
            wanted -= items[i].set;
            del(&items[i]);

        } else {
            wanted += !items[i].set;
            add(&items[i], (ngx_msec_t) random() % 120000);
        }

        fired = 0;
        left = 0;

        if (n % 16 == 0) {
            step = 1 + (ngx_msec_t) random() % 200;
            clock_to(ngx_current_msec + (ngx_msec_t) random() % 400);

            for (i = 0; i < N; i++) {
                fired += items[i].fired;
                left += items[i].set;
            }

            if (fired + left != wanted) {
                break;
            }
        }
    }

    is_int(n, 20000, "each comes once, whatever is set and deleted");

    step = 50;
    clock_to(ngx_current_msec + 120000 + LATE);

    left = 0;

    for (i = 0; i < N; i++) {
        left += items[i].set;
    }

    is_int(left, 0, "all have come");
    ok(!armed(), "and no event is left");
}
