
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * number   = 1*digit " "
 * string   = length *OCTET       length is a number
 * state    = version flags age quiet skip identity typings delivery echo queue
 * age      = number              milliseconds since the session's begin
 * quiet    = number              and since its last ping or pong
 * identity = "0 " / "1 " user tenant token expires abilities digest name
 *                   connection_id
 * typings  = number *string
 * delivery = seq number *( seq id ) number *( seq id opcode string )
 * echo     = wanted bufs         wanted 0 and no bufs: no event is half here
 * queue    = bufs
 * bufs     = number *( opcode string )
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_auth.h>
#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_echo.h>
#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_packet.h>
#include <ngx_ws_state.h>


#define NGX_WS_STATE_VERSION    3

#define NGX_WS_STATE_PINGING    0x01
#define NGX_WS_STATE_CONNECTED  0x02
#define NGX_WS_STATE_CUSTOM     0x04
#define NGX_WS_STATE_CATCHING   0x08       /* up with pending messages */


static size_t ngx_ws_state_put(u_char *p, size_t at, uint64_t n);
static size_t ngx_ws_state_put_string(u_char *p, size_t at, ngx_str_t *s);
static size_t ngx_ws_state_put_buf(u_char *p, size_t at, ngx_ws_buf_t *wb);
static size_t ngx_ws_state_put_identity(u_char *p, size_t at,
    ngx_ws_session_t *s);
static size_t ngx_ws_state_put_typings(u_char *p, size_t at,
    ngx_ws_session_t *s);
static size_t ngx_ws_state_put_delivery(u_char *p, size_t at,
    ngx_ws_session_t *s);

static ngx_int_t ngx_ws_state_get_traffic(ngx_ws_session_t *s,
    ngx_str_t *text);
static ngx_int_t ngx_ws_state_get_identity(ngx_ws_session_t *s,
    ngx_str_t *text);
static ngx_int_t ngx_ws_state_get_typings(ngx_ws_session_t *s,
    ngx_str_t *text);
static ngx_int_t ngx_ws_state_get_delivery(ngx_ws_session_t *s,
    ngx_str_t *text);
static ngx_int_t ngx_ws_state_get_echo(ngx_ws_session_t *s, ngx_str_t *text);
static ngx_int_t ngx_ws_state_get_buf(ngx_str_t *text, ngx_ws_buf_t **wb,
    ngx_log_t *log);


size_t
ngx_ws_state_encode(u_char *p, ngx_ws_session_t *s,
    ngx_ws_send_queue_t *queue)
{
    size_t          len;
    ngx_uint_t      i, flags;
    ngx_ws_echo_t  *echo;

    flags = (s->pinging ? NGX_WS_STATE_PINGING : 0)
            | (s->connected ? NGX_WS_STATE_CONNECTED : 0)
            | (s->custom ? NGX_WS_STATE_CUSTOM : 0)
            | (ngx_ws_delivery_catching(s) ? NGX_WS_STATE_CATCHING : 0);

    len = ngx_ws_state_put(p, 0, NGX_WS_STATE_VERSION);
    len = ngx_ws_state_put(p, len, flags);
    len = ngx_ws_state_put(p, len, ngx_current_msec - s->begun);
    len = ngx_ws_state_put(p, len, s->nreceived);
    len = ngx_ws_state_put(p, len, s->received);
    len = ngx_ws_state_put(p, len, s->nsent);
    len = ngx_ws_state_put(p, len, s->sent);
    len = ngx_ws_state_put(p, len, ngx_ws_session_since(s->started));
    len = ngx_ws_state_put(p, len, ngx_ws_session_since(s->pinged));
    len = ngx_ws_state_put(p, len, s->skip);

    len = ngx_ws_state_put_identity(p, len, s);
    len = ngx_ws_state_put_typings(p, len, s);
    len = ngx_ws_state_put_delivery(p, len, s);

    echo = s->conf->echo ? s->state : NULL;

    len = ngx_ws_state_put(p, len, echo ? echo->wanted : 0);
    len = ngx_ws_state_put(p, len, echo ? echo->n : 0);

    for (i = 0; echo && i < echo->n; i++) {
        len = ngx_ws_state_put_buf(p, len, echo->bufs[i]);
    }

    len = ngx_ws_state_put(p, len, queue->count);

    for (i = 0; i < queue->count; i++) {
        len = ngx_ws_state_put_buf(p, len, ngx_ws_send_get(queue, i));
    }

    return len;
}


