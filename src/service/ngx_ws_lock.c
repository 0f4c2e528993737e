
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_process_cycle.h>

#include <ngx_ws_lock.h>


#define NGX_WS_LOCK_TTL    10000
#define NGX_WS_LOCK_RENEW  3000


static void ngx_ws_lock_timer(ngx_event_t *ev);
static void ngx_ws_lock_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_lock_set(ngx_ws_lock_t *lock, ngx_uint_t held);
static void ngx_ws_lock_release(ngx_ws_lock_t *lock);


void
ngx_ws_lock_init(ngx_ws_lock_t *lock, ngx_ws_worker_t *w, const char *name,
    const ngx_ws_lock_handler_t *handler, void *data)
{
    ngx_str_t  s;

    ngx_memzero(lock, sizeof(ngx_ws_lock_t));

    lock->worker = w;
    lock->handler = handler;
    lock->data = data;

    s.len = ngx_strlen(name);
    s.data = (u_char *) name;

    (void) ngx_ws_redis_key(&lock->key, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_LOCK, 0, 0, &s);

    (void) ngx_ws_redis_key(&lock->leases, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_LEASES, 0, 0, NULL);

    lock->timer.handler = ngx_ws_lock_timer;
    lock->timer.data = lock;
    lock->timer.log = w->log;
    lock->timer.cancelable = 1;
}


void
ngx_ws_lock_cleanup(ngx_ws_lock_t *lock)
{
    if (lock->timer.timer_set) {
        ngx_del_timer(&lock->timer);
    }

    if (lock->held || lock->asking) {
        lock->held = 0;
        ngx_ws_lock_release(lock);
    }
}


void
ngx_ws_lock_up(ngx_ws_lock_t *lock)
{
    ngx_ws_lock_timer(&lock->timer);
}


void
ngx_ws_lock_down(ngx_ws_lock_t *lock)
{
    ngx_ws_lock_set(lock, 0);
}


ngx_uint_t
ngx_ws_lock_held(ngx_ws_lock_t *lock)
{
    return lock->held
           && (ngx_msec_int_t) (lock->until - ngx_current_msec) > 0;
}


static void
ngx_ws_lock_timer(ngx_event_t *ev)
{
    ngx_ws_lock_t *lock = ev->data;

    u_char            text[NGX_INT_T_LEN];
    ngx_str_t         args[2], keys[2];
    ngx_ws_worker_t  *w;

    w = lock->worker;

    if (ngx_exiting) {

        if (lock->held || lock->asking) {
            ngx_ws_lock_set(lock, 0);
            ngx_ws_lock_release(lock);
        }

        return;
    }

    ngx_add_timer(ev, NGX_WS_LOCK_RENEW);

    if (lock->asking || !ngx_ws_redis_ready(w->redis)) {
        return;
    }

    args[0] = w->incarnation;
    args[1].data = text;
    args[1].len = ngx_sprintf(text, "%d", NGX_WS_LOCK_TTL) - text;

    keys[0] = lock->key.str;
    keys[1] = lock->leases.str;

    if (ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LOCK, keys, 2, args, 2,
                          ngx_ws_lock_done, lock)
        == NULL)
    {
        return;
    }

    lock->asking = 1;
    lock->asked = ngx_current_msec;
}


static void
ngx_ws_lock_done(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_lock_t *lock = data;

    lock->asking = 0;

    if (rc != NGX_OK) {
        return;
    }

    if (ngx_exiting && !lock->held) {
        /* the question was older */
        ngx_ws_lock_release(lock);
        return;
    }

    if (!ngx_ws_lock_held(lock)) {
        ngx_ws_lock_set(lock, 0);
    }

    if (ngx_ws_redis_reply_integer(reply) != 1) {
        ngx_ws_lock_set(lock, 0);
        return;
    }

    lock->until = lock->asked + NGX_WS_LOCK_TTL;
    ngx_ws_lock_set(lock, 1);
}


static void
ngx_ws_lock_set(ngx_ws_lock_t *lock, ngx_uint_t held)
{
    if (lock->held == held) {
        return;
    }

    lock->held = held;

    if (held) {
        lock->handler->taken(lock->data);

    } else if (lock->handler->lost) {
        lock->handler->lost(lock->data);
    }
}


static void
ngx_ws_lock_release(ngx_ws_lock_t *lock)
{
    ngx_ws_worker_t  *w;

    w = lock->worker;

    (void) ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_UNLOCK, &lock->key.str, 1,
                             &w->incarnation, 1, NULL, NULL);
}
