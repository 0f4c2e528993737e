
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_echo.h>
#include <ngx_ws_engine.h>
#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_limit.h>
#include <ngx_ws_login.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_move.h>
#include <ngx_ws_registry.h>
#include <ngx_ws_relay.h>
#include <ngx_ws_session.h>
#include <ngx_ws_socket.h>


#define NGX_WS_SESSION_LEAVE  3000     /* goodbyes are spread over it, ms */
#define NGX_WS_SESSION_LATE   100      /* as a timer may be, ms */
#define NGX_WS_SESSION_BEATS  64       /* when pings go out, an interval */
#define NGX_WS_SESSION_TOUCH  900000   /* between signs of life in Redis */


static ngx_ws_session_t *ngx_ws_session_alloc(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params);
static ngx_int_t ngx_ws_session_client(ngx_ws_session_t *s,
    ngx_ws_session_params_t *params);
static u_char *ngx_ws_session_client_keep(u_char *p, ngx_str_t *to,
    const ngx_str_t *from);
static const ngx_ws_session_wire_t *ngx_ws_session_wire(ngx_ws_session_t *s);
static void ngx_ws_session_move(ngx_ws_session_t *s, ngx_ws_transport_t *t);
static void ngx_ws_session_end(ngx_ws_session_t *s);
static void ngx_ws_session_free(ngx_ws_session_t *s);
static void ngx_ws_session_sent(ngx_ws_session_t *s, ngx_ws_buf_t *wb);

static void ngx_ws_session_message(void *data, ngx_uint_t opcode, u_char *p,
    size_t len);
static void ngx_ws_session_refused(void *data, ngx_uint_t code);
static void ngx_ws_session_leaving(void *data);
static void ngx_ws_session_closed(void *data, ngx_uint_t code);

static void ngx_ws_session_timer_handler(ngx_ws_timer_t *timer);
static void ngx_ws_session_touch(ngx_ws_session_t *s);
static void ngx_ws_session_timer_set(ngx_ws_session_t *s);
static ngx_uint_t ngx_ws_session_is_stranger(ngx_ws_session_t *s);

static ngx_int_t ngx_ws_session_raw_open(ngx_ws_session_t *s, ngx_str_t *sid);
static void ngx_ws_session_raw_message(ngx_ws_session_t *s, ngx_uint_t opcode,
    u_char *p, size_t len);
static void ngx_ws_session_raw_ping(ngx_ws_session_t *s);

static void ngx_ws_session_expired(ngx_ws_worker_t *w, ngx_ws_identity_t *id);
static void ngx_ws_session_deliver(void *subscriber, void *data);
static void ngx_ws_session_deliver_batch(void *subscriber, void *data);
static void ngx_ws_session_hearing(ngx_ws_worker_t *w);
static void ngx_ws_session_lost(ngx_ws_worker_t *w);


static const ngx_ws_transport_handler_t  ngx_ws_session_handler = {
    ngx_ws_session_message,
    ngx_ws_session_refused,
    ngx_ws_session_leaving,
    ngx_ws_session_closed
};


/* liveness by WebSocket's own pings (RFC 6455, section 5.5.2) */

static const ngx_ws_session_wire_t  ngx_ws_session_raw_wire = {
    ngx_ws_session_raw_open,
    ngx_ws_session_raw_message,
    ngx_ws_session_raw_ping
};


static const ngx_ws_session_wire_t  ngx_ws_session_plain_wire = {
    ngx_ws_session_raw_open,
    ngx_ws_echo_message,
    ngx_ws_session_raw_ping
};


/* whose client is known by its identity alone */
static ngx_ws_session_client_t  ngx_ws_session_nobody;


const ngx_ws_worker_handler_t  ngx_ws_session_worker_handler = {
    ngx_ws_session_control,
    ngx_ws_session_deliver,
    ngx_ws_session_deliver_batch,
    ngx_ws_relay_deaf,
    ngx_ws_session_hearing,
    ngx_ws_session_expired,
    ngx_ws_session_lost,
    ngx_ws_session_timer_handler
};


ngx_int_t
ngx_ws_session_create(ngx_ws_transport_t *t, ngx_ws_session_params_t *params)
{
    ngx_ws_session_t  *s;

    s = ngx_ws_session_alloc(t, params);
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->node.key = (ngx_rbtree_key_t) s->worker->sequence++;

    if (ngx_ws_session_wire(s)->open(s, &params->sid) != NGX_OK) {
        ngx_ws_session_forget_client(s);
        ngx_free(s);
        t->handler = NULL;
        return NGX_ERROR;
    }

    ngx_rbtree_insert(&s->worker->sockets, &s->node);

    ngx_ws_metric_add(CONNECTS, 1);
    ngx_ws_metrics[t->ops->sessions]++;

    ngx_ws_session_timer_set(s);

    return NGX_OK;
}


