
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_poll_announce.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_POLL_ANNOUNCE_KEEP   "60000"
#define NGX_WS_POLL_ANNOUNCE_RENEW  20000


static void ngx_ws_poll_announce_listening(void *data, ngx_int_t rc);
static void ngx_ws_poll_announce_set(ngx_ws_poll_t *poll);
static void ngx_ws_poll_announce_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_poll_announce_renew(ngx_event_t *ev);


void
ngx_ws_poll_announce(ngx_ws_poll_t *poll)
{
    ngx_int_t         rc;
    ngx_ws_worker_t  *w;

    w = poll->worker;

    poll->renew.data = poll;
    poll->renew.handler = ngx_ws_poll_announce_renew;
    poll->renew.log = &poll->log;
    poll->renew.cancelable = 1;

    ngx_add_timer(&poll->renew, NGX_WS_POLL_ANNOUNCE_RENEW);

    if (!ngx_ws_redis_ready(w->redis)) {
        /* the next time, then */
        return;
    }

    /* who is found has to listen */

    poll->wait.channel = *ngx_ws_bus_own(w->bus);
    poll->wait.done = ngx_ws_poll_announce_listening;
    poll->wait.data = poll;

    rc = ngx_ws_bus_confirm(w->bus, &poll->wait);

    if (rc == NGX_AGAIN) {
        poll->announcing = 1;
        return;
    }

    ngx_ws_poll_announce_set(poll);
}


static void
ngx_ws_poll_announce_listening(void *data, ngx_int_t rc)
{
    ngx_ws_poll_announce_set(data);
}


static void
ngx_ws_poll_announce_set(ngx_ws_poll_t *poll)
{
    ngx_str_t            argv[5];
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   key;

    w = poll->worker;

    ngx_str_set(&argv[0], "SET");
    argv[1] = *ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_SESSION, 0, 0,
                                &poll->node.str);
    argv[2] = w->incarnation;
    ngx_str_set(&argv[3], "PX");
    ngx_str_set(&argv[4], NGX_WS_POLL_ANNOUNCE_KEEP);

    poll->announce = ngx_ws_redis_command(w->redis, argv, 5,
                                          ngx_ws_poll_announce_done, poll);

    poll->announcing = (poll->announce != NULL);
}


static void
ngx_ws_poll_announce_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_poll_t *poll = data;

    poll->announce = NULL;
    poll->announcing = 0;

    ngx_ws_poll_wake(poll);
}


static void
ngx_ws_poll_announce_renew(ngx_event_t *ev)
{
    ngx_ws_poll_t  *poll;

    poll = ev->data;

    if (poll->announce == NULL) {
        ngx_ws_poll_announce_set(poll);
    }

    ngx_add_timer(&poll->renew, NGX_WS_POLL_ANNOUNCE_RENEW);
}


void
ngx_ws_poll_announce_end(ngx_ws_poll_t *poll, ngx_uint_t forget)
{
    ngx_str_t            argv[2];
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   key;

    w = poll->worker;

    ngx_ws_bus_cancel(&poll->wait);

    if (poll->announce) {
        ngx_ws_redis_cancel(poll->announce);
        poll->announce = NULL;
    }

    if (poll->renew.timer_set) {
        ngx_del_timer(&poll->renew);
    }

    if (!forget) {
        return;
    }

    ngx_str_set(&argv[0], "DEL");
    argv[1] = *ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_SESSION, 0, 0,
                                &poll->node.str);

    (void) ngx_ws_redis_command(w->redis, argv, 2, NULL, NULL);
}
