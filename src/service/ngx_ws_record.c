
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_record.h>
#include <ngx_ws_record_consumer.h>
#include <ngx_ws_redis_key.h>


struct ngx_ws_record_s {
    ngx_ws_record_consumer_t  *consumer;
    ngx_ws_redis_key_t         stream;
};


/* A command under construction. */

typedef struct {
    ngx_ws_redis_cmd_t         cmd;
    u_char                    *numbers;
} ngx_ws_record_fields_t;


static ngx_int_t ngx_ws_record_open(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_fields_t *f, const char *kind, ngx_uint_t n);
static void ngx_ws_record_string(ngx_ws_record_fields_t *f, const char *name,
    ngx_str_t *value);
static void ngx_ws_record_number(ngx_ws_record_fields_t *f, const char *name,
    uint64_t n);


ngx_ws_record_t *
ngx_ws_record_create(ngx_ws_worker_t *w)
{
    ngx_ws_record_t  *record;

    record = ngx_alloc(sizeof(ngx_ws_record_t), w->log);
    if (record == NULL) {
        return NULL;
    }

    (void) ngx_ws_redis_key(&record->stream, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_EVENTS, 0, 0, NULL);

    record->consumer = ngx_ws_record_consumer_create(w);

    if (record->consumer == NULL) {
        ngx_free(record);
        return NULL;
    }

    return record;
}


void
ngx_ws_record_destroy(ngx_ws_record_t *record)
{
    ngx_ws_record_consumer_destroy(record->consumer);
    ngx_free(record);
}


void
ngx_ws_record_up(ngx_ws_record_t *record)
{
    ngx_ws_record_consumer_up(record->consumer);
}


void
ngx_ws_record_down(ngx_ws_record_t *record)
{
    ngx_ws_record_consumer_down(record->consumer);
}


ngx_int_t
ngx_ws_record_event(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_event_t *ev, ngx_ws_redis_cmd_t *cmd)
{
    ngx_str_t                payload;
    ngx_ws_record_fields_t   f;

    payload.data = ngx_pnalloc(pool, sizeof("{\"event\":\"\",\"data\":}")
                                     + ev->event.len + ev->data.len);

    if (payload.data == NULL
        || ngx_ws_record_open(w, pool, &f, "event", 8) != NGX_OK)
    {
        return NGX_ERROR;
    }

    payload.len = ngx_sprintf(payload.data, "{\"event\":\"%V\",\"data\":%V}",
                              &ev->event, &ev->data)
                  - payload.data;

    ngx_ws_record_number(&f, "id", ev->id);
    ngx_ws_record_number(&f, "tenant_id", ev->tenant);
    ngx_ws_record_number(&f, "user_id", ev->user);
    ngx_ws_record_number(&f, "created_at", ev->time);
    ngx_ws_record_string(&f, "event_type", &ev->type);
    ngx_ws_record_string(&f, "channel", &ev->channel);
    ngx_ws_record_string(&f, "payload", &payload);
    ngx_ws_record_string(&f, "status", &ev->status);

    *cmd = f.cmd;

    return NGX_OK;
}


ngx_int_t
ngx_ws_record_typing(ngx_ws_worker_t *w, ngx_pool_t *pool, uint64_t tenant,
    uint64_t user, ngx_str_t *conversation, ngx_str_t *type,
    uint64_t started, uint64_t expires, ngx_ws_redis_cmd_t *cmd)
{
    ngx_ws_record_fields_t  f;

    if (ngx_ws_record_open(w, pool, &f, "typing", 8) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_ws_record_number(&f, "tenant_id", tenant);
    ngx_ws_record_number(&f, "user_id", user);
    ngx_ws_record_string(&f, "conversation_id", conversation);
    ngx_ws_record_string(&f, "conversation_type", type);
    ngx_ws_record_number(&f, "is_typing", expires != 0);
    ngx_ws_record_number(&f, "started_at", started);
    ngx_ws_record_number(&f, "updated_at", ngx_ws_worker_now());
    ngx_ws_record_number(&f, "expires_at", expires ? expires
                                                   : ngx_ws_worker_now());

    *cmd = f.cmd;

    return NGX_OK;
}


/* XADD of an entry of the kind, with room for n fields. */

static ngx_int_t
ngx_ws_record_open(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_fields_t *f, const char *kind, ngx_uint_t n)
{
    f->cmd.argv = ngx_palloc(pool, (5 + 2 * n) * sizeof(ngx_str_t));
    f->numbers = ngx_pnalloc(pool, n * NGX_INT64_LEN);

    if (f->cmd.argv == NULL || f->numbers == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&f->cmd.argv[0], "XADD");
    f->cmd.argv[1] = w->record->stream.str;
    ngx_str_set(&f->cmd.argv[2], "*");
    ngx_str_set(&f->cmd.argv[3], "kind");
    f->cmd.argv[4].len = ngx_strlen(kind);
    f->cmd.argv[4].data = (u_char *) kind;
    f->cmd.argc = 5;

    return NGX_OK;
}


static void
ngx_ws_record_string(ngx_ws_record_fields_t *f, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  *arg;

    arg = &f->cmd.argv[f->cmd.argc];

    arg[0].len = ngx_strlen(name);
    arg[0].data = (u_char *) name;
    arg[1] = *value;

    f->cmd.argc += 2;
}


static void
ngx_ws_record_number(ngx_ws_record_fields_t *f, const char *name, uint64_t n)
{
    ngx_str_t  value;

    value.data = f->numbers;
    f->numbers = ngx_sprintf(f->numbers, "%uL", n);
    value.len = f->numbers - value.data;

    ngx_ws_record_string(f, name, &value);
}
