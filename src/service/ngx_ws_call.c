
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_name.h>


#define NGX_WS_CALL_POOL  2048


static void ngx_ws_call_free(ngx_ws_call_t *call);
static ngx_ws_json_t *ngx_ws_call_get(ngx_ws_json_t *in, const char *field);
static ngx_int_t ngx_ws_call_absent(ngx_ws_call_t *call, const char *field,
    ngx_uint_t flags);
static void ngx_ws_call_note(ngx_ws_call_t *call, const char *field,
    const char *format, ngx_uint_t n);
static void ngx_ws_call_attribute(u_char *p, const char *field);
static ngx_uint_t ngx_ws_call_blank(ngx_str_t *s);


ngx_ws_call_t *
ngx_ws_call_create(ngx_ws_worker_t *worker, ngx_ws_identity_t *identity,
    ngx_ws_service_conf_t *conf, ngx_ws_call_pt done, void *data)
{
    ngx_pool_t     *pool;
    ngx_ws_call_t  *call;

    pool = ngx_create_pool(NGX_WS_CALL_POOL, worker->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_ws_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     call->error = NGX_WS_OK;
     *     call->message, call->result = { 0, NULL };
     *     call->identity, call->invalid, call->next, call->state = NULL;
     *     call->hold = NULL;
     */

    call->pool = pool;
    call->log = conf ? conf->log : worker->log;
    call->worker = worker;
    call->conf = conf;
    call->done = done;
    call->data = data;

    if (identity != NULL) {
        call->identity = ngx_ws_identity_ref(identity);
    }

    ngx_queue_insert_tail(&worker->calls, &call->queue);

    return call;
}


void
ngx_ws_call_done(ngx_ws_call_t *call)
{
    call->done(call);

    ngx_ws_call_free(call);
}


void
ngx_ws_call_failed(ngx_ws_call_t *call, ngx_ws_error_e error)
{
    call->error = error;
    ngx_ws_call_done(call);
}


void
ngx_ws_call_drop_all(ngx_ws_worker_t *worker)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&worker->calls)) {
        q = ngx_queue_head(&worker->calls);
        ngx_ws_call_free(ngx_queue_data(q, ngx_ws_call_t, queue));
    }
}


static void
ngx_ws_call_free(ngx_ws_call_t *call)
{
    ngx_queue_remove(&call->queue);

    if (call->identity != NULL) {
        ngx_ws_identity_unref(call->identity);
    }

    ngx_destroy_pool(call->pool);
}


void
ngx_ws_call_add_invalid(ngx_ws_call_t *call, const char *field,
    const char *format)
{
    ngx_ws_call_note(call, field, format, 0);
}


