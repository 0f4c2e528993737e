
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_handover.h>
#include <ngx_ws_letter.h>
#include <ngx_ws_move.h>
#include <ngx_ws_relay.h>
#include <ngx_ws_relay_peer.h>


/*
 * What a worker asks of another (verb, head, body):
 *
 * poll     id from kind sid, the POST's body
 * gone     sid
 * release  sid                    it should not hold a GET any longer
 * ping     from
 *
 * and what is answered:
 *
 * held     id from                the request is there, and waits
 * answer   id from status code, the payload
 * pong     from
 */

#define NGX_WS_RELAY_TIMEOUT  4000     /* of a worker's silence */
#define NGX_WS_RELAY_START    4000     /* of a new worker's, at Redis */
#define NGX_WS_RELAY_HELD     1024     /* requests that wait for it */


/* a request of ours */

struct ngx_ws_relay_call_s {
    ngx_rbtree_node_t          node;        /* key is the id */
    ngx_queue_t                queue;       /* of the peer */
    ngx_ws_relay_t            *relay;
    ngx_ws_relay_peer_t       *peer;        /* NULL: not known yet */
    ngx_ws_poll_request_t     *request;
    ngx_ws_letter_t            letter;
    ngx_event_t                timer;
    unsigned                   held:1;      /* nobody knows of it yet */
};


/* a request of another worker's */

typedef struct {
    ngx_ws_poll_request_t      request;
    ngx_ws_relay_t            *relay;
    uint64_t                   id;
    ngx_str_t                  from;
    ngx_str_t                  payload;     /* on its way */
    ngx_ws_letter_t            letter;
    unsigned                   holding:1;   /* it is being handed over */
    unsigned                   answered:1;
    unsigned                   ended:1;
    u_char                     data[];
} ngx_ws_relay_guest_t;


static void ngx_ws_relay_leave(void *data);
static void ngx_ws_relay_release(ngx_ws_relay_call_t *call);
static void ngx_ws_relay_refuse(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_status_e status);
static ngx_int_t ngx_ws_relay_ask(ngx_ws_relay_t *relay,
    ngx_ws_poll_request_t *pr);
static ngx_int_t ngx_ws_relay_send(ngx_ws_relay_call_t *call);
static ngx_int_t ngx_ws_relay_hold(ngx_ws_relay_call_t *call);
static void ngx_ws_relay_asked(void *data, ngx_int_t rc, ngx_str_t *owner);
static void ngx_ws_relay_timeout(ngx_event_t *ev);
static void ngx_ws_relay_finish(ngx_ws_relay_call_t *call,
    ngx_ws_poll_answer_t *answer);
static void ngx_ws_relay_fail(ngx_ws_relay_call_t *call,
    ngx_ws_poll_status_e status);
static void ngx_ws_relay_tell_gone(ngx_ws_worker_t *w,
    ngx_ws_poll_request_t *pr);
static ngx_ws_poll_request_t *ngx_ws_relay_drop(ngx_ws_relay_call_t *call);

static void ngx_ws_relay_letter(ngx_ws_worker_t *w, ngx_str_t *verb,
    ngx_str_t *head, ngx_str_t *body);
