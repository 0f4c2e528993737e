
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_eio.h>
#include <ngx_ws_engine.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_random.h>


static ngx_int_t ngx_ws_engine_open(ngx_ws_session_t *s, ngx_str_t *sid);
static void ngx_ws_engine_message(ngx_ws_session_t *s, ngx_uint_t opcode,
    u_char *p, size_t len);
static void ngx_ws_engine_ping(ngx_ws_session_t *s);
static void ngx_ws_engine_packet(ngx_ws_session_t *s, u_char *p, size_t len);
static void ngx_ws_engine_echo_message(ngx_ws_session_t *s,
    ngx_uint_t opcode, u_char *p, size_t len);
static void ngx_ws_engine_send(ngx_ws_session_t *s, ngx_uint_t opcode,
    u_char *p, size_t len);


const ngx_ws_session_wire_t  ngx_ws_engine_wire = {
    ngx_ws_engine_open,
    ngx_ws_engine_message,
    ngx_ws_engine_ping
};


const ngx_ws_session_wire_t  ngx_ws_engine_echo_wire = {
    ngx_ws_engine_open,
    ngx_ws_engine_echo_message,
    ngx_ws_engine_ping
};


static ngx_int_t
ngx_ws_engine_open(ngx_ws_session_t *s, ngx_str_t *sid)
{
    u_char              id[NGX_WS_RANDOM_ID_LEN];
    ngx_int_t           rc;
    ngx_ws_buf_t       *wb;
    ngx_ws_eio_open_t   open;

    open.sid = *sid;
    open.upgrade = (sid->len != 0);

    if (sid->len == 0) {
        /* nobody will ask for it */
        ngx_ws_random_id(id);

        open.sid.len = NGX_WS_RANDOM_ID_LEN;
        open.sid.data = id;
    }

    open.ping_interval = s->conf->ping_interval;
    open.ping_timeout = s->conf->ping_timeout;
    open.max_payload = s->conf->max_message_size;

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, ngx_ws_eio_open(NULL, &open),
                           s->transport->log);
    if (wb == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_ws_eio_open(ngx_ws_buf_payload(wb), &open);

    rc = s->transport->ops->send(s->transport, wb);

    ngx_ws_buf_unref(wb);

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_ws_engine_ping(ngx_ws_session_t *s)
{
    ngx_ws_engine_send(s, NGX_WS_FRAME_TEXT, (u_char *) "2", 1);
}


static void
ngx_ws_engine_message(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len)
{
    ngx_ws_packet_t      pkt;
    ngx_ws_eio_packet_t  eio;

    if (opcode == NGX_WS_FRAME_BINARY) {
        ngx_ws_session_app(s)->binary(s, p, len);
        return;
    }

    if (len == 0 || p[0] != '0' + NGX_WS_EIO_MESSAGE) {
        ngx_ws_engine_packet(s, p, len);
        return;
    }

    if (ngx_ws_eio_decode(&eio, p, len) != NGX_OK
        || s->dialect->decode(&pkt, eio.data.data, eio.data.len) != NGX_OK)
    {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    ngx_ws_session_app(s)->packet(s, &pkt);
}


/* Everything that is not a message. */

static void
ngx_ws_engine_packet(ngx_ws_session_t *s, u_char *p, size_t len)
{
    ngx_ws_eio_packet_t  eio;

    if (ngx_ws_eio_decode(&eio, p, len) != NGX_OK) {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    if (eio.binary) {
        ngx_ws_session_app(s)->binary(s, eio.data.data, eio.data.len);
        return;
    }

    switch (eio.type) {

    case NGX_WS_EIO_CLOSE:
        ngx_ws_session_close(s, NGX_WS_OK);
        break;

    case NGX_WS_EIO_PONG:
        ngx_ws_session_alive(s);
        break;

    case NGX_WS_EIO_NOOP:
    case NGX_WS_EIO_UPGRADE:
        break;

    default:
        /* a server sends "open" and "ping", it never gets them */
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
    }
}


static void
ngx_ws_engine_echo_message(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len)
{
    if (opcode == NGX_WS_FRAME_TEXT
        && (len == 0 || p[0] != '0' + NGX_WS_EIO_MESSAGE))
    {
        ngx_ws_engine_packet(s, p, len);
        return;
    }

    ngx_ws_engine_send(s, opcode, p, len);
}


static void
ngx_ws_engine_send(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len)
{
    ngx_ws_buf_t  *wb;

    wb = ngx_ws_buf_create(opcode, len, s->transport->log);
    if (wb) {
        ngx_memcpy(ngx_ws_buf_payload(wb), p, len);
        ngx_ws_session_send(s, wb);
    }
}
