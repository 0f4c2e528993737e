
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_sweep.h>


/* between two looks, ms */
#define NGX_WS_SWEEP_MIN    250
#define NGX_WS_SWEEP_MAX    1000
#define NGX_WS_SWEEP_SOON   10

#define NGX_WS_SWEEP_ONCE   100


static void ngx_ws_sweep_taken(void *data);
static void ngx_ws_sweep_lost(void *data);
static void ngx_ws_sweep_timer_handler(ngx_event_t *ev);
static void ngx_ws_sweep_due(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_msec_t ngx_ws_sweep_wait(ngx_ws_redis_reply_t *reply,
    ngx_uint_t n);
static void ngx_ws_sweep_one(ngx_ws_sweep_t *sweep, ngx_str_t *member);


static const ngx_ws_lock_handler_t  ngx_ws_sweep_lock_handler = {
    ngx_ws_sweep_taken,
    ngx_ws_sweep_lost
};


void
ngx_ws_sweep_init(ngx_ws_sweep_t *sweep, ngx_ws_worker_t *w, const char *name,
    ngx_ws_redis_key_e key, ngx_ws_sweep_pt handler)
{
    ngx_memzero(sweep, sizeof(ngx_ws_sweep_t));

    sweep->worker = w;
    sweep->handler = handler;

    (void) ngx_ws_redis_key(&sweep->key, &w->conf->redis.prefix, key, 0, 0,
                            NULL);

    sweep->timer.data = sweep;
    sweep->timer.handler = ngx_ws_sweep_timer_handler;
    sweep->timer.log = w->log;
    sweep->timer.cancelable = 1;

    ngx_ws_lock_init(&sweep->lock, w, name, &ngx_ws_sweep_lock_handler,
                     sweep);
}


void
ngx_ws_sweep_cleanup(ngx_ws_sweep_t *sweep)
{
    ngx_ws_lock_cleanup(&sweep->lock);

    if (sweep->timer.timer_set) {
        ngx_del_timer(&sweep->timer);
    }

    if (sweep->op) {
        ngx_ws_redis_cancel(sweep->op);
    }
}


void
ngx_ws_sweep_up(ngx_ws_sweep_t *sweep)
{
    ngx_ws_lock_up(&sweep->lock);
}


void
ngx_ws_sweep_down(ngx_ws_sweep_t *sweep)
{
    ngx_ws_lock_down(&sweep->lock);
}


static void
ngx_ws_sweep_taken(void *data)
{
    ngx_ws_sweep_t *sweep = data;

    ngx_add_timer(&sweep->timer, NGX_WS_SWEEP_MIN);
}


static void
ngx_ws_sweep_lost(void *data)
{
    ngx_ws_sweep_t *sweep = data;

    if (sweep->timer.timer_set) {
        ngx_del_timer(&sweep->timer);
    }
}


static void
ngx_ws_sweep_timer_handler(ngx_event_t *ev)
{
    u_char           buf[NGX_INT_T_LEN];
    ngx_str_t        arg;
    ngx_ws_sweep_t  *sweep;

    sweep = ev->data;

    if (!ngx_ws_lock_held(&sweep->lock)) {
        return;
    }

    arg.data = buf;
    arg.len = ngx_sprintf(buf, "%d", NGX_WS_SWEEP_ONCE) - buf;

    sweep->op = ngx_ws_redis_eval(sweep->worker->redis, NGX_WS_REDIS_DUE,
                                  &sweep->key.str, 1, &arg, 1,
                                  ngx_ws_sweep_due, sweep);
    if (sweep->op == NULL) {
        ngx_add_timer(&sweep->timer, NGX_WS_SWEEP_MIN);
    }
}


static void
ngx_ws_sweep_due(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_sweep_t *sweep = data;

    ngx_str_t   member;
    ngx_uint_t  i, n;

    sweep->op = NULL;

    n = ngx_ws_redis_reply_count(reply);

    for (i = 1; i < n; i++) {
        member = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply,
                                                                      i));
        ngx_ws_sweep_one(sweep, &member);
    }

    if (ngx_ws_lock_held(&sweep->lock) && !sweep->timer.timer_set) {
        ngx_add_timer(&sweep->timer, ngx_ws_sweep_wait(reply, n));
    }
}


static ngx_msec_t
ngx_ws_sweep_wait(ngx_ws_redis_reply_t *reply, ngx_uint_t n)
{
    int64_t  wait;

    if (n > NGX_WS_SWEEP_ONCE) {
        /* when many fall due at once, there are more */
        return NGX_WS_SWEEP_SOON;
    }

    if (n == 0) {
        return NGX_WS_SWEEP_MIN;
    }

    wait = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));

    if (wait < 0 || wait > NGX_WS_SWEEP_MAX) {
        return NGX_WS_SWEEP_MAX;
    }

    return (ngx_msec_t) ngx_max(wait, NGX_WS_SWEEP_MIN);
}


static void
ngx_ws_sweep_one(ngx_ws_sweep_t *sweep, ngx_str_t *member)
{
    u_char     *user, *p, *last;
    ngx_int_t   tenant_id, user_id;
    ngx_str_t   name;

    last = member->data + member->len;

    user = ngx_strlchr(member->data, last, ' ');
    p = user ? ngx_strlchr(user + 1, last, ' ') : NULL;

    if (p == NULL) {
        goto failed;
    }

    tenant_id = ngx_atoi(member->data, user - member->data);
    user_id = ngx_atoi(user + 1, p - user - 1);

    if (tenant_id == NGX_ERROR || user_id == NGX_ERROR) {
        goto failed;
    }

    name.data = p + 1;
    name.len = last - name.data;

    sweep->handler(sweep->worker, tenant_id, user_id, &name);

    return;

failed:

    ngx_log_error(NGX_LOG_ERR, sweep->worker->log, 0,
                  "redis has \"%V\" under \"%V\", which is not ours",
                  member, &sweep->key.str);
}


u_char *
ngx_ws_sweep_member(u_char *p, uint64_t tenant, uint64_t user,
    ngx_str_t *name)
{
    return ngx_sprintf(p, "%uL %uL %V", tenant, user, name);
}
