
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


static u_char *ngx_ws_record_number(ngx_str_t *s, u_char *p, uint64_t n);


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


ngx_uint_t
ngx_ws_record_event(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_record_event_t *ev, ngx_str_t *argv)
{
    u_char  *p;

    p = ngx_pnalloc(pool, 4 * NGX_INT64_LEN);
    if (p == NULL) {
        return 0;
    }

    ngx_str_set(&argv[0], "XADD");
    argv[1] = w->record->stream.str;
    ngx_str_set(&argv[2], "*");
    ngx_str_set(&argv[3], "kind");
    ngx_str_set(&argv[4], "event");

    ngx_str_set(&argv[5], "id");
    p = ngx_ws_record_number(&argv[6], p, ev->id);
    ngx_str_set(&argv[7], "tenant_id");
    p = ngx_ws_record_number(&argv[8], p, ev->tenant);
    ngx_str_set(&argv[9], "user_id");
    p = ngx_ws_record_number(&argv[10], p, ev->user);
    ngx_str_set(&argv[11], "created_at");
    (void) ngx_ws_record_number(&argv[12], p, ev->time);

    ngx_str_set(&argv[13], "event_type");
    argv[14] = ev->type;
    ngx_str_set(&argv[15], "channel");
    argv[16] = ev->channel;
    ngx_str_set(&argv[17], "payload");
    argv[18] = ev->payload;
    ngx_str_set(&argv[19], "status");
    argv[20] = ev->status;

    return 21;
}


static u_char *
ngx_ws_record_number(ngx_str_t *s, u_char *p, uint64_t n)
{
    s->data = p;
    p = ngx_sprintf(p, "%uL", n);
    s->len = p - s->data;

    return p;
}