static ngx_ws_session_t *
ngx_ws_session_alloc(ngx_ws_transport_t *t, ngx_ws_session_params_t *params)
{
    ngx_ws_session_t  *s;

    s = ngx_calloc(sizeof(ngx_ws_session_t), t->log);
    if (s == NULL) {
        return NULL;
    }

    s->transport = t;
    s->dialect = params->dialect;
    s->worker = params->worker;
    s->conf = params->conf;

    ngx_queue_init(&s->answers);

    if (ngx_ws_session_client(s, params) != NGX_OK) {
        ngx_free(s);
        return NULL;
    }

    s->begun = ngx_current_msec;
    s->started = (uint32_t) ngx_current_msec;
    s->pinged = (uint32_t) ngx_current_msec;
    s->touched = (uint32_t) ngx_current_msec;

    t->handler = &ngx_ws_session_handler;
    t->data = s;

    return s;
}


static ngx_int_t
ngx_ws_session_client(ngx_ws_session_t *s, ngx_ws_session_params_t *params)
{
    u_char                   *p;
    ngx_ws_session_client_t  *client;

    client = ngx_alloc(sizeof(ngx_ws_session_client_t) + params->token.len
                       + params->address.len + params->agent.len,
                       s->transport->log);
    if (client == NULL) {
        return NGX_ERROR;
    }

    s->client = client;
    p = client->data;

    p = ngx_ws_session_client_keep(p, &client->token, &params->token);
    p = ngx_ws_session_client_keep(p, &client->address, &params->address);
    (void) ngx_ws_session_client_keep(p, &client->agent, &params->agent);

    return NGX_OK;
}


static u_char *
ngx_ws_session_client_keep(u_char *p, ngx_str_t *to, const ngx_str_t *from)
{
    to->len = from->len;
    to->data = p;

    /* what is missing has no data, which memcpy() does not take */

    return from->len ? ngx_cpymem(p, from->data, from->len) : p;
}


void
ngx_ws_session_forget_client(ngx_ws_session_t *s)
{
    if (s->client != &ngx_ws_session_nobody) {
        ngx_free(s->client);
        s->client = &ngx_ws_session_nobody;
    }
}


static const ngx_ws_session_wire_t *
ngx_ws_session_wire(ngx_ws_session_t *s)
{
    if (s->dialect == NULL) {
        return &ngx_ws_session_plain_wire;
    }

    if (s->dialect->id == NGX_WS_DIALECT_RAW) {
        return &ngx_ws_session_raw_wire;
    }

    return (s->conf->echo == NGX_WS_ECHO_ENGINEIO) ? &ngx_ws_engine_echo_wire
                                                   : &ngx_ws_engine_wire;
}


const ngx_ws_session_app_t *
ngx_ws_session_app(ngx_ws_session_t *s)
{
    return s->conf->echo ? &ngx_ws_echo_app : &ngx_ws_event_app;
}


ngx_ws_session_t *
ngx_ws_session_shell(ngx_ws_transport_t *t, ngx_ws_session_params_t *params,
    uint64_t number)
{
    ngx_ws_session_t  *s;

    s = ngx_ws_session_alloc(t, params);

    if (s) {
        s->shell = 1;
        s->node.key = (ngx_rbtree_key_t) number;
        ngx_rbtree_insert(&s->worker->sockets, &s->node);
        ngx_ws_metrics[t->ops->sessions]++;
    }

    return s;
}


void
ngx_ws_session_resume(ngx_ws_session_t *s, ngx_ws_transport_t *t)
{
    s->shell = 0;

    ngx_ws_session_switch(s, t);
    ngx_ws_session_timer_set(s);
}


void
ngx_ws_session_freeze(ngx_ws_session_t *s, ngx_ws_transport_t *t)
{
    s->frozen = 1;

    ngx_ws_session_leave_all(s);

    ngx_ws_timer_del(s->worker->timers, &s->timer);

    ngx_ws_session_move(s, t);
}


