
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>


/*
 * The text of an event is "id except event data", separated by single spaces;
 * a name of an event has none.
 */


struct ngx_ws_bus_s {
    ngx_ws_worker_t     *worker;
    ngx_str_t            control;         /* the worker's own channel */
    unsigned             up:1;            /* the subscriber link is */
};


typedef struct {
    ngx_queue_t          waits;           /* ngx_ws_bus_wait_t */
    unsigned             confirmed:1;     /* Redis has taken SUBSCRIBE */
} ngx_ws_bus_channel_t;


static void ngx_ws_bus_filled(void *data, ngx_ws_channel_t *ch);
static void ngx_ws_bus_emptied(void *data, ngx_ws_channel_t *ch);
static void ngx_ws_bus_subscribed(void *data, ngx_str_t *channel,
    ngx_int_t rc);
static void ngx_ws_bus_wake(ngx_ws_bus_channel_t *bch, ngx_int_t rc);
static ngx_int_t ngx_ws_bus_decode(ngx_ws_bus_event_t *ev,
    ngx_str_t *payload);
static ngx_int_t ngx_ws_bus_word(ngx_str_t *rest, ngx_str_t *word);
static ngx_int_t ngx_ws_bus_number(ngx_str_t *rest, uint64_t *n);


const ngx_ws_channels_handler_t  ngx_ws_bus_channels_handler = {
    ngx_ws_bus_filled,
    ngx_ws_bus_emptied
};


ngx_ws_bus_t *
ngx_ws_bus_create(ngx_ws_worker_t *w)
{
    u_char        key[NGX_WS_REDIS_KEY_LEN];
    ngx_ws_bus_t  *bus;

    bus = ngx_calloc(sizeof(ngx_ws_bus_t) + NGX_WS_REDIS_KEY_LEN, w->log);
    if (bus == NULL) {
        return NULL;
    }

    bus->worker = w;

    return bus;
}


void
ngx_ws_bus_destroy(ngx_ws_bus_t *bus)
{
    ngx_free(bus);
}
