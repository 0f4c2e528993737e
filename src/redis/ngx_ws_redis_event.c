
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/time.h>
#include <hiredis/async.h>

#include <ngx_ws_redis_event.h>


static void ngx_ws_redis_event_read_handler(ngx_event_t *rev);
static void ngx_ws_redis_event_read(ngx_ws_redis_event_t *e);
static void ngx_ws_redis_event_write_handler(ngx_event_t *wev);
static void ngx_ws_redis_event_flush_handler(ngx_event_t *ev);
static void ngx_ws_redis_event_add_read(void *data);
static void ngx_ws_redis_event_del_read(void *data);
static void ngx_ws_redis_event_add_write(void *data);
static void ngx_ws_redis_event_del_write(void *data);
static void ngx_ws_redis_event_cleanup(void *data);


void
ngx_ws_redis_event_init(ngx_ws_redis_event_t *e, ngx_log_t *log)
{
    e->flush.handler = ngx_ws_redis_event_flush_handler;
    e->flush.data = e;
    e->flush.log = log;
}


ngx_int_t
ngx_ws_redis_event_attach(ngx_ws_redis_event_t *e, void *context)
{
    redisAsyncContext *ac = context;

    ngx_connection_t  *c;

    c = ngx_get_connection(ac->c.fd, e->flush.log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = e;
    c->log = e->flush.log;
    c->log_error = NGX_ERROR_ERR;

    c->read->handler = ngx_ws_redis_event_read_handler;
    c->read->log = c->log;

    c->write->handler = ngx_ws_redis_event_write_handler;
    c->write->log = c->log;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    ac->ev.data = e;
    ac->ev.addRead = ngx_ws_redis_event_add_read;
    ac->ev.delRead = ngx_ws_redis_event_del_read;
    ac->ev.addWrite = ngx_ws_redis_event_add_write;
    ac->ev.delWrite = ngx_ws_redis_event_del_write;
    ac->ev.cleanup = ngx_ws_redis_event_cleanup;

    e->context = ac;
    e->connection = c;
    e->answer = NULL;
    e->error[0] = '\0';

    return NGX_OK;
}


void
ngx_ws_redis_event_free(ngx_ws_redis_event_t *e)
{
    if (e->context) {
        redisAsyncFree(e->context);
    }
}


ngx_int_t
ngx_ws_redis_event_send(ngx_ws_redis_event_t *e, ngx_str_t *text)
{
    redisAsyncContext *ac = e->context;

    if (redisAppendFormattedCommand(&ac->c, (char *) text->data, text->len)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    ngx_ws_redis_event_add_write(e);

    return NGX_OK;
}


void
ngx_ws_redis_event_flush(ngx_ws_redis_event_t *e)
{
    redisAsyncContext  *ac;

    ac = e->context;

    if (ac == NULL
        || !(ac->c.flags & REDIS_CONNECTED)
        || (ac->c.flags & REDIS_IN_CALLBACK))
    {
        return;
    }

    e->writing = 1;
    redisAsyncHandleWrite(ac);
    e->writing = 0;
}


void
ngx_ws_redis_event_enter(ngx_ws_redis_event_t *e)
{
    e->entered++;
}


void
ngx_ws_redis_event_leave(ngx_ws_redis_event_t *e)
{
    if (--e->entered == 0) {
        e->left(e->data);
    }
}


static void
ngx_ws_redis_event_read_handler(ngx_event_t *rev)
{
    ngx_connection_t      *c;
    ngx_ws_redis_event_t  *e;

    c = rev->data;
    e = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, rev->log, 0,
                   "websocket redis read: %d", c->fd);

    ngx_ws_redis_event_enter(e);

    if (e->answer) {
        ngx_ws_redis_event_read(e);

    } else {
        redisAsyncHandleRead(e->context);
    }

    ngx_ws_redis_event_leave(e);
}


/* whoever gets an answer may free the context */

static void
ngx_ws_redis_event_read(ngx_ws_redis_event_t *e)
{
    redisAsyncContext *ac = e->context;

    int    rc;
    void  *reply;

    rc = redisBufferRead(&ac->c);

    while (rc == REDIS_OK) {
        rc = redisGetReply(&ac->c, &reply);

        if (rc != REDIS_OK || reply == NULL) {
            break;
        }

        e->answer(e->data, reply);
        freeReplyObject(reply);

        if (e->context == NULL) {
            return;
        }
    }

    if (rc != REDIS_OK) {
        redisAsyncFree(ac);
    }
}


static void
ngx_ws_redis_event_write_handler(ngx_event_t *wev)
{
    ngx_connection_t      *c;
    ngx_ws_redis_event_t  *e;

    c = wev->data;
    e = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, wev->log, 0,
                   "websocket redis write: %d", c->fd);

    e->writable = ngx_current_msec;

    ngx_ws_redis_event_enter(e);

    e->writing = 1;
    redisAsyncHandleWrite(e->context);
    e->writing = 0;

    ngx_ws_redis_event_leave(e);
}


static void
ngx_ws_redis_event_flush_handler(ngx_event_t *ev)
{
    ngx_ws_redis_event_t *e = ev->data;

    ngx_ws_redis_event_enter(e);

    ngx_ws_redis_event_flush(e);

    ngx_ws_redis_event_leave(e);
}


/*
 * Events are level-triggered: hiredis reads once a call, and would wait for
 * good for the rest of an answer that is larger than its buffer.
 */

static void
ngx_ws_redis_event_add_read(void *data)
{
    ngx_ws_redis_event_t *e = data;

    ngx_event_t  *rev;

    rev = e->connection->read;

    if (!rev->active) {
        (void) ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_ws_redis_event_del_read(void *data)
{
    ngx_ws_redis_event_t *e = data;

    ngx_event_t  *rev;

    rev = e->connection->read;

    if (rev->active) {
        (void) ngx_del_event(rev, NGX_READ_EVENT, 0);
    }
}


/*
 * Called for each command: it is sent by the posted flush, unless the socket
 * is not connected yet or has just taken less than all.
 */

static void
ngx_ws_redis_event_add_write(void *data)
{
    ngx_ws_redis_event_t *e = data;

    ngx_event_t        *wev;
    redisAsyncContext  *ac;

    ac = e->context;
    wev = e->connection->write;

    if (wev->active) {
        return;
    }

    if (e->writing || !(ac->c.flags & REDIS_CONNECTED)) {
        (void) ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
        return;
    }

    ngx_post_event(&e->flush, &ngx_posted_events);
}


static void
ngx_ws_redis_event_del_write(void *data)
{
    ngx_ws_redis_event_t *e = data;

    ngx_event_t  *wev;

    wev = e->connection->write;

    if (wev->active) {
        (void) ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }
}


/* hiredis is about to free the context, and closes the descriptor itself */

static void
ngx_ws_redis_event_cleanup(void *data)
{
    ngx_ws_redis_event_t *e = data;

    ngx_connection_t   *c;
    redisAsyncContext  *ac;

    c = e->connection;
    ac = e->context;

    if (ac == NULL) {
        return;
    }

    ngx_ws_redis_event_del_read(e);
    ngx_ws_redis_event_del_write(e);

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    if (e->flush.posted) {
        ngx_delete_posted_event(&e->flush);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    e->connection = NULL;
    e->context = NULL;

    (void) ngx_cpystrn((u_char *) e->error, (u_char *) ac->c.errstr,
                       sizeof(e->error));
}
