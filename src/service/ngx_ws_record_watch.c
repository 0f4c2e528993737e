
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_record_watch.h>


#define NGX_WS_RECORD_WATCH_EVERY   1000
#define NGX_WS_RECORD_WATCH_MEMORY  5000

/* what MySQL has is kept for those who missed its publication */
#define NGX_WS_RECORD_WATCH_KEEP    60000

/* entries that wait: told at that many, and each time they have doubled */
#define NGX_WS_RECORD_WATCH_ALARM   1000000

/* of Redis' memory, in percent: told at the one, over below the other */
#define NGX_WS_RECORD_WATCH_FULL    80
#define NGX_WS_RECORD_WATCH_ROOM    70


static void ngx_ws_record_watch_handler(ngx_event_t *ev);
static void ngx_ws_record_watch_trimmed(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_watch_backlog(ngx_ws_record_watch_t *watch,
    ngx_uint_t n);
static void ngx_ws_record_watch_ask(ngx_ws_record_watch_t *watch);
static void ngx_ws_record_watch_memory(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_watch_room(ngx_ws_record_watch_t *watch,
    uint64_t used, uint64_t limit);
static void ngx_ws_record_watch_policy(ngx_ws_record_watch_t *watch,
    ngx_str_t *policy);
static ngx_str_t ngx_ws_record_watch_field(ngx_str_t *info,
    const char *name);
static uint64_t ngx_ws_record_watch_number(ngx_str_t *info,
    const char *name);


void
ngx_ws_record_watch_init(ngx_ws_record_watch_t *watch, ngx_ws_worker_t *w,
    ngx_ws_lock_t *lock, ngx_str_t *stream, ngx_str_t *group)
{
    ngx_memzero(watch, sizeof(ngx_ws_record_watch_t));

    watch->worker = w;
    watch->lock = lock;
    watch->stream = stream;
    watch->group = group;

    watch->timer.handler = ngx_ws_record_watch_handler;
    watch->timer.data = watch;
    watch->timer.log = w->log;
    watch->timer.cancelable = 1;
}


void
ngx_ws_record_watch_start(ngx_ws_record_watch_t *watch)
{
    watch->alarm = NGX_WS_RECORD_WATCH_ALARM;
    watch->full = 0;
    watch->evicts = 0;
    watch->blind = 0;

    ngx_ws_record_watch_ask(watch);
    ngx_ws_record_watch_handler(&watch->timer);
}


void
ngx_ws_record_watch_stop(ngx_ws_record_watch_t *watch)
{
    if (watch->timer.timer_set) {
        ngx_del_timer(&watch->timer);
    }

    ngx_ws_metric_set(RECORD_PENDING, 0);
    ngx_ws_metric_set(RECORD_LAG, 0);
    ngx_ws_metric_set(REDIS_MEMORY, 0);
    ngx_ws_metric_set(REDIS_MEMORY_LIMIT, 0);
}


static void
ngx_ws_record_watch_handler(ngx_event_t *ev)
{
    ngx_ws_record_watch_t *watch = ev->data;

    u_char     text[NGX_INT_T_LEN];
    ngx_str_t  args[2];

    ngx_add_timer(ev, NGX_WS_RECORD_WATCH_EVERY);

    args[0] = *watch->group;
    args[1].data = text;
    args[1].len = ngx_sprintf(text, "%d", NGX_WS_RECORD_WATCH_KEEP) - text;

    (void) ngx_ws_redis_eval(watch->worker->redis, NGX_WS_REDIS_RECORD_TRIM,
                             watch->stream, 1, args, 2,
                             ngx_ws_record_watch_trimmed, watch);

    if (!watch->blind
        && ngx_current_msec - watch->asked >= NGX_WS_RECORD_WATCH_MEMORY)
    {
        ngx_ws_record_watch_ask(watch);
    }
}


static void
ngx_ws_record_watch_trimmed(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_record_watch_t *watch = data;

    int64_t  n;

    if (rc != NGX_OK || !ngx_ws_lock_held(watch->lock)) {
        return;
    }

    n = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));

    ngx_ws_metric_set(RECORD_PENDING, n);
    ngx_ws_metric_set(RECORD_LAG, ngx_ws_redis_reply_integer(
                                     ngx_ws_redis_reply_element(reply, 2)));

    ngx_ws_record_watch_backlog(watch, n);
}


