
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_letter.h>
#include <ngx_ws_limit.h>
#include <ngx_ws_login.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_move.h>
#include <ngx_ws_registry.h>
#include <ngx_ws_relay.h>
#include <ngx_ws_send.h>
#include <ngx_ws_state.h>


#define NGX_WS_MOVE_TIMEOUT  4000


struct ngx_ws_move_s {
    ngx_ws_transport_t         transport;    /* of the session, meanwhile */
    ngx_ws_transport_t        *websocket;    /* NULL: it has gone */
    ngx_str_node_t             node;         /* its str is the sid */
    ngx_ws_worker_t           *worker;
    ngx_ws_session_params_t    params;
    ngx_ws_session_t          *session;
    ngx_ws_send_queue_t        former;       /* the owner's */
    ngx_queue_t                events;       /* that came behind the mark */
    size_t                     bytes;        /* of them */

    ngx_ws_bus_wait_t         *waits;
    ngx_uint_t                 nwaits;
    ngx_uint_t                 waiting;

    ngx_ws_letter_t            letter;
    ngx_ws_redis_op_t         *op;
    ngx_event_t                timer;

    void                     (*ended)(void *data);
    void                      *data;

    unsigned                   marked:1;
    unsigned                   taken:1;      /* the state is here */
    unsigned                   slow:1;
    u_char                     strings[];
};


typedef struct {
    ngx_queue_t                queue;
    ngx_ws_bus_event_t         event;        /* its numbers alone */
    ngx_ws_buf_t              *buf;
} ngx_ws_move_event_t;


static u_char *ngx_ws_move_copy(u_char *p, ngx_str_t *s);
static void ngx_ws_move_sent(void *data, ngx_int_t rc, ngx_str_t *owner);
static ngx_ws_move_t *ngx_ws_move_find(ngx_ws_worker_t *w, ngx_str_t *head);
static void ngx_ws_move_ended(ngx_ws_move_t *move);
static ngx_int_t ngx_ws_move_shell(ngx_ws_move_t *move, uint64_t number);
static ngx_int_t ngx_ws_move_join(ngx_ws_move_t *move, ngx_str_t *body);
static void ngx_ws_move_joined(void *data, ngx_int_t rc);
static void ngx_ws_move_mark(ngx_ws_move_t *move);
static void ngx_ws_move_linked(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_move_finish(ngx_ws_move_t *move, ngx_uint_t linked);
static void ngx_ws_move_drop_events(ngx_ws_move_t *move);

static void ngx_ws_move_timeout(ngx_event_t *ev);
static void ngx_ws_move_fail(ngx_ws_move_t *move, ngx_uint_t code);
static void ngx_ws_move_unwait(ngx_ws_move_t *move);
static void ngx_ws_move_free(ngx_ws_move_t *move);

static ngx_int_t ngx_ws_move_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb);
static void ngx_ws_move_close(ngx_ws_transport_t *t, ngx_uint_t code);
static void ngx_ws_move_flow(ngx_ws_transport_t *t);
static ngx_ws_send_queue_t *ngx_ws_move_queue(ngx_ws_transport_t *t);

static void ngx_ws_move_message(void *data, ngx_uint_t opcode, u_char *p,
    size_t len);
static void ngx_ws_move_refused(void *data, ngx_uint_t code);
static void ngx_ws_move_leaving(void *data);
static void ngx_ws_move_closed(void *data, ngx_uint_t code);


/* what the session stands on until it is complete */

static const ngx_ws_transport_ops_t  ngx_ws_move_ops = {
    ngx_string("websocket"),
    NGX_WS_METRIC_CONNECTIONS_WEBSOCKET,
    ngx_ws_move_send,
    ngx_ws_move_close,
    ngx_ws_move_flow,
    ngx_ws_move_flow,
    ngx_ws_move_queue,
    NULL,
    NULL
};


/* of the WebSocket meanwhile */

static const ngx_ws_transport_handler_t  ngx_ws_move_handler = {
    ngx_ws_move_message,
    ngx_ws_move_refused,
    ngx_ws_move_leaving,
    ngx_ws_move_closed
};


