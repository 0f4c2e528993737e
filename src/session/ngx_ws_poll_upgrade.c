
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_delivery.h>
#include <ngx_ws_poll_upgrade.h>


#define NGX_WS_POLL_RELEASE  25        /* a GET waits while a probe is on */


void
ngx_ws_poll_upgrade_attach(ngx_ws_poll_t *poll,
    const ngx_ws_poll_upgrade_t *upgrade, void *data)
{
    poll->upgrade = upgrade;
    poll->upgrade_data = data;
}


void
ngx_ws_poll_upgrade_release(ngx_ws_poll_t *poll)
{
    poll->releasing = 1;

    if (poll->get && !poll->timer.timer_set) {
        ngx_add_timer(&poll->timer, NGX_WS_POLL_RELEASE);
    }
}


void
ngx_ws_poll_upgrade_quiet(ngx_ws_poll_t *poll, ngx_uint_t calls)
{
    ngx_ws_session_t  *s;

    poll->quiet = 1;
    poll->quiet_calls = calls;
    poll->quiet_told = 0;

    s = poll->transport.data;
    s->moving = calls;

    ngx_ws_poll_wake(poll);
}


ngx_uint_t
ngx_ws_poll_upgrade_is_quiet(ngx_ws_poll_t *poll)
{
    ngx_ws_session_t  *s;

    if (poll->reading) {
        return 0;
    }

    s = poll->transport.data;

    return !poll->quiet_calls
           || (s->nanswers == 0 && s->login == NULL
               && !ngx_ws_delivery_busy(s));
}


void
ngx_ws_poll_upgrade_stay(ngx_ws_poll_t *poll)
{
    ngx_ws_session_t  *s;

    if (poll->quiet && poll->transport.handler) {
        s = poll->transport.data;
        s->moving = 0;
    }

    poll->upgrade = NULL;
    poll->upgrading = 0;
    poll->releasing = 0;
    poll->released = 0;
    poll->quiet = 0;

    if (poll->upgrade_timer.timer_set) {
        ngx_del_timer(&poll->upgrade_timer);
    }
}


void
ngx_ws_poll_upgrade_timeout(ngx_event_t *ev)
{
    ngx_ws_poll_t                *poll;
    const ngx_ws_poll_upgrade_t  *upgrade;

    poll = ev->data;
    upgrade = poll->upgrade;

    ngx_log_error(NGX_LOG_INFO, &poll->log, 0,
                  "client has not completed its upgrade in time");

    ngx_ws_poll_upgrade_stay(poll);

    if (upgrade) {
        upgrade->ended(poll->upgrade_data);
    }
}


void
ngx_ws_poll_upgrade_switch(ngx_ws_poll_t *poll, ngx_ws_transport_t *t)
{
    ngx_ws_session_t  *s;

    s = poll->transport.data;

    ngx_ws_delivery_heard_all(s);

    while (poll->queue.count) {
        (void) t->ops->send(t, ngx_ws_send_get(&poll->queue, 0));
        ngx_ws_send_shift(&poll->queue);
    }

    ngx_ws_session_switch(s, t);
    ngx_ws_poll_upgrade_leave(poll);
}


void
ngx_ws_poll_upgrade_leave(ngx_ws_poll_t *poll)
{
    ngx_ws_poll_left_add(&poll->worker->polls->left, &poll->node.str,
                         poll->conf->upgrade_timeout);
    ngx_ws_poll_upgrade_stay(poll);

    poll->transport.handler = NULL;
    poll->closing = 1;
    poll->switched = 1;
    poll->last = 1;

    if (poll->get) {
        /* that came too late, or together with the upgrade */
        ngx_ws_poll_refuse_get(poll);
    }

    ngx_ws_poll_wake(poll);
}
