
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_presence.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_user.h>


#define NGX_WS_PRESENCE_LIST_LEN  (16 * 1024 * 1024)


typedef struct {
    uint64_t            user;
    uint64_t            away_since;     /* ms since the epoch */
    ngx_str_t           name;
    ngx_str_t           status;
    ngx_str_t           device;
} ngx_ws_presence_item_t;


static void ngx_ws_presence_get_user(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);
static void ngx_ws_presence_got(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_presence_onlines(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_presence_item(ngx_ws_call_t *call,
    ngx_ws_presence_item_t *item, ngx_ws_redis_reply_t *reply, ngx_uint_t i);
static int ngx_libc_cdecl ngx_ws_presence_cmp(const void *one,
    const void *two);
static void ngx_ws_presence_write(ngx_ws_json_out_t *out,
    ngx_ws_presence_item_t *item);
static void ngx_ws_presence_display(ngx_ws_json_out_t *out,
    ngx_ws_presence_item_t *item, ngx_uint_t on_device);
static void ngx_ws_presence_string(ngx_ws_json_out_t *out, ngx_str_t *s);
static void ngx_ws_presence_answer(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_presence_refused(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_uint_t ngx_ws_presence_is(ngx_str_t *s, const char *text);


void
ngx_ws_presence_get(ngx_ws_call_t *call, uint64_t user)
{
    uint64_t  *state;

    state = ngx_palloc(call->pool, sizeof(uint64_t));
    if (state == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    *state = user;
    call->state = state;

    ngx_ws_user_find(call, user, ngx_ws_presence_get_user);
}


static void
ngx_ws_presence_get_user(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name)
{
    ngx_str_t           argv[7];
    ngx_ws_redis_key_t  key;

    if (found != NGX_OK) {
        ngx_ws_call_failed(call, found == NGX_DECLINED ? NGX_WS_NOT_FOUND
                                                       : NGX_WS_UNAVAILABLE);
        return;
    }

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = *ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_STATUS,
                                call->identity->tenant,
                                *(uint64_t *) call->state, NULL);
    ngx_str_set(&argv[2], "status");
    ngx_str_set(&argv[3], "device");
    ngx_str_set(&argv[4], "away_since");
    ngx_str_set(&argv[5], "last_seen_at");
    ngx_str_set(&argv[6], "last_message");

    if (ngx_ws_redis_command(call->worker->redis, argv, 7,
                             ngx_ws_presence_got, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_presence_got(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    u_char                  buf[NGX_WS_TIME_LEN];
    uint64_t                seen;
    ngx_str_t               message, time;
    ngx_ws_json_out_t       out;
    ngx_ws_presence_item_t  item;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_presence_refused(call, rc, reply);
        return;
    }

    item.user = *(uint64_t *) call->state;
    item.status = ngx_ws_redis_reply_string(
                                       ngx_ws_redis_reply_element(reply, 0));
    item.device = ngx_ws_redis_reply_string(
                                       ngx_ws_redis_reply_element(reply, 1));
    item.away_since = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 2));
    seen = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 3));
    message = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 4));

    if (item.status.len == 0) {
        ngx_str_set(&item.status, "offline");
    }

    ngx_ws_json_out_init(&out, 8192);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "user_id");
    ngx_ws_json_out_uint(&out, item.user);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_string(&out, &item.status);
    ngx_ws_json_out_key(&out, "device");
    ngx_ws_presence_string(&out, &item.device);
    ngx_ws_presence_display(&out, &item, 1);
    ngx_ws_json_out_key(&out, "last_message");
    ngx_ws_presence_string(&out, &message);
    ngx_ws_json_out_key(&out, "last_seen_at");

    if (seen) {
        time.len = NGX_WS_TIME_LEN;
        time.data = buf;
        (void) ngx_ws_time_iso(buf, seen);
        ngx_ws_json_out_string(&out, &time);

    } else {
        ngx_ws_json_out_null(&out);
    }

    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_object_end(&out);

    ngx_ws_presence_answer(call, &out);
}