void
ngx_ws_session_release(ngx_ws_session_t *s)
{
    ngx_ws_session_leave_all(s);

    if (s->identity) {
        ngx_ws_delivery_forget(s);
        ngx_ws_event_typing_forget(s);

        ngx_free(s->connection_id.data);
        ngx_ws_session_identify(s, NULL);
    }

    ngx_ws_session_free(s);
}


void
ngx_ws_session_abandon(ngx_ws_session_t *s)
{
    ngx_ws_session_end(s);
}


static void
ngx_ws_session_move(ngx_ws_session_t *s, ngx_ws_transport_t *t)
{
    ngx_ws_metrics[s->transport->ops->sessions]--;
    ngx_ws_metrics[t->ops->sessions]++;

    s->transport = t;

    t->handler = &ngx_ws_session_handler;
    t->data = s;
}


void
ngx_ws_session_switch(ngx_ws_session_t *s, ngx_ws_transport_t *t)
{
    ngx_ws_session_move(s, t);

    if (s->pinging) {
        /* the pong may have to wait until the client has switched, too */
        s->pinged = (uint32_t) ngx_current_msec;
    }

    ngx_ws_event_flow(s);
}


void
ngx_ws_session_close(ngx_ws_session_t *s, ngx_ws_error_e error)
{
    const ngx_ws_error_t  *e;

    e = ngx_ws_error_get(error);

    ngx_ws_session_log_end(s, e->close, &e->text);

    s->transport->ops->close(s->transport, e->close);

    ngx_ws_session_end(s);
}


void
ngx_ws_session_dismiss(ngx_ws_session_t *s, ngx_ws_error_e error)
{
    size_t         len;
    ngx_str_t      nsp;
    ngx_ws_buf_t  *wb;

    if (s->connected && s->dialect && s->dialect->disconnect) {
        ngx_str_set(&nsp, "/");

        len = s->dialect->disconnect(NULL, &nsp);

        wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
        if (wb) {
            (void) s->dialect->disconnect(ngx_ws_buf_payload(wb), &nsp);
            ngx_ws_session_send(s, wb);
        }
    }

    ngx_ws_session_close(s, error);
}


static void
ngx_ws_session_end(ngx_ws_session_t *s)
{
    ngx_ws_event_detach(s);
    ngx_ws_session_logout(s);

    ngx_ws_session_free(s);
}


static void
ngx_ws_session_free(ngx_ws_session_t *s)
{
    ngx_ws_timer_del(s->worker->timers, &s->timer);

    ngx_rbtree_delete(&s->worker->sockets, &s->node);

    ngx_ws_metrics[s->transport->ops->sessions]--;

    if (s->state) {
        if (s->conf->echo) {
            ngx_ws_echo_cleanup(s);

        } else {
            ngx_free(s->state);
        }
    }

    ngx_ws_session_forget_client(s);
    ngx_free(s);
}


void
ngx_ws_session_logout(ngx_ws_session_t *s)
{
    ngx_ws_session_leave_all(s);

    if (s->identity == NULL) {
        return;
    }

    ngx_ws_delivery_end(s);
    ngx_ws_event_typing_cleanup(s);

    ngx_ws_socket_logout(s->worker, s->identity, s->conf->service,
                         &s->connection_id, s->node.key);

    ngx_free(s->connection_id.data);
    ngx_str_null(&s->connection_id);

    ngx_ws_session_identify(s, NULL);
}


void
ngx_ws_session_identify(ngx_ws_session_t *s, ngx_ws_identity_t *id)
{
    if (s->identity) {
        ngx_queue_remove(&s->holder);
        ngx_ws_identity_unref(s->identity);
    }

    s->identity = id;

    if (id) {
        ngx_queue_insert_tail(&id->sockets, &s->holder);
    }
}


ngx_int_t
ngx_ws_session_join(ngx_ws_session_t *s, ngx_str_t *channel)
{
    ngx_int_t  rc;

    rc = ngx_ws_channel_join(s->worker->channels, channel, &s->subscriptions,
                             s);
    if (rc == NGX_OK) {
        s->nsubscriptions++;
        s->changes++;
        ngx_ws_metric_add(SUBSCRIPTIONS, 1);
    }

    return rc;
}


ngx_int_t
ngx_ws_session_leave(ngx_ws_session_t *s, ngx_str_t *channel)
{
    ngx_int_t  rc;

    rc = ngx_ws_channel_leave(s->worker->channels, channel,
                              &s->subscriptions);
    if (rc == NGX_OK) {
        s->nsubscriptions--;
        s->changes++;
        ngx_ws_metric_sub(SUBSCRIPTIONS, 1);
    }

    return rc;
}


