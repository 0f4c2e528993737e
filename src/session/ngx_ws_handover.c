
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_handover.h>
#include <ngx_ws_letter.h>
#include <ngx_ws_poll_upgrade.h>
#include <ngx_ws_relay.h>
#include <ngx_ws_state.h>


#define NGX_WS_HANDOVER_TIMEOUT  5000


typedef struct {
    ngx_ws_transport_t     transport;    /* of the session that has left */
    ngx_str_node_t         node;         /* its str is the sid */
    ngx_ws_worker_t       *worker;
    ngx_ws_poll_t         *poll;         /* NULL: it has been given */
    ngx_ws_session_t      *session;      /* that was, until it is taken */
    uint64_t               ticket;
    ngx_str_t              from;
    ngx_str_t              state;        /* on its way */
    ngx_ws_letter_t        letter;
    ngx_event_t            timer;
    uint16_t               changes;
    unsigned               quiet:1;
    u_char                 data[];
} ngx_ws_handover_t;


static ngx_ws_handover_t *ngx_ws_handover_find(ngx_ws_worker_t *w,
    ngx_str_t *head, ngx_uint_t answer);
static void ngx_ws_handover_quiet(void *data);
static void ngx_ws_handover_ended(void *data);
static void ngx_ws_handover_channels(ngx_ws_handover_t *ho);
static void ngx_ws_handover_give(ngx_ws_handover_t *ho);
static void ngx_ws_handover_given(void *data, ngx_int_t rc,
    ngx_str_t *owner);
static void ngx_ws_handover_timeout(ngx_event_t *ev);
static void ngx_ws_handover_abandon(ngx_ws_handover_t *ho);
static void ngx_ws_handover_free(ngx_ws_handover_t *ho);

static ngx_int_t ngx_ws_handover_send(ngx_ws_transport_t *t,
    ngx_ws_buf_t *wb);
static void ngx_ws_handover_close(ngx_ws_transport_t *t, ngx_uint_t code);
static void ngx_ws_handover_flow(ngx_ws_transport_t *t);
static ngx_ws_send_queue_t *ngx_ws_handover_queue(ngx_ws_transport_t *t);


static const ngx_ws_poll_upgrade_t  ngx_ws_handover_upgrade = {
    ngx_ws_handover_quiet,
    ngx_ws_handover_ended
};


/* what the session stands on until the other worker has said that it has it */

static const ngx_ws_transport_ops_t  ngx_ws_handover_ops = {
    ngx_string("polling"),
    NGX_WS_METRIC_CONNECTIONS_POLLING,
    ngx_ws_handover_send,
    ngx_ws_handover_close,
    ngx_ws_handover_flow,
    ngx_ws_handover_flow,
    ngx_ws_handover_queue,
    NULL,
    NULL
};


void
ngx_ws_handover_offer(ngx_ws_worker_t *w, ngx_str_t *sid, uint64_t ticket,
    ngx_str_t *from)
{
    u_char             *p;
    ngx_ws_poll_t      *poll;
    ngx_ws_handover_t  *ho;

    poll = ngx_ws_poll_find(w, sid);
    if (poll == NULL) {
        return;
    }

    ho = ngx_calloc(sizeof(ngx_ws_handover_t) + sid->len + from->len, w->log);
    if (ho == NULL) {
        return;
    }

    ho->worker = w;
    ho->poll = poll;
    ho->ticket = ticket;

    p = ho->data;

    ho->node.str.len = sid->len;
    ho->node.str.data = p;
    p = ngx_cpymem(p, sid->data, sid->len);

    ho->from.len = from->len;
    ho->from.data = p;
    ngx_memcpy(p, from->data, from->len);

    ho->node.node.key = ngx_crc32_short(sid->data, sid->len);
    ngx_rbtree_insert(&w->relay->handovers, &ho->node.node);

    ho->transport.ops = &ngx_ws_handover_ops;
    ho->transport.log = w->log;

    ho->timer.data = ho;
    ho->timer.handler = ngx_ws_handover_timeout;
    ho->timer.log = w->log;
    ho->timer.cancelable = 1;

    ngx_ws_poll_upgrade_attach(poll, &ngx_ws_handover_upgrade, ho);
}


