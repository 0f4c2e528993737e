
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_echo.h>
#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_random.h>
#include <ngx_ws_sio.h>


static void ngx_ws_echo_packet(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static void ngx_ws_echo_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static void ngx_ws_echo_event(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static void ngx_ws_echo_binary(ngx_ws_session_t *s, u_char *p, size_t len);
static ngx_ws_buf_t *ngx_ws_echo_encode(ngx_ws_session_t *s,
    ngx_ws_packet_t *pkt);
static ngx_uint_t ngx_ws_echo_is(ngx_str_t *s, const char *text);


const ngx_ws_session_app_t  ngx_ws_echo_app = {
    ngx_ws_echo_packet,
    ngx_ws_echo_binary
};


void
ngx_ws_echo_message(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len)
{
    ngx_ws_buf_t  *wb;

    wb = ngx_ws_buf_create(opcode, len, s->transport->log);
    if (wb == NULL) {
        ngx_ws_session_close(s, NGX_WS_INTERNAL);
        return;
    }

    ngx_memcpy(ngx_ws_buf_payload(wb), p, len);
    ngx_ws_session_send(s, wb);
}


static void
ngx_ws_echo_packet(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_uint_t  main;

    main = (pkt->nsp.len == 1);

    if (s->state) {
        /* an attachment was due */
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    if (pkt->kind == NGX_WS_PACKET_CONNECT) {
        ngx_ws_echo_connect(s, pkt);
        return;
    }

    if (main ? !s->connected : !(s->custom && ngx_ws_echo_is(&pkt->nsp,
                                                             "/custom")))
    {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    if (pkt->kind == NGX_WS_PACKET_EVENT) {
        ngx_ws_echo_event(s, pkt);

    } else if (pkt->kind == NGX_WS_PACKET_DISCONNECT) {

        if (main) {
            s->connected = 0;

        } else {
            s->custom = 0;
        }
    }
}


static void
ngx_ws_echo_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    u_char            id[NGX_WS_RANDOM_ID_LEN];
    size_t            len;
    ngx_str_t         sid;
    ngx_uint_t        main;
    ngx_ws_buf_t     *wb;
    ngx_ws_packet_t   auth;

    main = (pkt->nsp.len == 1);

    if (!main && !ngx_ws_echo_is(&pkt->nsp, "/custom")) {
        ngx_ws_event_connect_error(s, &pkt->nsp, NGX_WS_BAD_NAMESPACE);
        return;
    }

    if (main ? s->connected : s->custom) {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    if (main) {
        s->connected = 1;

    } else {
        s->custom = 1;
    }

    ngx_ws_random_id(id);
    sid.len = NGX_WS_RANDOM_ID_LEN;
    sid.data = id;

    len = s->dialect->connect(NULL, &pkt->nsp, &sid);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
    if (wb) {
        (void) s->dialect->connect(ngx_ws_buf_payload(wb), &pkt->nsp, &sid);
        ngx_ws_session_send(s, wb);
    }

    ngx_memzero(&auth, sizeof(ngx_ws_packet_t));
    auth.kind = NGX_WS_PACKET_EVENT;
    auth.nsp = pkt->nsp;
    ngx_str_set(&auth.event, "auth");
    ngx_str_set(&auth.args, "{}");

    if (pkt->data.len) {
        auth.args = pkt->data;
    }

    wb = ngx_ws_echo_encode(s, &auth);
    if (wb) {
        ngx_ws_session_send(s, wb);
    }
}


static void
ngx_ws_echo_event(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_ws_buf_t     *wb;
    ngx_ws_echo_t    *echo;
    ngx_ws_packet_t   back;

    back = *pkt;

    if (ngx_ws_echo_is(&pkt->event, "message")) {
        ngx_str_set(&back.event, "message-back");
        ngx_str_null(&back.id);

    } else if (ngx_ws_echo_is(&pkt->event, "message-with-ack") && pkt->id.len)
    {
        back.kind = NGX_WS_PACKET_ACK;

    } else {
        s->skip = (uint16_t) pkt->attachments;
        return;
    }

    wb = ngx_ws_echo_encode(s, &back);
    if (wb == NULL) {
        ngx_ws_session_close(s, NGX_WS_INTERNAL);
        return;
    }

    if (pkt->attachments == 0) {
        ngx_ws_session_send(s, wb);
        return;
    }

    echo = ngx_calloc(sizeof(ngx_ws_echo_t), s->transport->log);
    if (echo == NULL) {
        ngx_ws_buf_unref(wb);
        ngx_ws_session_close(s, NGX_WS_INTERNAL);
        return;
    }

    echo->bufs[0] = wb;
    echo->bytes = wb->size;
    echo->n = 1;
    echo->wanted = 1 + pkt->attachments;

    s->state = echo;
}


static void
ngx_ws_echo_binary(ngx_ws_session_t *s, u_char *p, size_t len)
{
    ngx_uint_t      i;
    ngx_ws_buf_t   *wb;
    ngx_ws_echo_t  *echo;

    echo = s->state;

    if (echo == NULL && s->skip) {
        s->skip--;
        return;
    }

    if (echo == NULL || echo->bytes + len > s->conf->max_message_size) {
        ngx_ws_session_close(s, echo ? NGX_WS_TOO_LARGE : NGX_WS_BAD_PACKET);
        return;
    }

    wb = ngx_ws_buf_create(NGX_WS_FRAME_BINARY, len, s->transport->log);
    if (wb == NULL) {
        ngx_ws_session_close(s, NGX_WS_INTERNAL);
        return;
    }

    ngx_memcpy(ngx_ws_buf_payload(wb), p, len);

    echo->bufs[echo->n++] = wb;
    echo->bytes += len;

    if (echo->n < echo->wanted) {
        return;
    }

    s->state = NULL;

    for (i = 0; i < echo->n; i++) {
        ngx_ws_session_send(s, echo->bufs[i]);
    }

    ngx_free(echo);
}


void
ngx_ws_echo_cleanup(ngx_ws_session_t *s)
{
    ngx_uint_t      i;
    ngx_ws_echo_t  *echo;

    echo = s->state;

    for (i = 0; i < echo->n; i++) {
        ngx_ws_buf_unref(echo->bufs[i]);
    }

    ngx_free(echo);
    s->state = NULL;
}


static ngx_ws_buf_t *
ngx_ws_echo_encode(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_ws_buf_t  *wb;

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, ngx_ws_sio_encode(NULL, pkt),
                           s->transport->log);
    if (wb) {
        (void) ngx_ws_sio_encode(ngx_ws_buf_payload(wb), pkt);
    }

    return wb;
}


static ngx_uint_t
ngx_ws_echo_is(ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_memcmp(s->data, text, s->len) == 0;
}
