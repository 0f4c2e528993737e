
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_redis.h>


/*
 * The text of an event is "seq except id event data", separated by single
 * spaces; a name of an event has none.  A batch is "*" and such texts, each
 * without line feeds, with line feeds between them.
 */

#define NGX_WS_BUS_BATCH  '*'


struct ngx_ws_bus_s {
    ngx_ws_worker_t     *worker;
    ngx_ws_redis_key_t   control;         /* the worker's own channel */
};


static ngx_int_t ngx_ws_bus_listen(ngx_ws_bus_t *bus);
static void ngx_ws_bus_filled(void *data, ngx_str_t *channel);
static void ngx_ws_bus_emptied(void *data, ngx_str_t *channel);
static void ngx_ws_bus_confirmed(void *data, ngx_int_t rc);
static ngx_int_t ngx_ws_bus_batch(ngx_ws_bus_t *bus, ngx_ws_channel_t *ch,
    ngx_str_t *payload);
static ngx_int_t ngx_ws_bus_event(ngx_ws_bus_t *bus, ngx_ws_channel_t *ch,
    ngx_str_t *payload);
static void ngx_ws_bus_free(ngx_ws_buf_t **encoded);
static ngx_int_t ngx_ws_bus_decode(ngx_ws_bus_event_t *ev,
    ngx_str_t *payload);


const ngx_ws_channels_handler_t  ngx_ws_bus_channels_handler = {
    ngx_ws_bus_filled,
    ngx_ws_bus_emptied
};


ngx_ws_bus_t *
ngx_ws_bus_create(ngx_ws_worker_t *w)
{
    ngx_ws_bus_t  *bus;

    bus = ngx_calloc(sizeof(ngx_ws_bus_t), w->log);
    if (bus == NULL) {
        return NULL;
    }

    bus->worker = w;

    if (ngx_ws_bus_listen(bus) != NGX_OK) {
        ngx_free(bus);
        return NULL;
    }

    return bus;
}


static ngx_int_t
ngx_ws_bus_listen(ngx_ws_bus_t *bus)
{
    ngx_ws_worker_t  *w;

    w = bus->worker;

    (void) ngx_ws_redis_key(&bus->control, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_WORKER, 0, 0, &w->incarnation);

    return ngx_ws_redis_subscribe(w->redis, &bus->control.str, NULL, bus);
}


void
ngx_ws_bus_rename(ngx_ws_bus_t *bus)
{
    ngx_ws_redis_unsubscribe(bus->worker->redis, &bus->control.str, bus);

    (void) ngx_ws_bus_listen(bus);
}


void
ngx_ws_bus_destroy(ngx_ws_bus_t *bus)
{
    ngx_free(bus);
}


static void
ngx_ws_bus_filled(void *data, ngx_str_t *channel)
{
    ngx_ws_worker_t  *w = data;

    (void) ngx_ws_redis_subscribe(w->redis, channel, NULL, NULL);
}


static void
ngx_ws_bus_emptied(void *data, ngx_str_t *channel)
{
    ngx_ws_worker_t  *w = data;

    ngx_ws_redis_unsubscribe(w->redis, channel, NULL);
}