void
ngx_ws_handovers_cleanup(ngx_ws_worker_t *w)
{
    ngx_rbtree_t  *tree;

    tree = &w->relay->handovers;

    while (tree->root != tree->sentinel) {
        ngx_ws_handover_free(ngx_rbtree_data(tree->root, ngx_ws_handover_t,
                                             node.node));
    }
}


/* head: sid ticket from; with answer, whoever asks for nothing is told so */

static ngx_ws_handover_t *
ngx_ws_handover_find(ngx_ws_worker_t *w, ngx_str_t *head, ngx_uint_t answer)
{
    uint64_t            ticket;
    ngx_str_t           sid, from;
    ngx_str_node_t     *node;
    ngx_ws_handover_t  *ho;

    ngx_ws_bus_word(head, &sid);

    if (ngx_ws_bus_number(head, &ticket) != NGX_OK) {
        return NULL;
    }

    ngx_ws_bus_word(head, &from);

    node = ngx_str_rbtree_lookup(&w->relay->handovers, &sid,
                                 ngx_crc32_short(sid.data, sid.len));

    if (node) {
        ho = ngx_rbtree_data(node, ngx_ws_handover_t, node);

        if (ho->ticket == ticket && ho->from.len == from.len
            && ngx_memcmp(ho->from.data, from.data, from.len) == 0)
        {
            return ho;
        }
    }

    if (answer) {
        ngx_ws_letter_post(w, &from, NULL, "ended %V %uL", &sid, ticket);
    }

    return NULL;
}


void
ngx_ws_handover_on_probe(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_handover_t  *ho;

    ho = ngx_ws_handover_find(w, head, 1);

    if (ho && ho->poll) {
        ngx_ws_poll_upgrade_release(ho->poll);
    }
}


void
ngx_ws_handover_on_stay(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_handover_t  *ho;

    ho = ngx_ws_handover_find(w, head, 0);

    if (ho && ho->poll) {
        ngx_ws_poll_upgrade_stay(ho->poll);
        ngx_ws_handover_free(ho);
    }
}


void
ngx_ws_handover_on_move(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_handover_t  *ho;

    ho = ngx_ws_handover_find(w, head, 1);

    if (ho && ho->poll) {
        ngx_ws_poll_upgrade_quiet(ho->poll, 1);
    }
}


static void
ngx_ws_handover_quiet(void *data)
{
    ngx_ws_handover_t *ho = data;

    ho->quiet = 1;
    ngx_ws_handover_channels(ho);
}


/* The session has ended, or the client was too slow. */

static void
ngx_ws_handover_ended(void *data)
{
    ngx_ws_handover_t *ho = data;

    ngx_ws_letter_post(ho->worker, &ho->from, NULL, "ended %V %uL",
                       &ho->node.str, ho->ticket);
    ngx_ws_handover_free(ho);
}


static void
ngx_ws_handover_channels(ngx_ws_handover_t *ho)
{
    ngx_ws_session_t  *s;

    s = ho->poll->transport.data;

    ngx_ws_letter_cancel(&ho->letter);

    if (ho->state.data) {
        ngx_free(ho->state.data);
    }

    ho->state.len = ngx_ws_state_channels(NULL, s);

    ho->state.data = ngx_alloc(ho->state.len, s->transport->log);
    if (ho->state.data == NULL) {
        /* the other one gives up after some time */
        return;
    }

    (void) ngx_ws_state_channels(ho->state.data, s);

    ho->changes = s->changes;

    ho->letter.worker = ho->worker;
    ho->letter.to = ho->from;
    ho->letter.body = ho->state;
    ho->letter.sent = ngx_ws_handover_given;
    ho->letter.data = ho;

    (void) ngx_ws_letter_send(&ho->letter, "channels %V %uL %uL",
                              &ho->node.str, ho->ticket,
                              (uint64_t) s->node.key);
}


