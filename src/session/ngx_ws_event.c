
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_login.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_random.h>


#define NGX_WS_EVENT_CALLS      64     /* of one client at a time */
#define NGX_WS_EVENT_ERROR_LEN  8192
#define NGX_WS_EVENT_NAME_LEN   255     /* of an event that is refused */
#define NGX_WS_EVENT_REFUSED    1000   /* until a client has to go */


/* Where the answer of a call goes. */

typedef struct {
    ngx_queue_t            queue;
    ngx_ws_session_t      *session;    /* NULL once it has ended */
    const ngx_ws_event_t  *event;
    ngx_str_t              id;
    unsigned               holds:1;    /* the session */
} ngx_ws_event_answer_t;


static void ngx_ws_event_packet(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static void ngx_ws_event_binary(ngx_ws_session_t *s, u_char *p, size_t len);
static void ngx_ws_event_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static void ngx_ws_event_dispatch(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
static const ngx_ws_event_t *ngx_ws_event_find(ngx_str_t *name);
static ngx_int_t ngx_ws_event_answer(ngx_ws_session_t *s, ngx_ws_call_t *call,
    const ngx_ws_event_t *event, ngx_str_t *id);
static void ngx_ws_event_hold(ngx_ws_call_t *call);
static void ngx_ws_event_json_cleanup(void *data);
static void ngx_ws_event_done(ngx_ws_call_t *call);
static void ngx_ws_event_error(ngx_ws_session_t *s, ngx_str_t *event,
    ngx_str_t *id, ngx_ws_error_e error, ngx_str_t *message,
    ngx_array_t *invalid);
static void ngx_ws_event_error_cut(ngx_str_t *name);
static void ngx_ws_event_error_invalid(ngx_ws_json_out_t *out,
    ngx_array_t *invalid);


const ngx_ws_session_app_t  ngx_ws_event_app = {
    ngx_ws_event_packet,
    ngx_ws_event_binary
};


static const ngx_ws_event_t  ngx_ws_events[] = {

    { ngx_string("auth"),
      NGX_WS_EVENT_ANONYMOUS|NGX_WS_EVENT_HOLD,
      ngx_ws_login_event },

    { ngx_string("subscribe"),
      NGX_WS_EVENT_HOLD,
      ngx_ws_event_subscribe },

    { ngx_string("unsubscribe"),
      NGX_WS_EVENT_HOLD,
      ngx_ws_event_unsubscribe },

    { ngx_string("message:direct"),
      0,
      ngx_ws_event_message_direct },

    { ngx_string("message:group"),
      0,
      ngx_ws_event_message_group },

    { ngx_string("message:delivered"),
      0,
      ngx_ws_event_message_delivered },

    { ngx_string("notification:send"),
      0,
      ngx_ws_event_notification },

    { ngx_string("broadcast:send"),
      0,
      ngx_ws_event_broadcast },

    { ngx_string("user:presence"),
      0,
      ngx_ws_event_presence },

    { ngx_string("user:typing"),
      0,
      ngx_ws_event_typing },

    { ngx_null_string, 0, NULL }
};


static void
ngx_ws_event_packet(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    if (pkt->kind == NGX_WS_PACKET_CONNECT) {
        ngx_ws_event_connect(s, pkt);
        return;
    }

    if (s->dialect->connect && !s->connected) {
        /* as the reference server: nothing may come before CONNECT */
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    s->skip = (uint16_t) pkt->attachments;

    switch (pkt->kind) {

    case NGX_WS_PACKET_EVENT:
        if (ngx_ws_event_admit(s, pkt) == NGX_OK) {
            ngx_ws_event_dispatch(s, pkt);
        }

        break;

    case NGX_WS_PACKET_DISCONNECT:
        if (s->identity) {
            ngx_ws_session_log_past(s);
        }

        ngx_ws_delivery_heard_all(s);
        ngx_ws_event_detach(s);
        ngx_ws_session_logout(s);
        s->connected = 0;
        s->started = (uint32_t) ngx_current_msec;
        break;

    default:
        /* acknowledgements: no event of ours asks for one */
        break;
    }
}


/*
 * websocket_event_rate: a bucket of "limit" events that fills up again in the
 * course of "window".  s->rate is when it will be full, in microseconds.
 * Whoever goes on all the same, without giving it the time to fill, has to go.
 */

ngx_int_t
ngx_ws_event_admit(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    uint64_t        now, window;
    ngx_ws_rate_t  *rate;

    rate = &s->conf->event_rate;

    if (rate->limit == 0) {
        return NGX_OK;
    }

    now = (uint64_t) ngx_current_msec * 1000;
    window = (uint64_t) rate->window * 1000;

    if (s->rate <= now) {
        s->rate = now;
        s->refused = 0;
    }

    if (s->rate + window / rate->limit <= now + window) {
        s->rate += window / rate->limit;
        return NGX_OK;
    }

    ngx_ws_metric_add(THROTTLED, 1);

    if (++s->refused > NGX_WS_EVENT_REFUSED) {
        ngx_ws_session_dismiss(s, NGX_WS_THROTTLED);
        return NGX_DONE;
    }

    ngx_ws_event_refuse(s, pkt, NGX_WS_THROTTLED);

    return NGX_DECLINED;
}


/* The application has no use for binary data: events with it are refused. */

static void
ngx_ws_event_binary(ngx_ws_session_t *s, u_char *p, size_t len)
{
    if (s->skip == 0) {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    s->skip--;
}


static void
ngx_ws_event_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    if (pkt->nsp.len == 1 && s->connected) {
        ngx_ws_session_close(s, NGX_WS_BAD_PACKET);
        return;
    }

    if (pkt->nsp.len == 1) {
        ngx_ws_login_connect(s, pkt);
        return;
    }

    if (ngx_ws_event_admit(s, pkt) == NGX_OK) {
        ngx_ws_event_connect_error(s, &pkt->nsp, NGX_WS_BAD_NAMESPACE);
    }
}


void
ngx_ws_event_connect_error(ngx_ws_session_t *s, ngx_str_t *nsp,
    ngx_ws_error_e error)
{
    size_t         len;
    ngx_str_t      none, *text;
    ngx_ws_buf_t  *wb;

    ngx_str_null(&none);

    text = (ngx_str_t *) &ngx_ws_error_get(error)->text;

    len = s->dialect->connect_error(NULL, nsp, text, &none);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
    if (wb) {
        (void) s->dialect->connect_error(ngx_ws_buf_payload(wb), nsp, text,
                                         &none);
        ngx_ws_session_send(s, wb);
    }
}


static void
ngx_ws_event_dispatch(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_ws_call_t         *call;
    ngx_ws_json_t         *in;
    ngx_ws_error_e         error;
    ngx_pool_cleanup_t    *cln;
    const ngx_ws_event_t  *event;

    event = ngx_ws_event_find(&pkt->event);

    if (event == NULL) {
        ngx_ws_event_refuse(s, pkt, NGX_WS_UNKNOWN_EVENT);
        return;
    }

    if (s->identity == NULL && !(event->flags & NGX_WS_EVENT_ANONYMOUS)) {
        ngx_ws_event_refuse(s, pkt, NGX_WS_UNAUTHENTICATED);
        return;
    }

    if (pkt->attachments) {
        ngx_ws_event_refuse(s, pkt, NGX_WS_BAD_BINARY);
        return;
    }

    in = NULL;

    if (pkt->data.len) {
        in = ngx_ws_json_parse(pkt->data.data, pkt->data.len,
                               NGX_WS_JSON_DEPTH, &error);
        if (in == NULL) {
            ngx_ws_event_refuse(s, pkt, error);
            return;
        }
    }

    call = ngx_ws_call_create(s->worker, s->identity, s->conf->service,
                              ngx_ws_event_done, NULL);
    if (call == NULL) {
        ngx_ws_json_free(in);
        ngx_ws_event_refuse(s, pkt, NGX_WS_INTERNAL);
        return;
    }

    cln = ngx_pool_cleanup_add(call->pool, 0);
    if (cln == NULL) {
        ngx_ws_json_free(in);
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    cln->handler = ngx_ws_event_json_cleanup;
    cln->data = in;

    if (ngx_ws_event_answer(s, call, event, &pkt->id) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    event->handler(s, call, in);
}


static const ngx_ws_event_t *
ngx_ws_event_find(ngx_str_t *name)
{
    const ngx_ws_event_t  *event;

    for (event = ngx_ws_events; event->name.len; event++) {
        if (event->name.len == name->len
            && ngx_memcmp(event->name.data, name->data, name->len) == 0)
        {
            return event;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_ws_event_answer(ngx_ws_session_t *s, ngx_ws_call_t *call,
    const ngx_ws_event_t *event, ngx_str_t *id)
{
    ngx_ws_event_answer_t  *answer;

    answer = ngx_palloc(call->pool, sizeof(ngx_ws_event_answer_t));
    if (answer == NULL) {
        return NGX_ERROR;
    }

    ngx_str_null(&answer->id);

    if (id->len) {
        answer->id.len = id->len;
        answer->id.data = ngx_pstrdup(call->pool, id);

        if (answer->id.data == NULL) {
            return NGX_ERROR;
        }
    }

    answer->session = s;
    answer->event = event;
    answer->holds = 0;

    call->socket = s->node.key;
    call->data = answer;
    call->hold = ngx_ws_event_hold;

    ngx_queue_insert_tail(&s->answers, &answer->queue);
    s->nanswers++;

    if (event->flags & NGX_WS_EVENT_HOLD) {
        ngx_ws_event_hold(call);

    } else {
        ngx_ws_event_flow(s);
    }

    return NGX_OK;
}


static void
ngx_ws_event_hold(ngx_ws_call_t *call)
{
    ngx_ws_session_t       *s;
    ngx_ws_event_answer_t  *answer;

    answer = call->data;
    s = answer->session;

    if (s) {
        answer->holds = 1;
        s->held = 1;

        ngx_ws_event_flow(s);
    }
}


static void
ngx_ws_event_json_cleanup(void *data)
{
    ngx_ws_json_free(data);
}


static void
ngx_ws_event_done(ngx_ws_call_t *call)
{
    ngx_str_t               ok;
    ngx_ws_session_t       *s;
    ngx_ws_event_answer_t  *answer;

    answer = call->data;

    if (answer == NULL || answer->session == NULL) {
        return;
    }

    s = answer->session;

    ngx_queue_remove(&answer->queue);
    s->nanswers--;

    if (answer->holds) {
        s->held = 0;
    }

    ngx_ws_event_flow(s);

    if (call->error != NGX_WS_OK) {
        ngx_ws_event_error(s, (ngx_str_t *) &answer->event->name, &answer->id,
                           call->error, &call->message, call->invalid);
        return;
    }

    if (answer->id.len == 0) {
        return;
    }

    ngx_str_set(&ok, "{\"status\":\"ok\"}");

    ngx_ws_session_send_ack(s, &answer->id, call->result.len ? &call->result
                                                              : &ok);
}


void
ngx_ws_event_refuse(ngx_ws_session_t *s, ngx_ws_packet_t *pkt,
    ngx_ws_error_e error)
{
    ngx_str_t  none;

    ngx_str_null(&none);

    ngx_ws_event_error(s, pkt ? &pkt->event : &none, pkt ? &pkt->id : &none,
                       error, &none, NULL);
}


static void
ngx_ws_event_error(ngx_ws_session_t *s, ngx_str_t *event, ngx_str_t *id,
    ngx_ws_error_e error, ngx_str_t *message, ngx_array_t *invalid)
{
    ngx_str_t              data, name;
    ngx_uint_t             auth;
    ngx_ws_json_out_t      out;
    const ngx_ws_error_t  *e;

    e = ngx_ws_error_get(error);

    if (message->len == 0) {
        message = (ngx_str_t *) &e->text;
    }

    ngx_log_error(NGX_LOG_INFO, s->transport->log, 0,
                  "client's event was refused: %V", &e->code);

    auth = (event->len == 4 && ngx_strncmp(event->data, "auth", 4) == 0);

    ngx_ws_json_out_init(&out, NGX_WS_EVENT_ERROR_LEN);

    if (id->len == 0 || auth) {
        ngx_ws_json_out_object(&out);
        ngx_ws_json_out_key(&out, "message");
        ngx_ws_json_out_string(&out, message);
        ngx_ws_json_out_key(&out, "code");
        ngx_ws_json_out_string(&out, (ngx_str_t *) &e->code);

        if (!auth) {
            name = *event;
            ngx_ws_event_error_cut(&name);
            ngx_ws_json_out_key(&out, "event");
            ngx_ws_json_out_string(&out, &name);
        }

        ngx_ws_event_error_invalid(&out, invalid);
        ngx_ws_json_out_object_end(&out);

        if (!out.failed) {
            data.len = out.len;
            data.data = out.data;
            ngx_ws_session_send_event(s, auth ? "auth:error" : "error",
                                      &data);
        }

        ngx_ws_json_out_reset(&out);
    }

    if (id->len) {
        ngx_ws_json_out_object(&out);
        ngx_ws_json_out_key(&out, "status");
        ngx_ws_json_out_text(&out, "error");
        ngx_ws_json_out_key(&out, "message");
        ngx_ws_json_out_string(&out, message);
        ngx_ws_json_out_key(&out, "code");
        ngx_ws_json_out_string(&out, (ngx_str_t *) &e->code);
        ngx_ws_event_error_invalid(&out, invalid);
        ngx_ws_json_out_object_end(&out);

        if (!out.failed) {
            data.len = out.len;
            data.data = out.data;
            ngx_ws_session_send_ack(s, id, &data);
        }
    }

    ngx_ws_json_out_free(&out);
}


/* A name that nobody knows may be as long as a message. */

static void
ngx_ws_event_error_cut(ngx_str_t *name)
{
    if (name->len <= NGX_WS_EVENT_NAME_LEN) {
        return;
    }

    name->len = NGX_WS_EVENT_NAME_LEN;

    while ((name->data[name->len] & 0xc0) == 0x80) {
        /* in the middle of a character */
        name->len--;
    }
}


static void
ngx_ws_event_error_invalid(ngx_ws_json_out_t *out, ngx_array_t *invalid)
{
    ngx_uint_t              i;
    ngx_ws_call_invalid_t  *field;

    if (invalid == NULL) {
        return;
    }

    ngx_ws_json_out_key(out, "errors");
    ngx_ws_json_out_object(out);

    field = invalid->elts;

    for (i = 0; i < invalid->nelts; i++) {
        ngx_ws_json_out_key_str(out, &field[i].field);
        ngx_ws_json_out_array(out);
        ngx_ws_json_out_string(out, &field[i].text);
        ngx_ws_json_out_array_end(out);
    }

    ngx_ws_json_out_object_end(out);
}


void
ngx_ws_event_refuse_auth(ngx_ws_session_t *s, ngx_ws_error_e error)
{
    ngx_str_t  none;

    ngx_str_null(&none);

    ngx_ws_event_error(s, (ngx_str_t *) &ngx_ws_events[0].name, &none, error,
                       &none, NULL);
}


void
ngx_ws_event_detach(ngx_ws_session_t *s)
{
    ngx_queue_t            *q;
    ngx_ws_event_answer_t  *answer;

    while (!ngx_queue_empty(&s->answers)) {
        q = ngx_queue_head(&s->answers);
        ngx_queue_remove(q);

        answer = ngx_queue_data(q, ngx_ws_event_answer_t, queue);
        answer->session = NULL;
    }

    s->nanswers = 0;
    s->held = 0;

    if (s->login) {
        ngx_ws_login_cancel(s);
    }
}


ngx_ws_session_t *
ngx_ws_event_session(ngx_ws_call_t *call)
{
    ngx_ws_event_answer_t  *answer;

    answer = call->data;

    return answer->session;
}


void
ngx_ws_event_flow(ngx_ws_session_t *s)
{
    if (s->held || s->nanswers >= NGX_WS_EVENT_CALLS) {
        s->transport->ops->pause(s->transport);

    } else {
        s->transport->ops->resume(s->transport);
    }
}
