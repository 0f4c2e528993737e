
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_eio.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_poll_payload.h>


#define NGX_WS_POLL_PACKETS  256       /* of a POST, a turn of the loop */
#define NGX_WS_POLL_BYE      50        /* for a GET after the client's end */


static ngx_uint_t ngx_ws_poll_payload_has_room(ngx_ws_poll_t *poll);
static void ngx_ws_poll_payload_packet(ngx_ws_poll_t *poll,
    ngx_ws_eio_packet_t *pkt);
static void ngx_ws_poll_payload_end(ngx_ws_poll_t *poll);
static void ngx_ws_poll_payload_answer(ngx_ws_poll_t *poll, const char *last);


void
ngx_ws_poll_payload_read(ngx_ws_poll_t *poll)
{
    ngx_uint_t            n;
    ngx_ws_eio_packet_t   pkt;

    for (n = 0; !poll->closing; n++) {

        if (poll->paused || !ngx_ws_poll_payload_has_room(poll)) {
            return;
        }

        if (n == NGX_WS_POLL_PACKETS) {
            /* the others' turn */
            ngx_post_event(&poll->event, &ngx_posted_next_events);
            return;
        }

        switch (ngx_ws_eio_next(&pkt, &poll->pos, poll->end)) {

        case NGX_OK:
            ngx_ws_poll_payload_packet(poll, &pkt);
            break;

        case NGX_DONE:
            ngx_ws_poll_payload_end(poll);
            return;

        default:
            ngx_log_error(NGX_LOG_INFO, &poll->log, 0,
                          "client sent a malformed payload");
            ngx_ws_poll_detach(poll, NGX_WS_CLOSE_PROTOCOL);
        }
    }

    ngx_ws_poll_payload_end(poll);
}


/*
 * A client's own answers do not make it a slow one: what it sends waits until
 * it has fetched them.  A session that moves takes its queue along.
 */

static ngx_uint_t
ngx_ws_poll_payload_has_room(ngx_ws_poll_t *poll)
{
    u_char  *next;
    size_t   room;

    if (poll->queue.count == 0 || poll->quiet || poll->pos == NULL) {
        return 1;
    }

    next = ngx_strlchr(poll->pos, poll->end, NGX_WS_EIO_SEPARATOR);
    if (next == NULL) {
        next = poll->end;
    }

    room = poll->conf->send_queue / 2;

    return poll->queue.bytes + (next - poll->pos) <= room;
}


static void
ngx_ws_poll_payload_packet(ngx_ws_poll_t *poll, ngx_ws_eio_packet_t *pkt)
{
    ngx_ws_transport_t  *t;

    t = &poll->transport;

    if (pkt->binary) {
        t->handler->message(t->data, NGX_WS_FRAME_BINARY, pkt->data.data,
                            pkt->data.len);
        return;
    }

    if (pkt->type == NGX_WS_EIO_CLOSE) {
        poll->bye = 1;
    }

    /* with its type */

    t->handler->message(t->data, NGX_WS_FRAME_TEXT, pkt->data.data - 1,
                        pkt->data.len + 1);
}


static void
ngx_ws_poll_payload_end(ngx_ws_poll_t *poll)
{
    poll->pos = NULL;
    poll->reading = 0;

    if (poll->bye && poll->get == NULL) {
        /* a GET may be on its way that was sent together with this POST */
        poll->last = 0;
        poll->withheld = 1;
        ngx_add_timer(&poll->timer, NGX_WS_POLL_BYE);
        return;
    }

    if (poll->quiet) {
        ngx_ws_poll_wake(poll);
    }

    ngx_ws_poll_post_answer(poll);
}


void
ngx_ws_poll_payload_write(ngx_ws_poll_t *poll)
{
    const char  *last;

    if (poll->get == NULL || (poll->announcing && !poll->closing)) {
        return;
    }

    if (poll->closing) {
        last = poll->bye ? "6" : "1";

        if (poll->queue.count && !poll->last) {
            /* stock clients drop what stands in front of the end */
            last = NULL;
        }

        ngx_ws_poll_payload_answer(poll, last);

    } else if (poll->queue.count) {
        ngx_ws_poll_payload_answer(poll, NULL);

    } else if (poll->released) {
        ngx_ws_poll_payload_answer(poll, "6");
    }
}


/*
 * Answers the GET with what is queued, as far as maxPayload goes for more than
 * one packet, and with a last packet if there is one and all has gone.  The
 * handshake's has its one packet alone, also if Redis was slow to take it.
 */

static void
ngx_ws_poll_payload_answer(ngx_ws_poll_t *poll, const char *last)
{
    size_t                  len, part;
    u_char                 *p;
    ngx_str_t               packet;
    ngx_uint_t              i, n;
    ngx_ws_buf_t           *wb;
    ngx_ws_poll_answer_t    answer;
    ngx_ws_poll_request_t  *pr;

    len = 0;

    for (n = 0; n < poll->queue.count; n++) {
        wb = ngx_ws_send_get(&poll->queue, n);

        packet.len = ngx_ws_buf_len(wb);
        packet.data = ngx_ws_buf_payload(wb);

        part = ngx_ws_eio_part(NULL, &packet, wb->binary, n == 0);

        if (n && (!poll->opened
                  || len + part > poll->conf->max_message_size))
        {
            last = NULL;
            break;
        }

        len += part;
    }

    poll->opened = 1;

    ngx_memzero(&answer, sizeof(ngx_ws_poll_answer_t));

    answer.status = NGX_WS_POLL_PAYLOAD;

    answer.body.data = ngx_alloc(len + 2, &poll->log);
    if (answer.body.data == NULL) {
        ngx_ws_send_drop(&poll->queue);
        ngx_ws_poll_detach(poll, NGX_WS_CLOSE_INTERNAL);
        return;
    }

    p = answer.body.data;

    for (i = 0; i < n; i++) {
        wb = ngx_ws_send_get(&poll->queue, 0);

        packet.len = ngx_ws_buf_len(wb);
        packet.data = ngx_ws_buf_payload(wb);

        p += ngx_ws_eio_part(p, &packet, wb->binary, i == 0);

        if (poll->get->guest) {
            poll->transport.relayed += wb->messages;
        }

        ngx_ws_send_shift(&poll->queue);
    }

    if (last) {
        packet.len = 1;
        packet.data = (u_char *) last;

        p += ngx_ws_eio_part(p, &packet, 0, n == 0);

        poll->sent_close = poll->closing;
    }

    if (poll->queue.count == 0) {
        ngx_ws_send_cleanup(&poll->queue);
    }

    answer.body.len = p - answer.body.data;

    ngx_ws_metric_add(BYTES_SENT, answer.body.len);

    pr = poll->get;
    poll->get = NULL;
    poll->released = 0;

    if (poll->reading) {
        /* there may be room for more now */
        ngx_ws_poll_wake(poll);
    }

    pr->answer(pr, &answer);
}