void
ngx_ws_handover_on_mark(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_session_t   *s;
    ngx_ws_handover_t  *ho;

    ho = ngx_ws_handover_find(w, head, 1);

    if (ho == NULL || ho->poll == NULL || !ho->quiet) {
        return;
    }

    s = ho->poll->transport.data;

    if (s->changes != ho->changes) {
        /* joined or left meanwhile: once more */
        ngx_ws_handover_channels(ho);
        return;
    }

    ngx_ws_handover_give(ho);
}


/* What comes from now on is the other worker's. */

static void
ngx_ws_handover_give(ngx_ws_handover_t *ho)
{
    ngx_ws_poll_t     *poll;
    ngx_ws_session_t  *s;

    poll = ho->poll;
    s = poll->transport.data;

    ngx_ws_letter_cancel(&ho->letter);

    if (ho->state.data) {
        ngx_free(ho->state.data);
    }

    ngx_ws_delivery_heard_all(s);

    ho->state.len = ngx_ws_state_encode(NULL, s, &poll->queue);

    ho->state.data = ngx_alloc(ho->state.len, s->transport->log);
    if (ho->state.data == NULL) {
        return;
    }

    (void) ngx_ws_state_encode(ho->state.data, s, &poll->queue);

    ngx_ws_session_freeze(s, &ho->transport);
    ngx_ws_poll_upgrade_leave(poll);

    ho->session = s;
    ho->poll = NULL;

    ho->letter.body = ho->state;

    if (ngx_ws_letter_send(&ho->letter, "state %V %uL", &ho->node.str,
                           ho->ticket)
        != NGX_OK)
    {
        ngx_ws_handover_abandon(ho);
        return;
    }

    ngx_add_timer(&ho->timer, NGX_WS_HANDOVER_TIMEOUT);
}


static void
ngx_ws_handover_given(void *data, ngx_int_t rc, ngx_str_t *owner)
{
    ngx_ws_handover_t *ho = data;

    ngx_free(ho->state.data);
    ngx_str_null(&ho->state);

    if (rc == NGX_DECLINED && ho->session) {
        /* the other worker has died */
        ngx_ws_handover_abandon(ho);
    }
}


void
ngx_ws_handover_on_taken(ngx_ws_worker_t *w, ngx_str_t *head, ngx_str_t *body)
{
    ngx_ws_handover_t  *ho;

    ho = ngx_ws_handover_find(w, head, 0);

    if (ho && ho->session) {
        ngx_ws_session_release(ho->session);
        ngx_ws_handover_free(ho);
    }
}


/* Nobody has said that he has the session: it has ended. */

static void
ngx_ws_handover_timeout(ngx_event_t *ev)
{
    ngx_ws_handover_t  *ho;

    ho = ev->data;

    if (ho->session == NULL) {
        ngx_ws_handover_free(ho);
        return;
    }

    ngx_ws_handover_abandon(ho);
}


static void
ngx_ws_handover_abandon(ngx_ws_handover_t *ho)
{
    ngx_log_error(NGX_LOG_WARN, ho->worker->log, 0,
                  "worker %V has not taken a session", &ho->from);

    ngx_ws_session_abandon(ho->session);
    ngx_ws_handover_free(ho);
}


static void
ngx_ws_handover_free(ngx_ws_handover_t *ho)
{
    ngx_ws_letter_cancel(&ho->letter);

    if (ho->timer.timer_set) {
        ngx_del_timer(&ho->timer);
    }

    if (ho->state.data) {
        ngx_free(ho->state.data);
    }

    ngx_rbtree_delete(&ho->worker->relay->handovers, &ho->node.node);
    ngx_free(ho);
}


static ngx_int_t
ngx_ws_handover_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb)
{
    return NGX_BUSY;
}


/* It was ended here after all, for instance by its user. */

static void
ngx_ws_handover_close(ngx_ws_transport_t *t, ngx_uint_t code)
{
    ngx_ws_handover_t  *ho;

    ho = (ngx_ws_handover_t *) t;

    /* it stands here until it is freed, in this turn of the loop */

    ho->session = NULL;
    ngx_add_timer(&ho->timer, 1);
}


static void
ngx_ws_handover_flow(ngx_ws_transport_t *t)
{
    /* void */
}


static ngx_ws_send_queue_t *
ngx_ws_handover_queue(ngx_ws_transport_t *t)
{
    return NULL;
}
