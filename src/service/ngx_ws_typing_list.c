
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>


#define NGX_WS_TYPING_LIST_LEN  1048576


static void ngx_ws_typing_listed(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_typing_list_item(ngx_ws_json_out_t *out,
    ngx_ws_redis_reply_t *reply, ngx_uint_t i);
static void ngx_ws_typing_list_failed(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);


void
ngx_ws_typing_list(ngx_ws_call_t *call, ngx_str_t *conversation)
{
    ngx_ws_redis_key_t  key;

    (void) ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_TYPING, call->identity->tenant,
                            0, conversation);

    if (ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_TYPING_LIST,
                          &key.str, 1, NULL, 0, ngx_ws_typing_listed, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_typing_listed(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_uint_t         i, n;
    ngx_ws_json_out_t  out;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_typing_list_failed(call, rc, reply);
        return;
    }

    n = ngx_ws_redis_reply_count(reply);

    ngx_ws_json_out_init(&out, NGX_WS_TYPING_LIST_LEN);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_array(&out);

    for (i = 0; i + 2 < n; i += 3) {
        ngx_ws_typing_list_item(&out, reply, i);
    }

    ngx_ws_json_out_array_end(&out);
    ngx_ws_json_out_key(&out, "count");
    ngx_ws_json_out_uint(&out, n / 3);
    ngx_ws_json_out_object_end(&out);

    if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(&out);

    ngx_ws_call_done(call);
}


static void
ngx_ws_typing_list_item(ngx_ws_json_out_t *out, ngx_ws_redis_reply_t *reply,
    ngx_uint_t i)
{
    u_char           buf[NGX_WS_TIME_LEN];
    ngx_str_t        name, note, time;
    ngx_ws_json_t   *in;
    ngx_ws_error_e   error;

    note = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply,
                                                                i + 2));
    in = ngx_ws_json_parse(note.data, note.len, NGX_WS_JSON_DEPTH, &error);

    ngx_str_null(&name);
    (void) ngx_ws_json_string(ngx_ws_json_get(in, "name"), &name);

    time.len = NGX_WS_TIME_LEN;
    time.data = buf;
    (void) ngx_ws_time_iso(buf, ngx_ws_redis_reply_integer(
                                  ngx_ws_redis_reply_element(reply, i + 1)));

    ngx_ws_json_out_object(out);
    ngx_ws_json_out_key(out, "user_id");
    ngx_ws_json_out_uint(out, ngx_ws_redis_reply_integer(
                                      ngx_ws_redis_reply_element(reply, i)));
    ngx_ws_json_out_key(out, "user_name");
    ngx_ws_json_out_string(out, &name);
    ngx_ws_json_out_key(out, "name");
    ngx_ws_json_out_string(out, &name);
    ngx_ws_json_out_key(out, "started_at");
    ngx_ws_json_out_string(out, &time);
    ngx_ws_json_out_object_end(out);

    if (in) {
        ngx_ws_json_free(in);
    }
}


static void
ngx_ws_typing_list_failed(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_str_t  error;

    if (rc == NGX_OK) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused who is typing: \"%V\"", &error);
    }

    ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
}