ngx_int_t
ngx_ws_call_string(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_uint_t flags, size_t max, ngx_str_t *value)
{
    ngx_int_t  rc;

    rc = ngx_ws_json_string(ngx_ws_call_get(in, field), value);

    if (rc == NGX_ERROR) {
        ngx_ws_call_note(call, field, "The %s field must be a string.", 0);
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return ngx_ws_call_absent(call, field, flags);
    }

    if (value->len > max && ngx_ws_json_chars(value) > max) {
        ngx_ws_call_note(call, field, "The %s field must not be greater than "
                         "%ui characters.", max);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_ws_call_name(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_uint_t flags, ngx_str_t *value)
{
    ngx_int_t  rc;

    rc = ngx_ws_call_string(call, in, field, flags, NGX_WS_NAME_LEN, value);

    if (rc != NGX_OK) {
        return rc;
    }

    if (value->len > NGX_WS_NAME_LEN) {
        ngx_ws_call_note(call, field, "The %s field must not be greater than "
                         "%ui bytes.", NGX_WS_NAME_LEN);
        return NGX_ERROR;
    }

    if (!ngx_ws_name_visible(value, NGX_WS_NAME_LEN)) {
        ngx_ws_call_note(call, field, "The %s field format is invalid.", 0);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_ws_call_id(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_uint_t flags, uint64_t *value)
{
    ngx_int_t  rc;

    rc = ngx_ws_json_id(ngx_ws_call_get(in, field), value);

    if (rc == NGX_DECLINED) {
        return ngx_ws_call_absent(call, field, flags);
    }

    if (rc == NGX_ERROR) {
        ngx_ws_call_note(call, field, "The %s field must be an integer.", 0);
    }

    return rc;
}


ngx_int_t
ngx_ws_call_bool(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_uint_t flags, ngx_uint_t *value)
{
    ngx_int_t  rc;

    rc = ngx_ws_json_bool(ngx_ws_call_get(in, field), value);

    if (rc == NGX_DECLINED) {
        return ngx_ws_call_absent(call, field, flags);
    }

    if (rc == NGX_ERROR) {
        ngx_ws_call_note(call, field, "The %s field must be true or false.",
                         0);
    }

    return rc;
}


ngx_int_t
ngx_ws_call_choice(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_uint_t flags, const char **words, ngx_uint_t *value)
{
    ngx_int_t   rc;
    ngx_str_t   s;
    ngx_uint_t  i;

    rc = ngx_ws_json_string(ngx_ws_call_get(in, field), &s);

    if (rc == NGX_DECLINED) {
        return ngx_ws_call_absent(call, field, flags);
    }

    if (rc == NGX_OK) {
        for (i = 0; words[i]; i++) {
            if (s.len == ngx_strlen(words[i])
                && ngx_memcmp(s.data, words[i], s.len) == 0)
            {
                *value = i;
                return NGX_OK;
            }
        }
    }

    ngx_ws_call_note(call, field, "The selected %s is invalid.", 0);

    return NGX_ERROR;
}


/* a blank string is null, as Laravel's middleware makes it */

static ngx_ws_json_t *
ngx_ws_call_get(ngx_ws_json_t *in, const char *field)
{
    ngx_str_t       s;
    ngx_ws_json_t  *node;

    node = ngx_ws_json_get(in, field);

    if (ngx_ws_json_string(node, &s) == NGX_OK && ngx_ws_call_blank(&s)) {
        return NULL;
    }

    return node;
}


static ngx_int_t
ngx_ws_call_absent(ngx_ws_call_t *call, const char *field, ngx_uint_t flags)
{
    if (!(flags & NGX_WS_FIELD_REQUIRED)) {
        return NGX_DECLINED;
    }

    ngx_ws_call_note(call, field, "The %s field is required.", 0);

    return NGX_ERROR;
}


static void
ngx_ws_call_note(ngx_ws_call_t *call, const char *field, const char *format,
    ngx_uint_t n)
{
    size_t                  len;
    u_char                 *name, *p;
    ngx_ws_call_invalid_t  *invalid;

    call->error = NGX_WS_INVALID;

    if (call->invalid == NULL) {
        call->invalid = ngx_array_create(call->pool, 4,
                                         sizeof(ngx_ws_call_invalid_t));
        if (call->invalid == NULL) {
            call->error = NGX_WS_INTERNAL;
            return;
        }
    }

    len = ngx_strlen(field);
    name = ngx_pnalloc(call->pool, len * 2 + 1);
    p = ngx_pnalloc(call->pool, ngx_strlen(format) + len * 2 + NGX_INT_T_LEN);
    invalid = ngx_array_push(call->invalid);

    if (name == NULL || p == NULL || invalid == NULL) {
        call->error = NGX_WS_INTERNAL;
        return;
    }

    ngx_ws_call_attribute(name, field);

    invalid->field.len = len;
    invalid->field.data = (u_char *) field;
    invalid->text.data = p;
    invalid->text.len = ngx_sprintf(p, format, name, n) - p;
}


/* Laravel's: both "connection_id" and "connectionId" are "connection id" */

static void
ngx_ws_call_attribute(u_char *p, const char *field)
{
    const char  *f;

    for (f = field; *f; f++) {

        if (*f == '_') {
            *p++ = ' ';
            continue;
        }

        if (*f >= 'A' && *f <= 'Z' && f != field) {
            *p++ = ' ';
        }

        *p++ = ngx_tolower(*f);
    }

    *p = '\0';
}


static ngx_uint_t
ngx_ws_call_blank(ngx_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] != ' ' && (s->data[i] < '\t' || s->data[i] > '\r')) {
            return 0;
        }
    }

    return 1;
}
