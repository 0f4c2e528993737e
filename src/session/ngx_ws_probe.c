
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_frame.h>
#include <ngx_ws_poll_upgrade.h>
#include <ngx_ws_probe.h>


typedef struct {
    ngx_ws_transport_t  *transport;
    ngx_ws_poll_t       *poll;
} ngx_ws_probe_t;


static void ngx_ws_probe_message(void *data, ngx_uint_t opcode, u_char *p,
    size_t len);
static void ngx_ws_probe_refused(void *data, ngx_uint_t code);
static void ngx_ws_probe_leaving(void *data);
static void ngx_ws_probe_closed(void *data, ngx_uint_t code);
static void ngx_ws_probe_pong(ngx_ws_probe_t *probe);
static void ngx_ws_probe_quiet(void *data);
static void ngx_ws_probe_ended(void *data);
static void ngx_ws_probe_end(ngx_ws_probe_t *probe, ngx_uint_t code);


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
    ngx_ws_poll_t   *poll;
    ngx_ws_probe_t  *probe;

    poll = ngx_ws_poll_find(params->worker, &params->sid);
    if (poll == NULL) {
        /* it has ended while the handshake was sent */
        t->ops->close(t, NGX_WS_CLOSE_NORMAL);
        return NGX_OK;
    }

    probe = ngx_alloc(sizeof(ngx_ws_probe_t), t->log);
    if (probe == NULL) {
        return NGX_ERROR;
    }

    probe->transport = t;
    probe->poll = poll;

    t->handler = &ngx_ws_probe_handler;
    t->data = probe;

    ngx_ws_poll_upgrade_attach(poll, &ngx_ws_probe_upgrade, probe);

    return NGX_OK;
}


static void
ngx_ws_probe_message(void *data, ngx_uint_t opcode, u_char *p, size_t len)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_transport_t  *t;

    t = probe->transport;

    if (opcode == NGX_WS_FRAME_PING || opcode == NGX_WS_FRAME_PONG) {
        return;
    }

    if (opcode == NGX_WS_FRAME_TEXT) {

        if (len == 6 && ngx_memcmp(p, "2probe", 6) == 0) {
            ngx_ws_probe_pong(probe);
            ngx_ws_poll_upgrade_release(probe->poll);
            return;
        }

        if (len == 1 && *p == '5') {
            t->ops->pause(t);
            ngx_ws_poll_upgrade_quiet(probe->poll, 0);
            return;
        }
    }

    ngx_log_error(NGX_LOG_INFO, t->log, 0,
                  "client sent a packet before its upgrade");

    ngx_ws_poll_upgrade_stay(probe->poll);
    ngx_ws_probe_end(probe, NGX_WS_CLOSE_NORMAL);
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

    ngx_ws_poll_upgrade_stay(probe->poll);
    ngx_ws_probe_end(probe, NGX_WS_CLOSE_GOING_AWAY);
}


static void
ngx_ws_probe_closed(void *data, ngx_uint_t code)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_poll_upgrade_stay(probe->poll);
    ngx_free(probe);
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
}


static void
ngx_ws_probe_quiet(void *data)
{
    ngx_ws_probe_t *probe = data;

    ngx_ws_poll_t       *poll;
    ngx_ws_transport_t  *t;

    t = probe->transport;
    poll = probe->poll;

    ngx_free(probe);

    ngx_ws_poll_upgrade_switch(poll, t);
}


static void
ngx_ws_probe_ended(void *data)
{
    ngx_ws_probe_end(data, NGX_WS_CLOSE_NORMAL);
}


static void
ngx_ws_probe_end(ngx_ws_probe_t *probe, ngx_uint_t code)
{
    ngx_ws_transport_t  *t;

    t = probe->transport;

    ngx_free(probe);

    t->ops->close(t, code);
}