ngx_ws_move_t *
ngx_ws_move_create(ngx_ws_transport_t *t, ngx_ws_session_params_t *params,
    void (*ended)(void *data), void *data)
{
    u_char         *p;
    ngx_ws_move_t  *move;

    move = ngx_calloc(sizeof(ngx_ws_move_t) + params->sid.len
                      + params->owner.len + params->token.len
                      + params->address.len + params->agent.len, t->log);
    if (move == NULL) {
        return NULL;
    }

    move->websocket = t;
    move->worker = params->worker;
    move->params = *params;
    move->ended = ended;
    move->data = data;

    p = move->strings;
    p = ngx_ws_move_copy(p, &move->params.sid);
    p = ngx_ws_move_copy(p, &move->params.owner);
    p = ngx_ws_move_copy(p, &move->params.token);
    p = ngx_ws_move_copy(p, &move->params.address);
    (void) ngx_ws_move_copy(p, &move->params.agent);

    ngx_queue_init(&move->events);

    move->letter.worker = params->worker;
    move->letter.to = move->params.owner;
    move->letter.sent = ngx_ws_move_sent;
    move->letter.data = move;

    move->transport.ops = &ngx_ws_move_ops;

    /* the WebSocket may end first, and its log with it */

    move->transport.log = move->worker->log;

    move->timer.data = move;
    move->timer.handler = ngx_ws_move_timeout;
    move->timer.log = move->worker->log;

    move->node.str = move->params.sid;
    move->node.node.key = ngx_crc32_short(move->node.str.data,
                                          move->node.str.len);

    ngx_rbtree_insert(&move->worker->relay->moves, &move->node.node);

    return move;
}


static u_char *
ngx_ws_move_copy(u_char *p, ngx_str_t *s)
{
    if (s->len == 0) {
        return p;
    }

    ngx_memcpy(p, s->data, s->len);
    s->data = p;

    return p + s->len;
}


void
ngx_ws_move_probe(ngx_ws_move_t *move)
{
    ngx_ws_letter_cancel(&move->letter);

    (void) ngx_ws_letter_send(&move->letter, "probe %V %uL %V",
                              &move->node.str, move->params.ticket,
                              &move->worker->incarnation);
}


void
ngx_ws_move_cancel(ngx_ws_move_t *move)
{
    ngx_ws_letter_post(move->worker, &move->params.owner, NULL,
                       "stay %V %uL %V", &move->node.str,
                       move->params.ticket, &move->worker->incarnation);
    ngx_ws_move_free(move);
}


void
ngx_ws_move_take(ngx_ws_move_t *move)
{
    move->ended = NULL;

    move->websocket->handler = &ngx_ws_move_handler;
    move->websocket->data = move;

    ngx_add_timer(&move->timer, NGX_WS_MOVE_TIMEOUT);

    ngx_ws_letter_cancel(&move->letter);

    (void) ngx_ws_letter_send(&move->letter, "move %V %uL %V",
                              &move->node.str, move->params.ticket,
                              &move->worker->incarnation);
}


static void
ngx_ws_move_sent(void *data, ngx_int_t rc, ngx_str_t *owner)
{
    if (rc != NGX_OK) {
        /* the owner has died, or can not be reached */
        ngx_ws_move_ended(data);
    }
}


/* head: sid ticket */

static ngx_ws_move_t *
ngx_ws_move_find(ngx_ws_worker_t *w, ngx_str_t *head)
{
    uint64_t         ticket;
    ngx_str_t        sid;
    ngx_ws_move_t   *move;
    ngx_str_node_t  *node;

    ngx_ws_bus_word(head, &sid);

    if (ngx_ws_bus_number(head, &ticket) != NGX_OK) {
        return NULL;
    }

    node = ngx_str_rbtree_lookup(&w->relay->moves, &sid,
                                 ngx_crc32_short(sid.data, sid.len));
    if (node == NULL) {
        return NULL;
    }

    move = ngx_rbtree_data(node, ngx_ws_move_t, node);

    return move->params.ticket == ticket ? move : NULL;
}


void
ngx_ws_move_on_ended(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_move_t  *move;

    move = ngx_ws_move_find(w, head);

    if (move && !move->taken) {
        ngx_ws_move_ended(move);
    }
}