void
ngx_ws_session_leave_all(ngx_ws_session_t *s)
{
    if (s->subscriptions) {
        ngx_ws_channel_leave_all(s->worker->channels, &s->subscriptions);
    }

    ngx_ws_metric_sub(SUBSCRIPTIONS, s->nsubscriptions);
    s->nsubscriptions = 0;
}


static void
ngx_ws_session_sent(ngx_ws_session_t *s, ngx_ws_buf_t *wb)
{
    ngx_ws_metric_add(MESSAGES_SENT, wb->messages);

    s->nsent += wb->messages;
    s->sent += ngx_ws_buf_len(wb);
}


void
ngx_ws_session_send(ngx_ws_session_t *s, ngx_ws_buf_t *wb)
{
    if (s->transport->ops->send(s->transport, wb) == NGX_OK) {
        ngx_ws_session_sent(s, wb);
    }

    ngx_ws_buf_unref(wb);
}


void
ngx_ws_session_send_event(ngx_ws_session_t *s, const char *event,
    ngx_str_t *data)
{
    size_t         len;
    ngx_str_t      name, nsp;
    ngx_ws_buf_t  *wb;

    ngx_str_set(&nsp, "/");
    name.len = ngx_strlen(event);
    name.data = (u_char *) event;

    len = s->dialect->event(NULL, &nsp, &name, data);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
    if (wb) {
        (void) s->dialect->event(ngx_ws_buf_payload(wb), &nsp, &name, data);
        ngx_ws_session_send(s, wb);
    }
}


void
ngx_ws_session_send_ack(ngx_ws_session_t *s, ngx_str_t *id, ngx_str_t *data)
{
    size_t         len;
    ngx_str_t      nsp;
    ngx_ws_buf_t  *wb;

    ngx_str_set(&nsp, "/");

    len = s->dialect->ack(NULL, &nsp, id, data);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
    if (wb) {
        (void) s->dialect->ack(ngx_ws_buf_payload(wb), &nsp, id, data);
        ngx_ws_session_send(s, wb);
    }
}


static void
ngx_ws_session_message(void *data, ngx_uint_t opcode, u_char *p, size_t len)
{
    ngx_ws_session_t  *s = data;

    if (s->dialect == NULL || s->dialect->id == NGX_WS_DIALECT_RAW) {
        ngx_ws_session_alive(s);
    }

    if (s->delivery) {
        ngx_ws_delivery_heard(s);
    }

    if (opcode == NGX_WS_FRAME_TEXT || opcode == NGX_WS_FRAME_BINARY) {
        ngx_ws_metric_add(MESSAGES_RECEIVED, 1);

        s->nreceived++;
        s->received += len;

        ngx_ws_session_wire(s)->message(s, opcode, p, len);
    }
}


static void
ngx_ws_session_refused(void *data, ngx_uint_t code)
{
    ngx_ws_session_t  *s = data;

    if (code == NGX_WS_CLOSE_TOO_BIG
        && s->conf->echo == NGX_WS_ECHO_OFF
        && (s->connected || s->dialect->connect == NULL))
    {
        ngx_ws_event_refuse(s, NULL, NGX_WS_TOO_LARGE);
    }
}


static void
ngx_ws_session_leaving(void *data)
{
    ngx_ws_session_t  *s = data;

    /* so that not all of them come back in the same moment */

    s->leaving = 1;
    ngx_ws_timer_add(s->worker->timers, &s->timer,
                     1 + ngx_random() % NGX_WS_SESSION_LEAVE);
}


static void
ngx_ws_session_closed(void *data, ngx_uint_t code)
{
    ngx_ws_session_t  *s = data;

    static const ngx_str_t  reason = ngx_string("by the transport");

    if (code == NGX_WS_CLOSE_TRY_LATER) {
        ngx_ws_metric_add(SLOW_CLIENTS, 1);
    }

    ngx_ws_session_log_end(s, code, &reason);

    ngx_ws_session_end(s);
}