ngx_int_t
ngx_ws_bus_confirm(ngx_ws_bus_t *bus, ngx_ws_bus_wait_t *wait)
{
    wait->bus = NULL;

    if (ngx_ws_redis_subscribed(bus->worker->redis, &wait->channel)) {
        return NGX_OK;
    }

    /* one want more for as long as somebody waits */

    if (ngx_ws_redis_subscribe(bus->worker->redis, &wait->channel,
                               ngx_ws_bus_confirmed, wait)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    wait->bus = bus;

    return NGX_AGAIN;
}


static void
ngx_ws_bus_confirmed(void *data, ngx_int_t rc)
{
    ngx_ws_bus_wait_t  *wait = data;

    ngx_ws_redis_unsubscribe(wait->bus->worker->redis, &wait->channel, NULL);
    wait->bus = NULL;

    wait->done(wait->data, rc);
}


void
ngx_ws_bus_cancel(ngx_ws_bus_wait_t *wait)
{
    if (wait->bus) {
        ngx_ws_redis_unsubscribe(wait->bus->worker->redis, &wait->channel,
                                 wait);
        wait->bus = NULL;
    }
}


ngx_str_t *
ngx_ws_bus_own(ngx_ws_bus_t *bus)
{
    return &bus->control.str;
}


ngx_str_t
ngx_ws_bus_encode(ngx_pool_t *pool, ngx_ws_bus_event_t *ev)
{
    ngx_str_t  text;

    text.len = 0;

    text.data = ngx_pnalloc(pool, 3 * (NGX_INT64_LEN + 1) + ev->event.len + 1
                                  + ev->data.len);
    if (text.data) {
        text.len = ngx_sprintf(text.data, "%uL %uL %uL %V %V", ev->seq,
                               ev->except, ev->id, &ev->event, &ev->data)
                   - text.data;
    }

    return text;
}


ngx_uint_t
ngx_ws_bus_publish(ngx_pool_t *pool, ngx_str_t *channel, ngx_str_t *text,
    ngx_ws_redis_cmd_t *cmd)
{
    cmd->argc = 3;
    cmd->argv = ngx_palloc(pool, 3 * sizeof(ngx_str_t));

    if (cmd->argv == NULL || text->len == 0) {
        return 0;
    }

    ngx_str_set(&cmd->argv[0], "PUBLISH");
    cmd->argv[1].len = channel->len;
    cmd->argv[1].data = ngx_pstrdup(pool, channel);
    cmd->argv[2] = *text;

    return cmd->argv[1].data ? 1 : 0;
}


void
ngx_ws_bus_message(ngx_ws_bus_t *bus, ngx_str_t *channel, ngx_str_t *payload)
{
    ngx_int_t          rc;
    ngx_str_t          rest, verb;
    ngx_ws_worker_t   *w;
    ngx_ws_channel_t  *ch;

    w = bus->worker;

    if (channel->len == bus->control.str.len
        && ngx_memcmp(channel->data, bus->control.str.data, channel->len) == 0)
    {
        rest = *payload;
        ngx_ws_bus_word(&rest, &verb);
        w->handler->control(w, &verb, &rest);
        return;
    }

    ch = ngx_ws_channel_find(w->channels, channel);
    if (ch == NULL) {
        /* the last member has just left */
        return;
    }

    if (payload->len && payload->data[0] == NGX_WS_BUS_BATCH) {
        rc = ngx_ws_bus_batch(bus, ch, payload);

    } else {
        rc = ngx_ws_bus_event(bus, ch, payload);
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, w->log, 0,
                      "redis channel \"%V\" has sent what is no event",
                      channel);
    }
}


static ngx_int_t
ngx_ws_bus_batch(ngx_ws_bus_t *bus, ngx_ws_channel_t *ch, ngx_str_t *payload)
{
    u_char              *p, *last, *end;
    ngx_str_t            line;
    ngx_uint_t           i, n;
    ngx_ws_bus_batch_t   batch;

    ngx_memzero(&batch, sizeof(ngx_ws_bus_batch_t));

    last = payload->data + payload->len;
    n = 1;

    for (p = payload->data; p < last; p++) {
        n += (*p == LF);
    }

    batch.events = ngx_alloc(n * sizeof(ngx_ws_bus_event_t),
                             bus->worker->log);
    if (batch.events == NULL) {
        return NGX_OK;
    }

    for (p = payload->data + 1; batch.n < n; p = end + 1) {
        end = ngx_strlchr(p, last, LF);
        end = end ? end : last;

        line.data = p;
        line.len = end - p;

        if (ngx_ws_bus_decode(&batch.events[batch.n], &line) != NGX_OK) {
            break;
        }

        batch.n++;
    }

    ngx_ws_channel_each(bus->worker->channels, ch,
                        bus->worker->handler->deliver_batch, &batch);

    for (i = 0; i < batch.n; i++) {
        ngx_ws_bus_free(batch.events[i].encoded);
    }

    ngx_ws_bus_free(batch.encoded);
    ngx_free(batch.events);

    return batch.n == n ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_bus_event(ngx_ws_bus_t *bus, ngx_ws_channel_t *ch, ngx_str_t *payload)
{
    ngx_ws_bus_event_t  ev;

    if (ngx_ws_bus_decode(&ev, payload) != NGX_OK) {
        return NGX_ERROR;
    }

    ev.alone = (ch->nsubscriptions == 1);

    ngx_ws_channel_each(bus->worker->channels, ch,
                        bus->worker->handler->deliver, &ev);

    ngx_ws_bus_free(ev.encoded);

    return NGX_OK;
}


static void
ngx_ws_bus_free(ngx_ws_buf_t **encoded)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_WS_DIALECTS_N; i++) {
        if (encoded[i]) {
            ngx_ws_buf_unref(encoded[i]);
        }
    }
}