static void
ngx_ws_move_ended(ngx_ws_move_t *move)
{
    void  *data;

    void (*ended)(void *data);

    if (move->ended == NULL) {
        ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
        return;
    }

    ended = move->ended;
    data = move->data;

    ngx_ws_move_free(move);

    ended(data);
}


void
ngx_ws_move_on_channels(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    uint64_t        number;
    ngx_ws_move_t  *move;

    move = ngx_ws_move_find(w, head);

    if (move == NULL || move->ended || move->taken) {
        return;
    }

    if (ngx_ws_bus_number(head, &number) != NGX_OK
        || ngx_ws_move_shell(move, number) != NGX_OK
        || ngx_ws_move_join(move, body) != NGX_OK)
    {
        ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
    }
}


static ngx_int_t
ngx_ws_move_shell(ngx_ws_move_t *move, uint64_t number)
{
    if (move->session) {
        /* once more: what came behind the former mark is the owner's */
        move->marked = 0;
        ngx_ws_move_drop_events(move);
        ngx_ws_move_unwait(move);

        return NGX_OK;
    }

    move->session = ngx_ws_session_shell(&move->transport, &move->params,
                                         number);

    return move->session ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_move_join(ngx_ws_move_t *move, ngx_str_t *body)
{
    uint64_t                n;
    ngx_int_t               rc;
    ngx_str_t               name;
    ngx_ws_channel_t       *ch;
    ngx_ws_bus_wait_t      *wait;

    if (ngx_ws_state_number(body, &n) != NGX_OK || n > body->len) {
        return NGX_ERROR;
    }

    if (n && move->worker->channels == NULL) {
        return NGX_ERROR;
    }

    if (n) {
        move->waits = ngx_calloc(n * sizeof(ngx_ws_bus_wait_t),
                                 move->transport.log);
        if (move->waits == NULL) {
            return NGX_ERROR;
        }
    }

    /* so that an answer at once does not end it before the last one */
    move->waiting = 1;

    for (move->nwaits = 0; move->nwaits < n; move->nwaits++) {

        if (ngx_ws_state_string(body, &name) != NGX_OK
            || ngx_ws_session_join(move->session, &name) == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        ch = ngx_ws_channel_find(move->worker->channels, &name);

        wait = &move->waits[move->nwaits];
        wait->channel = ngx_ws_channel_name(ch);
        wait->done = ngx_ws_move_joined;
        wait->data = move;

        rc = ngx_ws_bus_confirm(move->worker->bus, wait);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        move->waiting += (rc == NGX_AGAIN);
    }

    ngx_ws_move_joined(move, NGX_OK);

    return NGX_OK;
}


static void
ngx_ws_move_joined(void *data, ngx_int_t rc)
{
    ngx_ws_move_t *move = data;

    if (rc != NGX_OK) {
        ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
        return;
    }

    if (--move->waiting == 0) {
        ngx_ws_move_mark(move);
    }
}


static void
ngx_ws_move_mark(ngx_ws_move_t *move)
{
    ngx_ws_letter_mark(move->worker, &move->params.owner, "mark %V %uL %V",
                       &move->node.str, move->params.ticket,
                       &move->worker->incarnation);
}


void
ngx_ws_move_on_mark(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_move_t  *move;

    move = ngx_ws_move_find(w, head);

    if (move && move->session) {
        move->marked = 1;
    }
}


void
ngx_ws_move_on_state(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_uint_t              n;
    ngx_ws_move_t          *move;
    ngx_ws_session_t       *s;
    ngx_ws_pending_mark_t  *marks;

    move = ngx_ws_move_find(w, head);

    if (move == NULL || move->session == NULL || !move->marked
        || move->taken)
    {
        /* given up: the owner notices that it was not taken */
        return;
    }

    s = move->session;
    move->taken = 1;

    if (ngx_ws_state_decode(s, &move->former, body) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, move->transport.log, 0,
                      "a session has come that can not be read");
        ngx_ws_move_fail(move, NGX_WS_CLOSE_INTERNAL);
        return;
    }

    if (s->identity == NULL) {
        ngx_ws_move_finish(move, 1);
        return;
    }

    marks = ngx_ws_delivery_marks(s, &n);

    move->op = ngx_ws_registry_move(w, s->identity, &s->connection_id,
                                    s->node.key, &move->params.owner, marks, n,
                                    ngx_ws_move_linked, move);
    if (move->op == NULL) {
        ngx_ws_move_fail(move, NGX_WS_CLOSE_INTERNAL);
    }
}


static void
ngx_ws_move_linked(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_move_t *move = data;

    ngx_str_t  list;

    move->op = NULL;

    if (rc != NGX_OK || ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_NIL) {
        ngx_ws_move_finish(move, 0);
        return;
    }

    /* with what REST has added when the owner had already let go */

    list = ngx_ws_redis_reply_string(reply);
    ngx_ws_login_channels(move->session, &list);

    ngx_ws_limit_note(move->worker, move->session->conf->service,
                      move->session->identity, &move->session->connection_id,
                      move->session->node.key);

    ngx_ws_move_finish(move, 1);
}


/*
 * The session is complete.  It ends, though, if its connection was taken away
 * meanwhile, or the client has gone.
 */

static void
ngx_ws_move_finish(ngx_ws_move_t *move, ngx_uint_t linked)
{
    ngx_queue_t          *q;
    ngx_ws_session_t     *s;
    ngx_ws_transport_t   *t;
    ngx_ws_move_event_t  *me;

    ngx_ws_letter_post(move->worker, &move->params.owner, NULL,
                       "taken %V %uL %V", &move->node.str,
                       move->params.ticket, &move->worker->incarnation);

    if (move->websocket == NULL || move->slow) {
        ngx_ws_move_fail(move, move->slow ? NGX_WS_CLOSE_TRY_LATER
                                          : NGX_WS_CLOSE_ABNORMAL);
        return;
    }

    s = move->session;
    t = move->websocket;

    while (move->former.count) {
        (void) t->ops->send(t, ngx_ws_send_get(&move->former, 0));
        ngx_ws_send_shift(&move->former);
    }

    ngx_ws_session_resume(s, t);

    while (!ngx_queue_empty(&move->events)) {
        q = ngx_queue_head(&move->events);
        ngx_queue_remove(q);

        me = ngx_queue_data(q, ngx_ws_move_event_t, queue);

        ngx_ws_session_deliver_buf(s, &me->event, me->buf);

        ngx_ws_buf_unref(me->buf);
        ngx_free(me);
    }

    ngx_ws_metric_add(MOVES, 1);

    move->session = NULL;
    ngx_ws_move_free(move);

    if (!linked) {
        ngx_ws_session_dismiss(s, NGX_WS_OK);
    }
}


/* What comes before the mark is delivered by the owner. */

void
ngx_ws_move_deliver(ngx_ws_session_t *s, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb)
{
    ngx_ws_move_t        *move;
    ngx_ws_move_event_t  *me;

    move = (ngx_ws_move_t *) s->transport;

    if (!move->marked || move->slow) {
        return;
    }

    me = NULL;
    move->bytes += wb->size;

    if (move->bytes == wb->size
        || move->bytes <= move->params.conf->send_queue)
    {
        me = ngx_calloc(sizeof(ngx_ws_move_event_t), s->transport->log);
    }

    if (me == NULL) {
        move->slow = 1;
        return;
    }

    me->event.id = ev->id;
    me->event.seq = ev->seq;
    me->buf = ngx_ws_buf_ref(wb);

    ngx_queue_insert_tail(&move->events, &me->queue);
}


static void
ngx_ws_move_drop_events(ngx_ws_move_t *move)
{
    ngx_queue_t          *q;
    ngx_ws_move_event_t  *me;

    while (!ngx_queue_empty(&move->events)) {
        q = ngx_queue_head(&move->events);
        ngx_queue_remove(q);

        me = ngx_queue_data(q, ngx_ws_move_event_t, queue);

        ngx_ws_buf_unref(me->buf);
        ngx_free(me);
    }

    move->bytes = 0;
}


static void
ngx_ws_move_timeout(ngx_event_t *ev)
{
    ngx_ws_move_t  *move;

    move = ev->data;

    if (move->session == NULL && move->websocket == NULL) {
        /* ended by its session */
        ngx_ws_move_free(move);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, move->transport.log, 0,
                  "worker %V has not handed its session over",
                  &move->params.owner);

    ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
}


/* The client comes back by itself. */

static void
ngx_ws_move_fail(ngx_ws_move_t *move, ngx_uint_t code)
{
    ngx_ws_transport_t  *t;

    if (!move->taken) {
        ngx_ws_letter_post(move->worker, &move->params.owner, NULL,
                           "gone %V", &move->node.str);
    }

    t = move->websocket;

    if (t) {
        t->ops->close(t, code);
    }

    ngx_ws_move_unwait(move);

    if (move->session) {
        move->transport.handler->closed(move->session, code);
    }

    ngx_ws_move_free(move);
}


void
ngx_ws_move_deaf(ngx_ws_worker_t *w)
{
    ngx_rbtree_t       *tree;
    ngx_ws_move_t      *move;
    ngx_rbtree_node_t  *node, *next;

    tree = &w->relay->moves;

    if (tree->root == tree->sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(tree->root, tree->sentinel); node; node = next)
    {
        next = ngx_rbtree_next(tree, node);
        move = ngx_rbtree_data(node, ngx_ws_move_t, node.node);

        if (move->session && !move->taken) {
            ngx_ws_move_fail(move, NGX_WS_CLOSE_TRY_LATER);
        }
    }
}


static void
ngx_ws_move_unwait(ngx_ws_move_t *move)
{
    ngx_uint_t  i;

    for (i = 0; i < move->nwaits; i++) {
        ngx_ws_bus_cancel(&move->waits[i]);
    }

    if (move->waits) {
        ngx_free(move->waits);
    }

    move->waits = NULL;
    move->nwaits = 0;
}


static void
ngx_ws_move_free(ngx_ws_move_t *move)
{
    ngx_ws_move_unwait(move);
    ngx_ws_letter_cancel(&move->letter);

    if (move->op) {
        ngx_ws_redis_cancel(move->op);
    }

    if (move->timer.timer_set) {
        ngx_del_timer(&move->timer);
    }

    ngx_ws_move_drop_events(move);
    ngx_ws_send_cleanup(&move->former);

    ngx_rbtree_delete(&move->worker->relay->moves, &move->node.node);
    ngx_free(move);
}


void
ngx_ws_moves_cleanup(ngx_ws_worker_t *w)
{
    ngx_rbtree_t  *tree;

    tree = &w->relay->moves;

    while (tree->root != tree->sentinel) {
        ngx_ws_move_free(ngx_rbtree_data(tree->root, ngx_ws_move_t,
                                         node.node));
    }
}


/* There is nothing that the session could have to say. */

static ngx_int_t
ngx_ws_move_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb)
{
    return NGX_BUSY;
}