void
ngx_ws_presence_online(ngx_ws_call_t *call)
{
    ngx_str_t           argv[2];
    ngx_ws_redis_key_t  key;

    ngx_str_set(&argv[0], "HGETALL");
    argv[1] = *ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_ONLINE,
                                call->identity->tenant, 0, NULL);

    if (ngx_ws_redis_command(call->worker->redis, argv, 2,
                             ngx_ws_presence_onlines, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_presence_onlines(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_uint_t               i, n, count;
    ngx_ws_json_out_t        out;
    ngx_ws_presence_item_t  *items;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_presence_refused(call, rc, reply);
        return;
    }

    count = ngx_ws_redis_reply_count(reply);

    items = ngx_palloc(call->pool, (count / 2 + 1)
                                   * sizeof(ngx_ws_presence_item_t));
    if (items == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    n = 0;

    for (i = 0; i + 1 < count; i += 2) {
        if (ngx_ws_presence_item(call, &items[n], reply, i) == NGX_OK) {
            n++;
        }
    }

    ngx_qsort(items, n, sizeof(ngx_ws_presence_item_t), ngx_ws_presence_cmp);

    ngx_ws_json_out_init(&out, NGX_WS_PRESENCE_LIST_LEN);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_array(&out);

    for (i = 0; i < n; i++) {
        ngx_ws_presence_write(&out, &items[i]);
    }

    ngx_ws_json_out_array_end(&out);
    ngx_ws_json_out_key(&out, "total");
    ngx_ws_json_out_uint(&out, n);
    ngx_ws_json_out_object_end(&out);

    ngx_ws_presence_answer(call, &out);
}


static ngx_int_t
ngx_ws_presence_item(ngx_ws_call_t *call, ngx_ws_presence_item_t *item,
    ngx_ws_redis_reply_t *reply, ngx_uint_t i)
{
    u_char          *p;
    ngx_str_t        value, *copy[3];
    ngx_uint_t       k;
    ngx_ws_json_t   *in;
    ngx_ws_error_e   error;

    ngx_memzero(item, sizeof(ngx_ws_presence_item_t));

    value = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply,
                                                                 i + 1));

    in = ngx_ws_json_parse(value.data, value.len, NGX_WS_JSON_DEPTH, &error);
    if (in == NULL) {
        return NGX_ERROR;
    }

    item->user = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply,
                                                                       i));

    (void) ngx_ws_json_string(ngx_ws_json_get(in, "name"), &item->name);
    (void) ngx_ws_json_string(ngx_ws_json_get(in, "status"), &item->status);
    (void) ngx_ws_json_string(ngx_ws_json_get(in, "device"), &item->device);
    (void) ngx_ws_json_uint(ngx_ws_json_get(in, "away_since"), 0,
                            (uint64_t) -1, &item->away_since);

    copy[0] = &item->name;
    copy[1] = &item->status;
    copy[2] = &item->device;

    for (k = 0; k < 3; k++) {
        p = ngx_pstrdup(call->pool, copy[k]);
        if (p == NULL) {
            copy[k]->len = 0;
        }

        copy[k]->data = p;
    }

    ngx_ws_json_free(in);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_ws_presence_cmp(const void *one, const void *two)
{
    const ngx_ws_presence_item_t  *a, *b;

    a = one;
    b = two;

    return (a->user > b->user) - (a->user < b->user);
}


static void
ngx_ws_presence_write(ngx_ws_json_out_t *out, ngx_ws_presence_item_t *item)
{
    ngx_ws_json_out_object(out);
    ngx_ws_json_out_key(out, "user_id");
    ngx_ws_json_out_uint(out, item->user);
    ngx_ws_json_out_key(out, "name");
    ngx_ws_json_out_string(out, &item->name);
    ngx_ws_json_out_key(out, "user_name");
    ngx_ws_json_out_string(out, &item->name);
    ngx_ws_json_out_key(out, "status");
    ngx_ws_json_out_string(out, &item->status);
    ngx_ws_json_out_key(out, "device");
    ngx_ws_presence_string(out, &item->device);
    ngx_ws_presence_display(out, item, 0);
    ngx_ws_json_out_object_end(out);
}


/* "Online on desktop", "Busy", "Away for 5m", "Offline" */

static void
ngx_ws_presence_display(ngx_ws_json_out_t *out, ngx_ws_presence_item_t *item,
    ngx_uint_t on_device)
{
    u_char      buf[128], *p;
    uint64_t    now, minutes;
    ngx_str_t   display;

    p = buf;

    if (ngx_ws_presence_is(&item->status, "online")) {
        p = ngx_sprintf(p, "Online");

    } else if (ngx_ws_presence_is(&item->status, "busy")) {
        p = ngx_sprintf(p, "Busy");

    } else if (ngx_ws_presence_is(&item->status, "away")) {
        now = ngx_ws_worker_now();
        minutes = now > item->away_since ? (now - item->away_since) / 60000
                                         : 0;
        p = ngx_sprintf(p, "Away");

        if (minutes >= 24 * 60) {
            p = ngx_sprintf(p, " for %uLd", minutes / (24 * 60));

        } else if (minutes >= 60) {
            p = ngx_sprintf(p, " for %uLh", minutes / 60);

        } else if (minutes) {
            p = ngx_sprintf(p, " for %uLm", minutes);
        }

        on_device = 0;

    } else {
        p = ngx_sprintf(p, "Offline");
        on_device = 0;
    }

    if (on_device && item->device.len && item->device.len <= 50) {
        p = ngx_sprintf(p, " on %V", &item->device);
    }

    display.data = buf;
    display.len = p - buf;

    ngx_ws_json_out_key(out, "display_status");
    ngx_ws_json_out_string(out, &display);
}


static void
ngx_ws_presence_string(ngx_ws_json_out_t *out, ngx_str_t *s)
{
    if (s->len) {
        ngx_ws_json_out_string(out, s);

    } else {
        ngx_ws_json_out_null(out);
    }
}


static void
ngx_ws_presence_answer(ngx_ws_call_t *call, ngx_ws_json_out_t *out)
{
    if (ngx_ws_json_out_copy(out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(out);

    ngx_ws_call_done(call);
}


static void
ngx_ws_presence_refused(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_str_t  error;

    if (rc == NGX_OK) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis did not tell of presence: \"%V\"", &error);
    }

    ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
}


static ngx_uint_t
ngx_ws_presence_is(ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_memcmp(s->data, text, s->len) == 0;
}
