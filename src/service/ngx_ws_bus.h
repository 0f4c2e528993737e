
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_BUS_H_INCLUDED_
#define _NGX_WS_BUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_dialect.h>
#include <ngx_ws_name.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_worker.h>


/*
 * Events between sockets of all workers: PUBLISH on a channel's key, one
 * encoding a dialect on arrival, references to the subscribers.
 */

typedef struct {
    uint64_t              id;          /* messageId, 0 where there is none */
    uint64_t              except;      /* number of a socket left out */
    uint64_t              seq;         /* of what is kept for the user, or 0 */
    ngx_str_t             event;
    ngx_str_t             data;        /* one JSON value */
    ngx_uint_t            alone;       /* one subscriber gets it */

    /* made by ngx_ws_bus_buf() when the first subscriber asks */
    ngx_ws_buf_t         *encoded[NGX_WS_DIALECTS_N];
} ngx_ws_bus_event_t;


/* Events that were published together, in this order. */

typedef struct {
    ngx_ws_bus_event_t   *events;
    ngx_uint_t            n;

    /* made by ngx_ws_bus_batch_buf() when the first subscriber asks */
    ngx_ws_buf_t         *encoded[NGX_WS_DIALECTS_N];
} ngx_ws_bus_batch_t;


/* Somebody who waits for a channel; lives with the caller. */

typedef struct ngx_ws_bus_wait_s  ngx_ws_bus_wait_t;

typedef void (*ngx_ws_bus_wait_pt)(void *data, ngx_int_t rc);

struct ngx_ws_bus_wait_s {
    ngx_ws_bus_t         *bus;
    ngx_str_t             channel;     /* lives as long */
    ngx_ws_bus_wait_pt    done;        /* NGX_OK; NGX_ERROR: it did not */
    void                 *data;
};


ngx_ws_bus_t *ngx_ws_bus_create(ngx_ws_worker_t *w);
void ngx_ws_bus_destroy(ngx_ws_bus_t *bus);

/* The worker's table of channels tells the bus which ones it needs. */
extern const ngx_ws_channels_handler_t  ngx_ws_bus_channels_handler;

/* A message from Redis: see ngx_ws_redis_handler_t. */
void ngx_ws_bus_message(ngx_ws_bus_t *bus, ngx_str_t *channel,
    ngx_str_t *payload);

/* The worker has another incarnation, and so another channel of its own. */
void ngx_ws_bus_rename(ngx_ws_bus_t *bus);

/* The worker's own channel. */
ngx_str_t *ngx_ws_bus_own(ngx_ws_bus_t *bus);

/*
 * The text to publish for the event, in the pool; len 0 without memory.
 */
ngx_str_t ngx_ws_bus_encode(ngx_pool_t *pool, ngx_ws_bus_event_t *ev);

/*
 * The command that publishes a text on a channel, whose key is copied, in the
 * pool.  Gives 1, the number of commands, or 0 without memory.
 */
ngx_uint_t ngx_ws_bus_publish(ngx_pool_t *pool, ngx_str_t *channel,
    ngx_str_t *text, ngx_ws_redis_cmd_t *cmd);

/*
 * The event as the dialect's frame for the main namespace; a view, valid as
 * long as the event.  NULL without memory.
 */
ngx_ws_buf_t *ngx_ws_bus_buf(ngx_ws_bus_event_t *ev,
    const ngx_ws_dialect_t *dialect, ngx_log_t *log);

/* The same of all events of the batch, joined: see ngx_ws_buf_join(). */
ngx_ws_buf_t *ngx_ws_bus_batch_buf(ngx_ws_bus_batch_t *batch,
    const ngx_ws_dialect_t *dialect, ngx_log_t *log);

/*
 * Whether what is published on wait->channel, which has a member here,
 * arrives: NGX_OK; NGX_AGAIN: wait->done() is called once, later, unless it is
 * cancelled; NGX_ERROR without memory.  channel, done and data are set.
 */
ngx_int_t ngx_ws_bus_confirm(ngx_ws_bus_t *bus, ngx_ws_bus_wait_t *wait);

/* Does nothing where nobody waits: bus is NULL then. */
void ngx_ws_bus_cancel(ngx_ws_bus_wait_t *wait);

/* The key of a channel, as its name was resolved, in the tenant. */
void ngx_ws_bus_key(ngx_ws_worker_t *w, uint64_t tenant, ngx_ws_name_t *name,
    ngx_ws_redis_key_t *key);

/*
 * Take the next word off a text of words with single spaces between them;
 * _number() one that is a number, NGX_ERROR if it is none.
 */
void ngx_ws_bus_word(ngx_str_t *rest, ngx_str_t *word);
ngx_int_t ngx_ws_bus_number(ngx_str_t *rest, uint64_t *n);

/* Publishes on the channel of an incarnation: "verb rest". */
void ngx_ws_bus_control(ngx_ws_worker_t *w, ngx_str_t *incarnation,
    ngx_str_t *text);


#endif /* _NGX_WS_BUS_H_INCLUDED_ */
