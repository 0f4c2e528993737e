
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_frame.h>
#include <ngx_ws_move.h>
#include <ngx_ws_poll_upgrade.h>
#include <ngx_ws_probe.h>


typedef struct {
    ngx_ws_transport_t  *transport;
    ngx_ws_poll_t       *poll;         /* the session is here */
    ngx_ws_move_t       *move;         /* or elsewhere */
    ngx_event_t          timer;        /* then */
} ngx_ws_probe_t;


static ngx_int_t ngx_ws_probe_attach(ngx_ws_probe_t *probe,
    ngx_ws_session_params_t *params);
static void ngx_ws_probe_message(void *data, ngx_uint_t opcode, u_char *p,
    size_t len);
static void ngx_ws_probe_refused(void *data, ngx_uint_t code);
static void ngx_ws_probe_leaving(void *data);
static void ngx_ws_probe_closed(void *data, ngx_uint_t code);
static void ngx_ws_probe_timeout(ngx_event_t *ev);
static void ngx_ws_probe_pong(ngx_ws_probe_t *probe);
static void ngx_ws_probe_take(ngx_ws_probe_t *probe);
static void ngx_ws_probe_quiet(void *data);
static void ngx_ws_probe_ended(void *data);
static void ngx_ws_probe_stay(ngx_ws_probe_t *probe);
static void ngx_ws_probe_free(ngx_ws_probe_t *probe);


static const ngx_ws_transport_handler_t  ngx_ws_probe_handler = {
    ngx_ws_probe_message,
    ngx_ws_probe_refused,
    ngx_ws_probe_leaving,
    ngx_ws_probe_closed
};


static const ngx_ws_poll_upgrade_t  ngx_ws_probe_upgrade = {
    ngx_ws_probe_quiet,
    ngx_ws_probe_ended
};


ngx_int_t
ngx_ws_probe_create(ngx_ws_transport_t *t, ngx_ws_session_params_t *params)
{
    ngx_ws_probe_t  *probe;

    probe = ngx_calloc(sizeof(ngx_ws_probe_t), t->log);
    if (probe == NULL) {
        return NGX_ERROR;
    }

    probe->transport = t;

    if (ngx_ws_probe_attach(probe, params) != NGX_OK) {
        ngx_free(probe);
        return NGX_ERROR;
    }

    t->handler = &ngx_ws_probe_handler;
    t->data = probe;

    if (probe->poll == NULL && probe->move == NULL) {
        /* the session has ended while the handshake was sent */
        ngx_ws_probe_ended(probe);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_probe_attach(ngx_ws_probe_t *probe, ngx_ws_session_params_t *params)
{
    if (params->owner.len == 0) {
        probe->poll = ngx_ws_poll_find(params->worker, &params->sid);

        if (probe->poll) {
            ngx_ws_poll_upgrade_attach(probe->poll, &ngx_ws_probe_upgrade,
                                       probe);
        }

        return NGX_OK;
    }

    probe->move = ngx_ws_move_create(probe->transport, params,
                                     ngx_ws_probe_ended, probe);
    if (probe->move == NULL) {
        return NGX_ERROR;
    }

    probe->timer.data = probe;
    probe->timer.handler = ngx_ws_probe_timeout;
    probe->timer.log = probe->transport->log;

    ngx_add_timer(&probe->timer, params->conf->upgrade_timeout);

    return NGX_OK;
}


static void
ngx_ws_probe_message(void *data, ngx_uint_t opcode, u_char *p, size_t len)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_transport_t  *t;

    if (opcode == NGX_WS_FRAME_PING || opcode == NGX_WS_FRAME_PONG) {
        return;
    }

    if (opcode == NGX_WS_FRAME_TEXT) {

        if (len == 6 && ngx_memcmp(p, "2probe", 6) == 0) {
            ngx_ws_probe_pong(probe);
            return;
        }

        if (len == 1 && *p == '5') {
            ngx_ws_probe_take(probe);
            return;
        }
    }

    t = probe->transport;

    ngx_log_error(NGX_LOG_INFO, t->log, 0,
                  "client sent a packet before its upgrade");

    ngx_ws_probe_stay(probe);
    t->ops->close(t, NGX_WS_CLOSE_NORMAL);
}


static void
ngx_ws_probe_refused(void *data, ngx_uint_t code)
{
    /* void */
}


static void
ngx_ws_probe_leaving(void *data)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_transport_t  *t;

    t = probe->transport;

    ngx_ws_probe_stay(probe);
    t->ops->close(t, NGX_WS_CLOSE_GOING_AWAY);
}


static void
ngx_ws_probe_closed(void *data, ngx_uint_t code)
{
    ngx_ws_probe_stay(data);
}


static void
ngx_ws_probe_timeout(ngx_event_t *ev)
{
    ngx_ws_probe_t      *probe;
    ngx_ws_transport_t  *t;

    probe = ev->data;
    t = probe->transport;

    ngx_log_error(NGX_LOG_INFO, t->log, 0,
                  "client has not completed its upgrade in time");

    ngx_ws_probe_stay(probe);
    t->ops->close(t, NGX_WS_CLOSE_NORMAL);
}


static void
ngx_ws_probe_pong(ngx_ws_probe_t *probe)
{
    ngx_ws_buf_t        *wb;
    ngx_ws_transport_t  *t;

    t = probe->transport;

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, 6, t->log);
    if (wb) {
        ngx_memcpy(ngx_ws_buf_payload(wb), "3probe", 6);
        (void) t->ops->send(t, wb);
        ngx_ws_buf_unref(wb);
    }

    if (probe->poll) {
        ngx_ws_poll_upgrade_release(probe->poll);

    } else {
        ngx_ws_move_probe(probe->move);
    }
}


/* The client has gone over: what it sends now has to wait for the session. */

static void
ngx_ws_probe_take(ngx_ws_probe_t *probe)
{
    ngx_ws_transport_t  *t;

    t = probe->transport;
    t->ops->pause(t);

    if (probe->poll) {
        ngx_ws_poll_upgrade_quiet(probe->poll, 0);
        return;
    }

    ngx_ws_move_take(probe->move);
    ngx_ws_probe_free(probe);
}


static void
ngx_ws_probe_quiet(void *data)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_poll_t       *poll;
    ngx_ws_transport_t  *t;

    t = probe->transport;
    poll = probe->poll;

    ngx_ws_probe_free(probe);

    ngx_ws_poll_upgrade_switch(poll, t);
}


static void
ngx_ws_probe_ended(void *data)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_transport_t  *t;

    t = probe->transport;

    ngx_ws_probe_free(probe);

    t->ops->close(t, NGX_WS_CLOSE_NORMAL);
}


/* Polling goes on. */

static void
ngx_ws_probe_stay(ngx_ws_probe_t *probe)
{
    if (probe->poll) {
        ngx_ws_poll_upgrade_stay(probe->poll);

    } else {
        ngx_ws_move_cancel(probe->move);
    }

    ngx_ws_probe_free(probe);
}


static void
ngx_ws_probe_free(ngx_ws_probe_t *probe)
{
    if (probe->timer.timer_set) {
        ngx_del_timer(&probe->timer);
    }

    ngx_free(probe);
}