static void ngx_ws_relay_on_poll(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_guest_answer(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_answer_t *answer);
static void ngx_ws_relay_guest_answered(void *data, ngx_int_t rc,
    ngx_str_t *owner);
static void ngx_ws_relay_on_gone(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_on_release(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_on_ping(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_on_held(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_on_answer(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_relay_on_pong(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);

static ngx_ws_relay_call_t *ngx_ws_relay_call(ngx_ws_worker_t *w,
    ngx_str_t *head, ngx_str_t *from);
static void ngx_ws_relay_on_mark(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body);


typedef struct {
    ngx_str_t       verb;
    void          (*handler)(ngx_ws_worker_t *w, ngx_str_t *head,
                             ngx_str_t *body);
} ngx_ws_relay_verb_t;


static ngx_ws_relay_verb_t  ngx_ws_relay_verbs[] = {

    { ngx_string("poll"), ngx_ws_relay_on_poll },

    { ngx_string("gone"), ngx_ws_relay_on_gone },

    { ngx_string("release"), ngx_ws_relay_on_release },

    { ngx_string("ping"), ngx_ws_relay_on_ping },

    { ngx_string("held"), ngx_ws_relay_on_held },

    { ngx_string("answer"), ngx_ws_relay_on_answer },

    { ngx_string("pong"), ngx_ws_relay_on_pong },

    { ngx_string("probe"), ngx_ws_handover_on_probe },

    { ngx_string("stay"), ngx_ws_handover_on_stay },

    { ngx_string("move"), ngx_ws_handover_on_move },

    { ngx_string("mark"), ngx_ws_relay_on_mark },

    { ngx_string("taken"), ngx_ws_handover_on_taken },

    { ngx_string("ended"), ngx_ws_move_on_ended },

    { ngx_string("channels"), ngx_ws_move_on_channels },

    { ngx_string("state"), ngx_ws_move_on_state },

    { ngx_null_string, NULL }
};


ngx_int_t
ngx_ws_relay_create(ngx_ws_worker_t *w)
{
    ngx_ws_relay_t  *relay;

    if (w->redis == NULL) {
        return NGX_OK;
    }

    relay = ngx_calloc(sizeof(ngx_ws_relay_t), w->log);
    if (relay == NULL) {
        return NGX_ERROR;
    }

    relay->worker = w;
    relay->created = ngx_current_msec;
    relay->goodbye.handler = ngx_ws_relay_leave;
    relay->goodbye.data = relay;

    ngx_queue_init(&relay->held);
    ngx_rbtree_init(&relay->calls, &relay->calls_sentinel,
                    ngx_rbtree_insert_value);
    ngx_rbtree_init(&relay->peers, &relay->peers_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&relay->moves, &relay->moves_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&relay->handovers, &relay->handovers_sentinel,
                    ngx_str_rbtree_insert_value);

    w->relay = relay;
    w->letters = ngx_ws_letters_create(w, ngx_ws_relay_letter);

    return w->letters ? NGX_OK : NGX_ERROR;
}


void
ngx_ws_relay_destroy(ngx_ws_worker_t *w)
{
    ngx_rbtree_node_t    *node;
    ngx_ws_relay_call_t  *call;

    if (w->relay) {

        while (w->relay->calls.root != &w->relay->calls_sentinel) {
            node = w->relay->calls.root;
            call = ngx_rbtree_data(node, ngx_ws_relay_call_t, node);
            (void) ngx_ws_relay_drop(call);
        }

        ngx_ws_goodbye_cleanup(&w->relay->goodbye);
        ngx_ws_moves_cleanup(w);
        ngx_ws_handovers_cleanup(w);

        while (w->relay->peers.root != &w->relay->peers_sentinel) {
            node = w->relay->peers.root;
            ngx_ws_relay_peer_destroy(ngx_rbtree_data(node,
                                                      ngx_ws_relay_peer_t,
                                                      node.node));
        }

        ngx_free(w->relay);
        w->relay = NULL;
    }

    if (w->letters) {
        ngx_ws_letters_destroy(w->letters);
        w->letters = NULL;
    }
}


/* The worker leaves: those who poll here have to come to another one. */

static void
ngx_ws_relay_leave(void *data)
{
    ngx_ws_relay_t *relay = data;

    ngx_rbtree_t         *tree;
    ngx_rbtree_node_t    *node;
    ngx_ws_relay_call_t  *call;

    tree = &relay->calls;

    if (tree->root == tree->sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(tree->root, tree->sentinel);
         node;
         node = ngx_rbtree_next(tree, node))
    {
        call = ngx_rbtree_data(node, ngx_ws_relay_call_t, node);

        ngx_ws_relay_release(call);
    }
}


/* The worker does not exit before the answer, which has its time. */

static void
ngx_ws_relay_release(ngx_ws_relay_call_t *call)
{
    if (call->request->kind == NGX_WS_POLL_GET) {
        ngx_ws_letter_post(call->relay->worker, NULL, &call->request->sid,
                           "release %V", &call->request->sid);
    }

    ngx_add_timer(&call->timer, NGX_WS_RELAY_TIMEOUT);
}


ngx_int_t
ngx_ws_relay_begin(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    ngx_int_t  rc;

    rc = ngx_ws_poll_begin(w, pr);

    if (rc == NGX_DECLINED && w->relay == NULL) {
        ngx_ws_relay_refuse(pr, NGX_WS_POLL_REFUSED);
        return NGX_DONE;
    }

    return rc;
}


void
ngx_ws_relay_request(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    if (ngx_ws_poll_request(w, pr) == NGX_OK) {
        return;
    }

    if (w->relay == NULL || !ngx_ws_poll_is_sid(&pr->sid)) {
        ngx_ws_relay_refuse(pr, NGX_WS_POLL_REFUSED);
        return;
    }

    if (ngx_ws_relay_ask(w->relay, pr) != NGX_OK) {
        ngx_ws_relay_refuse(pr, NGX_WS_POLL_UNAVAILABLE);
    }
}


static void
ngx_ws_relay_refuse(ngx_ws_poll_request_t *pr, ngx_ws_poll_status_e status)
{
    ngx_ws_poll_answer_t  answer;

    ngx_memzero(&answer, sizeof(ngx_ws_poll_answer_t));

    answer.status = status;
    answer.code = NGX_WS_EIO_BAD_SID;

    pr->answer(pr, &answer);
}


static ngx_int_t
ngx_ws_relay_ask(ngx_ws_relay_t *relay, ngx_ws_poll_request_t *pr)
{
    ngx_int_t             rc;
    ngx_ws_worker_t      *w;
    ngx_ws_relay_call_t  *call;

    w = relay->worker;

    call = ngx_calloc(sizeof(ngx_ws_relay_call_t), w->log);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->relay = relay;
    call->request = pr;
    call->node.key = (ngx_rbtree_key_t) ++relay->sequence;

    call->letter.worker = w;
    call->letter.sid = pr->sid;
    call->letter.body = pr->body;
    call->letter.sent = ngx_ws_relay_asked;
    call->letter.data = call;

    call->timer.data = call;
    call->timer.handler = ngx_ws_relay_timeout;
    call->timer.log = w->log;

    rc = relay->started ? ngx_ws_relay_send(call) : ngx_ws_relay_hold(call);

    if (rc != NGX_OK) {
        ngx_free(call);
        return NGX_ERROR;
    }

    ngx_rbtree_insert(&relay->calls, &call->node);

    pr->relay = call;

    ngx_ws_goodbye_watch(&relay->goodbye);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_relay_send(ngx_ws_relay_call_t *call)
{
    ngx_ws_worker_t        *w;
    ngx_ws_poll_request_t  *pr;

    w = call->relay->worker;
    pr = call->request;

    if (!ngx_ws_redis_subscriber_ready(w->redis)
        || ngx_ws_letter_send(&call->letter, "poll %uL %V %ui %V",
                              (uint64_t) call->node.key, &w->incarnation,
                              (ngx_uint_t) pr->kind, &pr->sid)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_init(&call->queue);
    ngx_add_timer(&call->timer, NGX_WS_RELAY_TIMEOUT);

    ngx_ws_metric_add(POLLS_RELAYED, 1);

    return NGX_OK;
}


/*
 * A new worker, as after a reload, gets requests before it has connected to
 * Redis: nobody would hear that they can't be passed on yet.
 */

static ngx_int_t
ngx_ws_relay_hold(ngx_ws_relay_call_t *call)
{
    ngx_msec_t       age;
    ngx_ws_relay_t  *relay;

    relay = call->relay;
    age = ngx_current_msec - relay->created;

    if (age >= NGX_WS_RELAY_START || relay->nheld == NGX_WS_RELAY_HELD) {
        return NGX_ERROR;
    }

    relay->nheld++;

    call->held = 1;

    ngx_queue_insert_tail(&relay->held, &call->queue);
    ngx_add_timer(&call->timer, NGX_WS_RELAY_START - age);

    return NGX_OK;
}


static void
ngx_ws_relay_asked(void *data, ngx_int_t rc, ngx_str_t *owner)
{
    ngx_ws_relay_call_t *call = data;

    if (rc == NGX_DECLINED) {
        ngx_ws_relay_fail(call, NGX_WS_POLL_REFUSED);
        return;
    }

    if (rc == NGX_OK) {
        call->peer = ngx_ws_relay_peer_get(call->relay, owner);
    }

    if (call->peer == NULL) {
        ngx_ws_relay_fail(call, NGX_WS_POLL_UNAVAILABLE);
        return;
    }

    ngx_queue_insert_tail(&call->peer->calls, &call->queue);
}


/* Nothing was heard of the request: its worker is stopped, or Redis is. */

static void
ngx_ws_relay_timeout(ngx_event_t *ev)
{
    ngx_ws_relay_call_t  *call;

    call = ev->data;

    ngx_ws_relay_fail(call, call->peer ? NGX_WS_POLL_REFUSED
                                       : NGX_WS_POLL_UNAVAILABLE);
}


static void
ngx_ws_relay_finish(ngx_ws_relay_call_t *call, ngx_ws_poll_answer_t *answer)
{
    ngx_ws_poll_request_t  *pr;

    pr = ngx_ws_relay_drop(call);

    pr->answer(pr, answer);
}


static void
ngx_ws_relay_fail(ngx_ws_relay_call_t *call, ngx_ws_poll_status_e status)
{
    ngx_ws_poll_answer_t  answer;

    if (call->peer || (status == NGX_WS_POLL_UNAVAILABLE && !call->held)) {
        /* it may be there, or come there still */
        ngx_ws_relay_tell_gone(call->relay->worker, call->request);
    }

    ngx_memzero(&answer, sizeof(ngx_ws_poll_answer_t));

    answer.status = status;
    answer.code = NGX_WS_EIO_BAD_SID;

    ngx_ws_relay_finish(call, &answer);
}


static ngx_ws_poll_request_t *
ngx_ws_relay_drop(ngx_ws_relay_call_t *call)
{
    ngx_ws_poll_request_t  *pr;

    pr = call->request;
    pr->relay = NULL;

    ngx_ws_letter_cancel(&call->letter);

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    if (call->held) {
        call->relay->nheld--;
    }

    ngx_queue_remove(&call->queue);
    ngx_rbtree_delete(&call->relay->calls, &call->node);

    ngx_free(call);

    return pr;
}


void
ngx_ws_relay_gone(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    if (pr->relay) {
        (void) ngx_ws_relay_drop(pr->relay);

    } else if (ngx_ws_poll_gone(w, pr) == NGX_OK) {
        return;
    }

    if (w->relay) {
        ngx_ws_relay_tell_gone(w, pr);
    }
}


static void
ngx_ws_relay_tell_gone(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    /* a probe that has failed changes nothing */

    if (pr->kind != NGX_WS_POLL_PROBE && ngx_ws_poll_is_sid(&pr->sid)) {
        ngx_ws_letter_post(w, NULL, &pr->sid, "gone %V", &pr->sid);
    }
}


void
ngx_ws_relay_deaf(ngx_ws_worker_t *w)
{
    ngx_ws_relay_t       *relay;
    ngx_ws_relay_call_t  *call;

    relay = w->relay;

    if (relay == NULL) {
        return;
    }

    while (relay->calls.root != &relay->calls_sentinel) {
        call = ngx_rbtree_data(relay->calls.root, ngx_ws_relay_call_t, node);
        ngx_ws_relay_fail(call, NGX_WS_POLL_UNAVAILABLE);
    }

    ngx_ws_move_deaf(w);
}


void
ngx_ws_relay_hearing(ngx_ws_worker_t *w)
{
    ngx_queue_t          *q;
    ngx_ws_relay_t       *relay;
    ngx_ws_relay_call_t  *call;

    relay = w->relay;
    relay->started = 1;

    while (!ngx_queue_empty(&relay->held)) {
        q = ngx_queue_head(&relay->held);
        call = ngx_queue_data(q, ngx_ws_relay_call_t, queue);

        ngx_queue_remove(q);
        ngx_queue_init(q);

        relay->nheld--;
        call->held = 0;

        if (ngx_ws_relay_send(call) != NGX_OK) {
            ngx_ws_relay_fail(call, NGX_WS_POLL_UNAVAILABLE);
        }
    }
}


void
ngx_ws_relay_lost(ngx_queue_t *calls)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(calls)) {
        q = ngx_queue_head(calls);
        ngx_ws_relay_fail(ngx_queue_data(q, ngx_ws_relay_call_t, queue),
                          NGX_WS_POLL_REFUSED);
    }
}


static void
ngx_ws_relay_letter(ngx_ws_worker_t *w, ngx_str_t *verb, ngx_str_t *head,
    ngx_str_t *body)
{
    ngx_ws_relay_verb_t  *v;

    for (v = ngx_ws_relay_verbs; v->handler; v++) {

        if (v->verb.len == verb->len
            && ngx_strncmp(v->verb.data, verb->data, verb->len) == 0)
        {
            v->handler(w, head, body);
            return;
        }
    }

    ngx_log_error(NGX_LOG_ERR, w->log, 0,
                  "unknown verb \"%V\" in a worker's letter", verb);
}


static void
ngx_ws_relay_on_poll(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    u_char                *p;
    uint64_t               id, kind;
    ngx_str_t              from, sid;
    ngx_ws_relay_guest_t  *guest;

    if (ngx_ws_bus_number(head, &id) != NGX_OK) {
        return;
    }

    ngx_ws_bus_word(head, &from);

    if (ngx_ws_bus_number(head, &kind) != NGX_OK) {
        return;
    }

    ngx_ws_bus_word(head, &sid);

    guest = ngx_calloc(sizeof(ngx_ws_relay_guest_t) + from.len + sid.len
                       + body->len, w->log);
    if (guest == NULL) {
        return;
    }

    guest->relay = w->relay;
    guest->id = id;

    p = guest->data;

    guest->from.len = from.len;
    guest->from.data = p;
    p = ngx_cpymem(p, from.data, from.len);

    guest->request.sid.len = sid.len;
    guest->request.sid.data = p;
    p = ngx_cpymem(p, sid.data, sid.len);

    guest->request.body.len = body->len;
    guest->request.body.data = p;
    ngx_memcpy(p, body->data, body->len);

    guest->request.kind = (ngx_ws_poll_kind_e) kind;
    guest->request.answer = ngx_ws_relay_guest_answer;
    guest->request.guest = 1;

    guest->holding = 1;

    if (ngx_ws_poll_request(w, &guest->request) != NGX_OK) {
        ngx_ws_relay_refuse(&guest->request, NGX_WS_POLL_REFUSED);
    }

    guest->holding = 0;

    if (guest->ended) {
        ngx_free(guest);

    } else if (!guest->answered) {
        ngx_ws_letter_post(w, &guest->from, NULL, "held %uL %V",
                           id, &w->incarnation);
    }
}


static void
ngx_ws_relay_guest_answer(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_answer_t *answer)
{
    ngx_ws_worker_t       *w;
    ngx_ws_relay_guest_t  *guest;

    guest = (ngx_ws_relay_guest_t *) pr;
    w = guest->relay->worker;

    guest->answered = 1;
    guest->payload = answer->body;

    if (pr->kind == NGX_WS_POLL_PROBE && answer->status == NGX_WS_POLL_OK) {
        ngx_ws_handover_offer(w, &pr->sid, guest->id, &guest->from);
    }

    guest->letter.worker = w;
    guest->letter.to = guest->from;
    guest->letter.body = answer->body;
    guest->letter.sent = ngx_ws_relay_guest_answered;
    guest->letter.data = guest;

    if (ngx_ws_letter_send(&guest->letter, "answer %uL %V %ui %ui", guest->id,
                           &w->incarnation, (ngx_uint_t) answer->status,
                           (ngx_uint_t) answer->code)
        != NGX_OK)
    {
        ngx_ws_relay_guest_answered(guest, NGX_ERROR, NULL);
    }
}


/* An answer that nobody has got is as one that the client has not. */

static void
ngx_ws_relay_guest_answered(void *data, ngx_int_t rc, ngx_str_t *owner)
{
    ngx_ws_relay_guest_t *guest = data;

    if (rc != NGX_OK && guest->request.kind != NGX_WS_POLL_PROBE) {
        (void) ngx_ws_poll_gone(guest->relay->worker, &guest->request);
    }

    if (guest->payload.data) {
        ngx_free(guest->payload.data);
        guest->payload.data = NULL;
    }

    guest->ended = 1;

    if (!guest->holding) {
        ngx_free(guest);
    }
}


static void
ngx_ws_relay_on_gone(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_poll_request_t  pr;

    ngx_memzero(&pr, sizeof(ngx_ws_poll_request_t));

    ngx_ws_bus_word(head, &pr.sid);

    (void) ngx_ws_poll_gone(w, &pr);
}


static void
ngx_ws_relay_on_release(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_poll_release(w, head);
}


static void
ngx_ws_relay_on_ping(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_str_t  from;

    ngx_ws_bus_word(head, &from);

    ngx_ws_letter_post(w, &from, NULL, "pong %V",
                       &w->incarnation);
}


static void
ngx_ws_relay_on_held(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_str_t             from;
    ngx_ws_relay_call_t  *call;

    call = ngx_ws_relay_call(w, head, &from);

    if (call == NULL) {
        return;
    }

    if (ngx_exiting) {
        ngx_ws_relay_release(call);
        return;
    }

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }
}


static void
ngx_ws_relay_on_answer(ngx_ws_worker_t *w, ngx_str_t *head,
    ngx_str_t *body)
{
    uint64_t               status, code;
    ngx_str_t              from;
    ngx_ws_relay_call_t   *call;
    ngx_ws_poll_answer_t   answer;

    call = ngx_ws_relay_call(w, head, &from);

    if (call == NULL
        || ngx_ws_bus_number(head, &status) != NGX_OK
        || ngx_ws_bus_number(head, &code) != NGX_OK)
    {
        return;
    }

    ngx_memzero(&answer, sizeof(ngx_ws_poll_answer_t));

    answer.status = (ngx_ws_poll_status_e) status;
    answer.code = (ngx_ws_eio_error_e) code;
    answer.ticket = call->node.key;

    answer.owner = from;

    if (body->len) {
        answer.body.data = ngx_alloc(body->len, w->log);

        if (answer.body.data == NULL) {
            ngx_ws_relay_fail(call, NGX_WS_POLL_UNAVAILABLE);
            return;
        }

        answer.body.len = body->len;
        ngx_memcpy(answer.body.data, body->data, body->len);
    }

    ngx_ws_relay_finish(call, &answer);
}


static void
ngx_ws_relay_on_pong(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_relay_peer_t  *peer;

    peer = ngx_ws_relay_peer_find(w->relay, head);

    if (peer) {
        peer->heard = ngx_current_msec;
    }
}


/*
 * The request that an answer is for, NULL if it has ended; the worker whom it
 * comes from is alive.
 */

static ngx_ws_relay_call_t *
ngx_ws_relay_call(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *from)
{
    uint64_t            id;
    ngx_rbtree_node_t  *node;

    if (ngx_ws_bus_number(head, &id) != NGX_OK) {
        return NULL;
    }

    ngx_ws_bus_word(head, from);
    ngx_ws_relay_on_pong(w, from, NULL);

    node = w->relay->calls.root;

    while (node != &w->relay->calls_sentinel) {

        if (id == node->key) {
            return ngx_rbtree_data(node, ngx_ws_relay_call_t, node);
        }

        node = (id < node->key) ? node->left : node->right;
    }

    return NULL;
}


/* To both sides of a move: whose it is, tells the sender's name. */

static void
ngx_ws_relay_on_mark(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    uint64_t   ticket;
    ngx_str_t  rest, sid, from;

    rest = *head;

    ngx_ws_bus_word(&rest, &sid);

    if (ngx_ws_bus_number(&rest, &ticket) != NGX_OK) {
        return;
    }

    ngx_ws_bus_word(&rest, &from);

    if (from.len == w->incarnation.len
        && ngx_memcmp(from.data, w->incarnation.data, from.len) == 0)
    {
        ngx_ws_move_on_mark(w, head, body);
        return;
    }

    ngx_ws_handover_on_mark(w, head, body);
}