/* The session ends by itself, and stands here until it has. */

static void
ngx_ws_move_close(ngx_ws_transport_t *t, ngx_uint_t code)
{
    ngx_ws_move_t  *move;

    move = (ngx_ws_move_t *) t;

    move->session = NULL;
    move->taken = 1;

    if (move->websocket) {
        move->websocket->ops->close(move->websocket, code);
        move->websocket = NULL;
    }

    ngx_ws_move_unwait(move);
    ngx_add_timer(&move->timer, 1);
}


static void
ngx_ws_move_flow(ngx_ws_transport_t *t)
{
    /* void */
}


static ngx_ws_send_queue_t *
ngx_ws_move_queue(ngx_ws_transport_t *t)
{
    return NULL;
}


static void
ngx_ws_move_message(void *data, ngx_uint_t opcode, u_char *p, size_t len)
{
    /* void: it is paused */
}


static void
ngx_ws_move_refused(void *data, ngx_uint_t code)
{
    /* void */
}


static void
ngx_ws_move_leaving(void *data)
{
    ngx_ws_move_fail(data, NGX_WS_CLOSE_GOING_AWAY);
}


static void
ngx_ws_move_closed(void *data, ngx_uint_t code)
{
    ngx_ws_move_t *move = data;

    move->websocket = NULL;

    if (!move->taken) {
        ngx_ws_move_fail(move, code);
    }
}