size_t
ngx_ws_state_channels(u_char *p, ngx_ws_session_t *s)
{
    size_t                  len;
    ngx_str_t               name;
    ngx_ws_subscription_t  *sub;

    len = ngx_ws_state_put(p, 0, s->nsubscriptions);

    for (sub = s->subscriptions; sub; sub = sub->next) {
        name = ngx_ws_channel_name(sub->channel);
        len = ngx_ws_state_put_string(p, len, &name);
    }

    return len;
}


static size_t
ngx_ws_state_put(u_char *p, size_t at, uint64_t n)
{
    u_char  *last, buf[NGX_INT64_LEN + 1];

    last = ngx_sprintf(buf, "%uL ", n);

    return ngx_ws_packet_put(p, at, buf, last - buf);
}


static size_t
ngx_ws_state_put_string(u_char *p, size_t at, ngx_str_t *s)
{
    at = ngx_ws_state_put(p, at, s->len);

    return ngx_ws_packet_put_str(p, at, s);
}


static size_t
ngx_ws_state_put_buf(u_char *p, size_t at, ngx_ws_buf_t *wb)
{
    at = ngx_ws_state_put(p, at, wb->binary ? NGX_WS_FRAME_BINARY
                                            : NGX_WS_FRAME_TEXT);
    at = ngx_ws_state_put(p, at, ngx_ws_buf_len(wb));

    return ngx_ws_packet_put(p, at, ngx_ws_buf_payload(wb),
                             ngx_ws_buf_len(wb));
}


static size_t
ngx_ws_state_put_identity(u_char *p, size_t at, ngx_ws_session_t *s)
{
    ngx_str_t           digest;
    ngx_ws_identity_t  *id;

    id = s->identity;

    at = ngx_ws_state_put(p, at, id != NULL);

    if (id == NULL) {
        return at;
    }

    digest.len = NGX_WS_TOKEN_DIGEST;
    digest.data = id->digest;

    at = ngx_ws_state_put(p, at, id->user);
    at = ngx_ws_state_put(p, at, id->tenant);
    at = ngx_ws_state_put(p, at, id->token);
    at = ngx_ws_state_put(p, at, id->expires);
    at = ngx_ws_state_put(p, at, id->abilities);
    at = ngx_ws_state_put_string(p, at, &digest);
    at = ngx_ws_state_put_string(p, at, &id->name);

    return ngx_ws_state_put_string(p, at, &s->connection_id);
}


static size_t
ngx_ws_state_put_typings(u_char *p, size_t at, ngx_ws_session_t *s)
{
    ngx_uint_t                n;
    ngx_ws_session_typing_t  *t;

    n = 0;

    for (t = s->typings; t; t = t->next) {
        n++;
    }

    at = ngx_ws_state_put(p, at, n);

    for (t = s->typings; t; t = t->next) {
        at = ngx_ws_state_put_string(p, at, &t->conversation);
    }

    return at;
}


static size_t
ngx_ws_state_put_delivery(u_char *p, size_t at, ngx_ws_session_t *s)
{
    ngx_uint_t               i, n;
    ngx_queue_t             *q, *queue;
    ngx_ws_pending_mark_t   *marks;
    ngx_ws_delivery_held_t  *held;

    marks = ngx_ws_delivery_marks(s, &n);

    at = ngx_ws_state_put(p, at, s->delivered);
    at = ngx_ws_state_put(p, at, n);

    for (i = 0; i < n; i++) {
        at = ngx_ws_state_put(p, at, marks[i].seq);
        at = ngx_ws_state_put(p, at, marks[i].id);
        at = ngx_ws_state_put(p, at, marks[i].place);
    }

    queue = ngx_ws_delivery_held(s);
    n = 0;

    if (queue) {
        for (q = ngx_queue_head(queue); q != queue; q = ngx_queue_next(q)) {
            n++;
        }
    }

    at = ngx_ws_state_put(p, at, n);

    for (q = queue; n; n--) {
        q = ngx_queue_next(q);
        held = ngx_queue_data(q, ngx_ws_delivery_held_t, queue);

        at = ngx_ws_state_put(p, at, held->mark.seq);
        at = ngx_ws_state_put(p, at, held->mark.id);
        at = ngx_ws_state_put_buf(p, at, held->buf);
    }

    return at;
}