static ngx_int_t
ngx_ws_bus_decode(ngx_ws_bus_event_t *ev, ngx_str_t *payload)
{
    ngx_memzero(ev, sizeof(ngx_ws_bus_event_t));

    ev->data = *payload;

    if (ngx_ws_bus_number(&ev->data, &ev->seq) != NGX_OK
        || ngx_ws_bus_number(&ev->data, &ev->except) != NGX_OK
        || ngx_ws_bus_number(&ev->data, &ev->id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_ws_bus_word(&ev->data, &ev->event);

    return (ev->event.len && ev->data.len) ? NGX_OK : NGX_ERROR;
}


void
ngx_ws_bus_word(ngx_str_t *rest, ngx_str_t *word)
{
    u_char  *p;

    p = ngx_strlchr(rest->data, rest->data + rest->len, ' ');

    word->data = rest->data;
    word->len = p ? (size_t) (p - rest->data) : rest->len;

    rest->data += word->len + (p != NULL);
    rest->len -= word->len + (p != NULL);
}


ngx_int_t
ngx_ws_bus_number(ngx_str_t *rest, uint64_t *n)
{
    size_t     i;
    ngx_str_t  word;

    ngx_ws_bus_word(rest, &word);

    if (word.len == 0 || word.len > NGX_INT64_LEN) {
        return NGX_ERROR;
    }

    *n = 0;

    for (i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return NGX_ERROR;
        }

        *n = *n * 10 + (word.data[i] - '0');
    }

    return NGX_OK;
}


ngx_ws_buf_t *
ngx_ws_bus_buf(ngx_ws_bus_event_t *ev, const ngx_ws_dialect_t *dialect,
    ngx_log_t *log)
{
    size_t         len;
    ngx_str_t      nsp;
    ngx_ws_buf_t  *wb;

    wb = ev->encoded[dialect->id];

    if (wb == NULL) {
        ngx_str_set(&nsp, "/");

        len = dialect->event(NULL, &nsp, &ev->event, &ev->data);

        wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, log);
        if (wb == NULL) {
            return NULL;
        }

        (void) dialect->event(ngx_ws_buf_payload(wb), &nsp, &ev->event,
                              &ev->data);

        wb->shared = !ev->alone;

        ev->encoded[dialect->id] = wb;
    }

    return wb;
}


ngx_ws_buf_t *
ngx_ws_bus_batch_buf(ngx_ws_bus_batch_t *batch,
    const ngx_ws_dialect_t *dialect, ngx_log_t *log)
{
    ngx_uint_t      i;
    ngx_ws_buf_t   *wb, **wbs;

    wb = batch->encoded[dialect->id];

    if (wb || batch->n == 0) {
        return wb;
    }

    wbs = ngx_alloc(batch->n * sizeof(ngx_ws_buf_t *), log);
    if (wbs == NULL) {
        return NULL;
    }

    for (i = 0; i < batch->n; i++) {
        wbs[i] = ngx_ws_bus_buf(&batch->events[i], dialect, log);
        if (wbs[i] == NULL) {
            break;
        }
    }

    if (i == batch->n) {
        wb = ngx_ws_buf_join(wbs, i, log);
        batch->encoded[dialect->id] = wb;
    }

    ngx_free(wbs);

    return wb;
}


void
ngx_ws_bus_key(ngx_ws_worker_t *w, uint64_t tenant, ngx_ws_name_t *name,
    ngx_ws_redis_key_t *key)
{
    static const ngx_ws_redis_key_e  kinds[] = {
        NGX_WS_REDIS_KEY_CHANNEL,      /* by ngx_ws_name_kind_e */
        NGX_WS_REDIS_KEY_USER,
        NGX_WS_REDIS_KEY_TENANT,
        NGX_WS_REDIS_KEY_PRESENCE
    };

    (void) ngx_ws_redis_key(key, &w->conf->redis.prefix, kinds[name->kind],
                            tenant, name->id, &name->name);
}


void
ngx_ws_bus_control(ngx_ws_worker_t *w, ngx_str_t *incarnation,
    ngx_str_t *text)
{
    ngx_str_t           argv[3];
    ngx_ws_redis_key_t  key;

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1] = *ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_WORKER, 0, 0, incarnation);
    argv[2] = *text;

    (void) ngx_ws_redis_command(w->redis, argv, 3, NULL, NULL);
}