static void
ngx_ws_record_watch_backlog(ngx_ws_record_watch_t *watch, ngx_uint_t n)
{
    if (n >= watch->alarm) {
        ngx_log_error(NGX_LOG_WARN, watch->worker->log, 0,
                      "%ui entries of the record wait in redis for mysql", n);

        while (watch->alarm <= n) {
            watch->alarm *= 2;
        }

        return;
    }

    if (watch->alarm > NGX_WS_RECORD_WATCH_ALARM
        && n < NGX_WS_RECORD_WATCH_ALARM / 2)
    {
        ngx_log_error(NGX_LOG_NOTICE, watch->worker->log, 0,
                      "only %ui entries of the record still wait in redis "
                      "for mysql", n);

        watch->alarm = NGX_WS_RECORD_WATCH_ALARM;
    }
}


static void
ngx_ws_record_watch_ask(ngx_ws_record_watch_t *watch)
{
    ngx_str_t  argv[2];

    ngx_str_set(&argv[0], "INFO");
    ngx_str_set(&argv[1], "memory");

    (void) ngx_ws_redis_command(watch->worker->redis, argv, 2,
                                ngx_ws_record_watch_memory, watch);

    watch->asked = ngx_current_msec;
}


static void
ngx_ws_record_watch_memory(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_record_watch_t *watch = data;

    uint64_t   used, limit;
    ngx_str_t  info, policy;

    if (rc != NGX_OK || !ngx_ws_lock_held(watch->lock)) {
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        /* its user may not ask: no reason to do it again */
        watch->blind = 1;
        return;
    }

    info = ngx_ws_redis_reply_string(reply);

    used = ngx_ws_record_watch_number(&info, "\nused_memory:");
    limit = ngx_ws_record_watch_number(&info, "\nmaxmemory:");

    ngx_ws_metric_set(REDIS_MEMORY, used);
    ngx_ws_metric_set(REDIS_MEMORY_LIMIT, limit);

    ngx_ws_record_watch_room(watch, used, limit);

    if (limit) {
        policy = ngx_ws_record_watch_field(&info, "\nmaxmemory_policy:");
        ngx_ws_record_watch_policy(watch, &policy);
    }
}


static void
ngx_ws_record_watch_room(ngx_ws_record_watch_t *watch, uint64_t used,
    uint64_t limit)
{
    uint64_t  percent;

    percent = limit ? used * 100 / limit : 0;

    if (!watch->full && percent >= NGX_WS_RECORD_WATCH_FULL) {
        watch->full = 1;

        ngx_log_error(NGX_LOG_WARN, watch->worker->log, 0,
                      "redis uses %uL%% of its maxmemory: nothing new is "
                      "accepted when all is used", percent);
    }

    if (watch->full && percent < NGX_WS_RECORD_WATCH_ROOM) {
        watch->full = 0;

        ngx_log_error(NGX_LOG_NOTICE, watch->worker->log, 0,
                      "redis has room again: it uses %uL of %uL bytes",
                      used, limit);
    }
}


static void
ngx_ws_record_watch_policy(ngx_ws_record_watch_t *watch, ngx_str_t *policy)
{
    ngx_uint_t  evicts;

    evicts = (policy->len != sizeof("noeviction") - 1
              || ngx_strncmp(policy->data, "noeviction", policy->len) != 0);

    if (evicts && !watch->evicts) {
        ngx_log_error(NGX_LOG_WARN, watch->worker->log, 0,
                      "redis' maxmemory-policy is \"%V\": it may drop "
                      "sessions and the record, unless it is \"noeviction\"",
                      policy);
    }

    watch->evicts = evicts;
}


/* What stands behind the name, to the end of the line; empty if nothing. */

static ngx_str_t
ngx_ws_record_watch_field(ngx_str_t *info, const char *name)
{
    u_char     *last;
    ngx_str_t   value;

    ngx_str_null(&value);

    last = info->data + info->len;
    value.data = ngx_strnstr(info->data, (char *) name, info->len);

    if (value.data) {
        value.data += ngx_strlen(name);

        while (value.data + value.len < last
               && value.data[value.len] != '\r')
        {
            value.len++;
        }
    }

    return value;
}


static uint64_t
ngx_ws_record_watch_number(ngx_str_t *info, const char *name)
{
    ngx_int_t  n;
    ngx_str_t  value;

    value = ngx_ws_record_watch_field(info, name);
    n = ngx_atoi(value.data, value.len);

    return (n == NGX_ERROR) ? 0 : n;
}
