
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_timer.h>


#define NGX_WS_TIMER_TICK   50         /* ms */
#define NGX_WS_TIMER_SLOTS  1024       /* 51 s; later ones go round again */


struct ngx_ws_timers_s {
    ngx_ws_timer_pt    handler;
    ngx_event_t        event;
    ngx_uint_t         n;              /* that are set */
    ngx_msec_t         tick;           /* the first that has not been seen */
    ngx_queue_t        slots[NGX_WS_TIMER_SLOTS];
};


static void ngx_ws_timers_handler(ngx_event_t *ev);
static void ngx_ws_timers_expire(ngx_ws_timers_t *ts, ngx_queue_t *slot);
static void ngx_ws_timers_arm(ngx_ws_timers_t *ts);


#define ngx_ws_timers_slot(ts, tick)                                          \
    (&(ts)->slots[(tick) % NGX_WS_TIMER_SLOTS])


ngx_ws_timers_t *
ngx_ws_timers_create(ngx_ws_timer_pt handler, ngx_log_t *log)
{
    ngx_uint_t        i;
    ngx_ws_timers_t  *ts;

    ts = ngx_calloc(sizeof(ngx_ws_timers_t), log);
    if (ts == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_WS_TIMER_SLOTS; i++) {
        ngx_queue_init(&ts->slots[i]);
    }

    ts->handler = handler;
    ts->event.handler = ngx_ws_timers_handler;
    ts->event.data = ts;
    ts->event.log = log;
    ts->tick = ngx_current_msec / NGX_WS_TIMER_TICK;

    return ts;
}


void
ngx_ws_timers_destroy(ngx_ws_timers_t *ts)
{
    if (ts->event.timer_set) {
        ngx_del_timer(&ts->event);
    }

    ngx_free(ts);
}


void
ngx_ws_timer_add(ngx_ws_timers_t *ts, ngx_ws_timer_t *timer, ngx_msec_t after)
{
    ngx_msec_t  tick;

    ngx_ws_timer_del(ts, timer);

    timer->due = ngx_current_msec + after;
    tick = timer->due / NGX_WS_TIMER_TICK + 1;

    ngx_queue_insert_tail(ngx_ws_timers_slot(ts, tick), &timer->queue);
    ts->n++;

    if (!ts->event.timer_set
        || (ngx_msec_int_t) (tick * NGX_WS_TIMER_TICK
                             - ts->event.timer.key) < 0)
    {
        /* without the laziness of ngx_add_timer() */

        if (ts->event.timer_set) {
            ngx_del_timer(&ts->event);
        }

        ngx_add_timer(&ts->event, tick * NGX_WS_TIMER_TICK - ngx_current_msec);
    }
}


void
ngx_ws_timer_del(ngx_ws_timers_t *ts, ngx_ws_timer_t *timer)
{
    if (timer->queue.next == NULL) {
        return;
    }

    ngx_queue_remove(&timer->queue);
    timer->queue.next = NULL;

    /* a worker that leaves waits for every event that is set */

    if (--ts->n == 0 && ts->event.timer_set) {
        ngx_del_timer(&ts->event);
    }
}


static void
ngx_ws_timers_handler(ngx_event_t *ev)
{
    ngx_msec_t        now;
    ngx_ws_timers_t  *ts;

    ts = ev->data;

    now = ngx_current_msec / NGX_WS_TIMER_TICK;

    if (now - ts->tick >= NGX_WS_TIMER_SLOTS) {
        ts->tick = now - NGX_WS_TIMER_SLOTS + 1;
    }

    while (ts->tick <= now) {
        ngx_ws_timers_expire(ts, ngx_ws_timers_slot(ts, ts->tick));
        ts->tick++;
    }

    ngx_ws_timers_arm(ts);
}


static void
ngx_ws_timers_expire(ngx_ws_timers_t *ts, ngx_queue_t *slot)
{
    ngx_queue_t      list, *q;
    ngx_ws_timer_t  *timer;

    if (ngx_queue_empty(slot)) {
        return;
    }

    ngx_queue_init(&list);
    ngx_queue_add(&list, slot);
    ngx_queue_init(slot);

    while (!ngx_queue_empty(&list)) {
        q = ngx_queue_head(&list);
        timer = ngx_queue_data(q, ngx_ws_timer_t, queue);

        ngx_queue_remove(q);

        if ((ngx_msec_int_t) (timer->due - ngx_current_msec) > 0) {
            ngx_queue_insert_tail(slot, q);
            continue;
        }

        q->next = NULL;
        ts->n--;
        ts->handler(timer);
    }
}


/* The event is for the next slot with anything in it. */

static void
ngx_ws_timers_arm(ngx_ws_timers_t *ts)
{
    ngx_uint_t      i;
    ngx_msec_t      tick;
    ngx_msec_int_t  wait;

    for (i = 0; i < NGX_WS_TIMER_SLOTS; i++) {
        tick = ts->tick + i;

        if (ngx_queue_empty(ngx_ws_timers_slot(ts, tick))) {
            continue;
        }

        wait = (ngx_msec_int_t) (tick * NGX_WS_TIMER_TICK - ngx_current_msec);

        if (ts->event.timer_set) {
            ngx_del_timer(&ts->event);
        }

        ngx_add_timer(&ts->event, (ngx_msec_t) ngx_max(wait, 1));
        return;
    }
}