static void
ngx_ws_session_timer_handler(ngx_ws_timer_t *timer)
{
    ngx_ws_session_t  *s;

    s = ngx_queue_data(timer, ngx_ws_session_t, timer);

    if (s->leaving) {
        ngx_ws_session_close(s, NGX_WS_LEAVING);
        return;
    }

    if (ngx_ws_session_is_stranger(s)
        && ngx_ws_session_since(s->started) >= s->conf->connect_timeout)
    {
        ngx_ws_session_close(s, NGX_WS_AUTH_TIMEOUT);
        return;
    }

    if (ngx_ws_session_overdue(s)) {

        if (s->transport->ops->receiving == NULL
            || !s->transport->ops->receiving(s->transport))
        {
            ngx_ws_session_close(s, NGX_WS_PING_TIMEOUT);
            return;
        }

        /* the answer comes behind what takes so long to come */

        s->pinged = (uint32_t) ngx_current_msec;
    }

    if (!s->pinging
        && ngx_ws_session_since(s->pinged) >= s->conf->ping_interval)
    {
        s->pinging = 1;
        s->pinged += (uint32_t) s->conf->ping_interval;

        if (ngx_ws_session_since(s->pinged) > NGX_WS_SESSION_LATE) {
            /* which is not the client's fault */
            s->pinged = (uint32_t) ngx_current_msec;
        }

        ngx_ws_session_wire(s)->ping(s);
        ngx_ws_session_touch(s);
    }

    ngx_ws_session_timer_set(s);
}


/* A connection that is never heard of is forgotten. */

static void
ngx_ws_session_touch(ngx_ws_session_t *s)
{
    if (s->identity
        && ngx_ws_session_since(s->touched) >= NGX_WS_SESSION_TOUCH)
    {
        s->touched = (uint32_t) ngx_current_msec;
        ngx_ws_registry_touch(s->worker, s->identity, &s->connection_id);
        ngx_ws_limit_note(s->worker, s->conf->service, s->identity,
                          &s->connection_id, s->node.key);
    }
}


/* To the next of: a ping is due, a pong is overdue, no one has logged in. */

static void
ngx_ws_session_timer_set(ngx_ws_session_t *s)
{
    ngx_msec_t      beat, due, timer;
    ngx_msec_int_t  left;

    due = ngx_current_msec - ngx_ws_session_since(s->pinged);

    if (s->pinging) {
        due += s->conf->ping_timeout;

    } else {
        /* those of many sockets together cost far less than one by one */

        beat = s->conf->ping_interval / NGX_WS_SESSION_BEATS + 1;
        due += s->conf->ping_interval;
        due += beat - 1 - (due - 1) % beat;
    }

    left = (ngx_msec_int_t) (due - ngx_current_msec);
    timer = ngx_max(left, 1);

    if (ngx_ws_session_is_stranger(s)) {
        left = (ngx_msec_int_t) (s->conf->connect_timeout
                                 - ngx_ws_session_since(s->started));
        left = ngx_max(left, 1);
        timer = ngx_min(timer, (ngx_msec_t) left);
    }

    ngx_ws_timer_add(s->worker->timers, &s->timer, timer);
}


/* Whoever says nothing of himself in time has to go. */

static ngx_uint_t
ngx_ws_session_is_stranger(ngx_ws_session_t *s)
{
    switch (s->conf->echo) {

    case NGX_WS_ECHO_OFF:
        return s->identity == NULL;

    case NGX_WS_ECHO_ON:
        return s->dialect && !s->connected && !s->custom;

    default:
        return 0;
    }
}


ngx_uint_t
ngx_ws_session_overdue(ngx_ws_session_t *s)
{
    return s->pinging
           && ngx_ws_session_since(s->pinged) >= s->conf->ping_timeout;
}


void
ngx_ws_session_alive(ngx_ws_session_t *s)
{
    ngx_uint_t  answered;

    answered = s->pinging;

    s->pinging = 0;
    s->pinged = (uint32_t) ngx_current_msec;

    /* else the timer comes early enough, and sees that it has time */

    if (answered && s->conf->ping_interval < s->conf->ping_timeout) {
        ngx_ws_session_timer_set(s);
    }
}


void
ngx_ws_session_ask(ngx_ws_session_t *s)
{
    if (s->pinging) {
        return;
    }

    s->pinging = 1;
    s->pinged = (uint32_t) ngx_current_msec;

    ngx_ws_session_wire(s)->ping(s);
    ngx_ws_session_timer_set(s);
}


static ngx_int_t
ngx_ws_session_raw_open(ngx_ws_session_t *s, ngx_str_t *sid)
{
    if (s->client->token.len && s->conf->echo == NGX_WS_ECHO_OFF) {
        ngx_ws_login_handshake(s);
    }

    return NGX_OK;
}


