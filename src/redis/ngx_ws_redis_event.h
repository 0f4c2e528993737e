
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_EVENT_H_INCLUDED_
#define _NGX_WS_REDIS_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * A hiredis context on nginx's loop.  What is written in one turn of the loop
 * leaves in one posted flush.
 *
 * A callback of hiredis may free what it stands in, so all code that may
 * call one, or the user, runs between enter and leave; left(data) is called
 * when the outermost has been left, and may free the whole.
 */

typedef struct {
    void              *context;     /* redisAsyncContext or NULL */
    ngx_connection_t  *connection;
    ngx_event_t        flush;
    ngx_msec_t         writable;    /* when the socket last took more */
    ngx_uint_t         entered;

    void             (*left)(void *data);

    /*
     * Takes what comes from the next read on, instead of the callbacks of
     * hiredis, none of which must be left; NULL for each new context.
     */
    void             (*answer)(void *data, void *reply);
    void              *data;

    char               error[128];  /* why hiredis gave it up, or "" */

    unsigned           writing:1;
} ngx_ws_redis_event_t;


/* left and data are set by the caller, the rest is zeroed. */
void ngx_ws_redis_event_init(ngx_ws_redis_event_t *e, ngx_log_t *log);

/*
 * Gives the new context to the loop.  NGX_OK, or NGX_ERROR without a
 * connection; the context is the caller's to free then.
 */
ngx_int_t ngx_ws_redis_event_attach(ngx_ws_redis_event_t *e, void *context);

/*
 * Frees the context, from within one of its callbacks as soon as that has
 * returned.  Commands under way are answered with NULL.
 */
void ngx_ws_redis_event_free(ngx_ws_redis_event_t *e);

/* Buffers a command for answer().  NGX_OK, or NGX_ERROR without memory. */
ngx_int_t ngx_ws_redis_event_send(ngx_ws_redis_event_t *e, ngx_str_t *text);

/* Sends what is buffered, unless in a callback of hiredis. */
void ngx_ws_redis_event_flush(ngx_ws_redis_event_t *e);

void ngx_ws_redis_event_enter(ngx_ws_redis_event_t *e);
void ngx_ws_redis_event_leave(ngx_ws_redis_event_t *e);


#endif /* _NGX_WS_REDIS_EVENT_H_INCLUDED_ */