ngx_int_t
ngx_ws_state_decode(ngx_ws_session_t *s, ngx_ws_send_queue_t *queue,
    ngx_str_t *text)
{
    uint64_t       version, flags, age, quiet, skip, n;
    ngx_int_t      rc;
    ngx_ws_buf_t  *wb;

    if (ngx_ws_state_number(text, &version) != NGX_OK
        || version != NGX_WS_STATE_VERSION
        || ngx_ws_state_number(text, &flags) != NGX_OK
        || ngx_ws_state_get_traffic(s, text) != NGX_OK
        || ngx_ws_state_number(text, &age) != NGX_OK
        || ngx_ws_state_number(text, &quiet) != NGX_OK
        || ngx_ws_state_number(text, &skip) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->pinging = ((flags & NGX_WS_STATE_PINGING) != 0);
    s->connected = ((flags & NGX_WS_STATE_CONNECTED) != 0);
    s->custom = ((flags & NGX_WS_STATE_CUSTOM) != 0);
    s->started = (uint32_t) (ngx_current_msec - age);
    s->pinged = (uint32_t) (ngx_current_msec - quiet);
    s->skip = (uint16_t) skip;

    if (ngx_ws_state_get_identity(s, text) != NGX_OK
        || ngx_ws_state_get_typings(s, text) != NGX_OK
        || ngx_ws_state_get_delivery(s, text) != NGX_OK
        || ngx_ws_state_get_echo(s, text) != NGX_OK
        || ngx_ws_state_number(text, &n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (flags & NGX_WS_STATE_CATCHING) {
        ngx_ws_delivery_catch_up(s);
    }

    while (n--) {

        if (ngx_ws_state_get_buf(text, &wb, s->transport->log) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_ws_send_push(queue, wb, s->transport->log);

        ngx_ws_buf_unref(wb);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* for the line in the log at the session's end */

static ngx_int_t
ngx_ws_state_get_traffic(ngx_ws_session_t *s, ngx_str_t *text)
{
    uint64_t  age, nreceived, nsent;

    if (ngx_ws_state_number(text, &age) != NGX_OK
        || ngx_ws_state_number(text, &nreceived) != NGX_OK
        || ngx_ws_state_number(text, &s->received) != NGX_OK
        || ngx_ws_state_number(text, &nsent) != NGX_OK
        || ngx_ws_state_number(text, &s->sent) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->begun = ngx_current_msec - (ngx_msec_t) age;
    s->nreceived = (uint32_t) nreceived;
    s->nsent = (uint32_t) nsent;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_state_get_identity(ngx_ws_session_t *s, ngx_str_t *text)
{
    u_char               *p;
    uint64_t              is;
    ngx_str_t             digest, connection_id;
    ngx_ws_identity_t    *id;
    ngx_ws_zone_token_t   token;

    if (ngx_ws_state_number(text, &is) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!is) {
        return NGX_OK;
    }

    token.valid = 1;

    if (s->worker->auth == NULL
        || ngx_ws_state_number(text, &token.user) != NGX_OK
        || ngx_ws_state_number(text, &token.tenant) != NGX_OK
        || ngx_ws_state_number(text, &token.token) != NGX_OK
        || ngx_ws_state_number(text, &token.expires) != NGX_OK
        || ngx_ws_state_number(text, &token.abilities) != NGX_OK
        || ngx_ws_state_string(text, &digest) != NGX_OK
        || digest.len != NGX_WS_TOKEN_DIGEST
        || ngx_ws_state_string(text, &token.name) != NGX_OK
        || ngx_ws_state_string(text, &connection_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_alloc(connection_id.len + 1, s->transport->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    id = ngx_ws_auth_accept(s->worker->auth, s->conf->service, digest.data,
                            &token);

    if (id == NULL) {
        ngx_free(p);
        return NGX_ERROR;
    }

    ngx_ws_session_identify(s, id);

    ngx_memcpy(p, connection_id.data, connection_id.len);

    s->connection_id.len = connection_id.len;
    s->connection_id.data = p;

    ngx_ws_session_forget_client(s);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_state_get_typings(ngx_ws_session_t *s, ngx_str_t *text)
{
    uint64_t   n;
    ngx_str_t  conversation;

    if (ngx_ws_state_number(text, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    while (n--) {

        if (ngx_ws_state_string(text, &conversation) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_ws_event_typing_add(s, &conversation);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_state_get_delivery(ngx_ws_session_t *s, ngx_str_t *text)
{
    uint64_t                n, place, delivered;
    ngx_ws_buf_t           *wb;
    ngx_ws_pending_mark_t   mark;

    if (ngx_ws_state_number(text, &delivered) != NGX_OK
        || ngx_ws_state_number(text, &n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    while (n--) {

        if (ngx_ws_state_number(text, &mark.seq) != NGX_OK
            || ngx_ws_state_number(text, &mark.id) != NGX_OK
            || ngx_ws_state_number(text, &place) != NGX_OK)
        {
            return NGX_ERROR;
        }

        mark.place = (uint32_t) place;

        ngx_ws_delivery_restore(s, &mark);
    }

    s->delivered = delivered;

    if (ngx_ws_state_number(text, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    while (n--) {

        if (ngx_ws_state_number(text, &mark.seq) != NGX_OK
            || ngx_ws_state_number(text, &mark.id) != NGX_OK
            || ngx_ws_state_get_buf(text, &wb, s->transport->log) != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_ws_delivery_hold(s, &mark, wb);
        ngx_ws_buf_unref(wb);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_state_get_echo(ngx_ws_session_t *s, ngx_str_t *text)
{
    uint64_t        wanted, n;
    ngx_ws_echo_t  *echo;

    if (ngx_ws_state_number(text, &wanted) != NGX_OK
        || ngx_ws_state_number(text, &n) != NGX_OK
        || wanted > NGX_WS_ECHO_BUFS
        || n > wanted)
    {
        return NGX_ERROR;
    }

    if (wanted == 0) {
        return NGX_OK;
    }

    echo = ngx_calloc(sizeof(ngx_ws_echo_t), s->transport->log);
    if (echo == NULL) {
        return NGX_ERROR;
    }

    echo->wanted = wanted;
    s->state = echo;

    while (echo->n < n) {

        if (ngx_ws_state_get_buf(text, &echo->bufs[echo->n], s->transport->log)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        echo->bytes += echo->bufs[echo->n]->size;
        echo->n++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_state_get_buf(ngx_str_t *text, ngx_ws_buf_t **wb, ngx_log_t *log)
{
    uint64_t   opcode;
    ngx_str_t  payload;

    if (ngx_ws_state_number(text, &opcode) != NGX_OK
        || ngx_ws_state_string(text, &payload) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *wb = ngx_ws_buf_create((ngx_uint_t) opcode, payload.len, log);
    if (*wb == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_ws_buf_payload(*wb), payload.data, payload.len);

    return NGX_OK;
}


ngx_int_t
ngx_ws_state_number(ngx_str_t *text, uint64_t *n)
{
    return ngx_ws_bus_number(text, n);
}


ngx_int_t
ngx_ws_state_string(ngx_str_t *text, ngx_str_t *value)
{
    uint64_t  len;

    if (ngx_ws_bus_number(text, &len) != NGX_OK || len > text->len) {
        return NGX_ERROR;
    }

    value->len = (size_t) len;
    value->data = text->data;

    text->len -= value->len;
    text->data += value->len;

    return NGX_OK;
}