static void
ngx_ws_session_raw_message(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len)
{
    ngx_ws_packet_t  pkt;

    if (opcode == NGX_WS_FRAME_BINARY) {
        ngx_ws_session_close(s, NGX_WS_BAD_BINARY);
        return;
    }

    if (s->dialect->decode(&pkt, p, len) != NGX_OK) {
        if (ngx_ws_event_admit(s, NULL) == NGX_OK) {
            ngx_ws_event_refuse(s, NULL, NGX_WS_BAD_JSON);
        }

        return;
    }

    ngx_ws_session_app(s)->packet(s, &pkt);
}


static void
ngx_ws_session_raw_ping(ngx_ws_session_t *s)
{
    ngx_ws_buf_t  *wb;

    wb = ngx_ws_buf_create(NGX_WS_FRAME_PING, 0, s->transport->log);
    if (wb) {
        (void) s->transport->ops->send(s->transport, wb);
        ngx_ws_buf_unref(wb);
    }
}


static void
ngx_ws_session_expired(ngx_ws_worker_t *w, ngx_ws_identity_t *id)
{
    ngx_queue_t       *q;
    ngx_ws_session_t  *s;

    while (!ngx_queue_empty(&id->sockets)) {
        q = ngx_queue_head(&id->sockets);
        s = ngx_queue_data(q, ngx_ws_session_t, holder);

        ngx_ws_event_refuse_auth(s, NGX_WS_TOKEN_EXPIRED);
        ngx_ws_session_dismiss(s, NGX_WS_TOKEN_EXPIRED);
    }
}


static void
ngx_ws_session_deliver(void *subscriber, void *data)
{
    ngx_ws_session_t    *s = subscriber;
    ngx_ws_bus_event_t  *ev = data;

    ngx_ws_buf_t  *wb;

    if (ev->except == s->node.key) {
        return;
    }

    wb = ngx_ws_bus_buf(ev, s->dialect, s->transport->log);
    if (wb == NULL) {
        return;
    }

    if (s->shell) {
        ngx_ws_move_deliver(s, ev, wb);
        return;
    }

    ngx_ws_session_deliver_buf(s, ev, wb);
}


/* None of a batch is kept for a user, or left out for a socket. */

static void
ngx_ws_session_deliver_batch(void *subscriber, void *data)
{
    ngx_ws_session_t    *s = subscriber;
    ngx_ws_bus_batch_t  *batch = data;

    ngx_uint_t     i;
    ngx_ws_buf_t  *wb;

    if (s->login
        || s->transport->ops->joined == NULL
        || !s->transport->ops->joined(s->transport))
    {
        for (i = 0; i < batch->n; i++) {
            ngx_ws_session_deliver(s, &batch->events[i]);
        }

        return;
    }

    wb = ngx_ws_bus_batch_buf(batch, s->dialect, s->transport->log);

    if (wb && s->transport->ops->send(s->transport, wb) == NGX_OK) {
        ngx_ws_session_sent(s, wb);
    }
}


void
ngx_ws_session_deliver_buf(ngx_ws_session_t *s, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb)
{
    if (s->login && ngx_ws_login_hold(s->login, ev, wb) == NGX_OK) {
        return;
    }

    if (ngx_ws_delivery_accept(s, ev, wb) == NGX_OK
        && s->transport->ops->send(s->transport, wb) == NGX_OK)
    {
        ngx_ws_session_sent(s, wb);
    }
}


static void
ngx_ws_session_hearing(ngx_ws_worker_t *w)
{
    ngx_ws_relay_hearing(w);
    ngx_ws_delivery_hearing(w);
}


/* Their clients come back by themselves. */

static void
ngx_ws_session_lost(ngx_ws_worker_t *w)
{
    ngx_rbtree_node_t  *node;

    while (w->sockets.root != w->sockets.sentinel) {
        node = ngx_rbtree_min(w->sockets.root, w->sockets.sentinel);

        ngx_ws_session_close(ngx_rbtree_data(node, ngx_ws_session_t, node),
                             NGX_WS_LEAVING);
    }
}


ngx_ws_session_t *
ngx_ws_session_find(ngx_ws_worker_t *w, uint64_t number)
{
    ngx_rbtree_node_t  *node;

    for (node = w->sockets.root;
         node != w->sockets.sentinel;
         node = (number < node->key) ? node->left : node->right)
    {
        if (number == node->key) {
            return ngx_rbtree_data(node, ngx_ws_session_t, node);
        }
    }

    return NULL;
}
