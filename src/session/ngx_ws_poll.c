
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_eio.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_poll.h>
#include <ngx_ws_poll_announce.h>
#include <ngx_ws_poll_payload.h>
#include <ngx_ws_poll_upgrade.h>


#define NGX_WS_POLL_LINGER  30000      /* for the GET that gets the end */


static void ngx_ws_polls_leave(void *data);
static ngx_ws_poll_t *ngx_ws_poll_create(ngx_ws_session_params_t *params,
    ngx_log_t *log);
static ngx_ws_poll_t *ngx_ws_poll_lookup(ngx_ws_polls_t *polls,
    ngx_str_t *sid);

static void ngx_ws_poll_get(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr);
static void ngx_ws_poll_post(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr);
static void ngx_ws_poll_probe(ngx_ws_poll_t *poll,
    ngx_ws_poll_request_t *pr);
static void ngx_ws_poll_overlap(ngx_ws_poll_t *poll,
    ngx_ws_poll_request_t *pr);
static void ngx_ws_poll_answer(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_status_e status, ngx_ws_eio_error_e code);

static void ngx_ws_poll_handler(ngx_event_t *ev);
static void ngx_ws_poll_timer_handler(ngx_event_t *ev);

static ngx_int_t ngx_ws_poll_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb);
static void ngx_ws_poll_close(ngx_ws_transport_t *t, ngx_uint_t code);
static void ngx_ws_poll_pause(ngx_ws_transport_t *t);
static void ngx_ws_poll_resume(ngx_ws_transport_t *t);
static ngx_ws_send_queue_t *ngx_ws_poll_queue(ngx_ws_transport_t *t);

static void ngx_ws_poll_shut(ngx_ws_poll_t *poll, ngx_uint_t code);
static void ngx_ws_poll_destroy(ngx_ws_poll_t *poll);
static u_char *ngx_ws_poll_log_error(ngx_log_t *log, u_char *buf, size_t len);


static const ngx_ws_transport_ops_t  ngx_ws_poll_ops = {
    ngx_string("polling"),
    NGX_WS_METRIC_CONNECTIONS_POLLING,
    ngx_ws_poll_send,
    ngx_ws_poll_close,
    ngx_ws_poll_pause,
    ngx_ws_poll_resume,
    ngx_ws_poll_queue,
    NULL,
    NULL
};


ngx_ws_polls_t *
ngx_ws_polls_create(ngx_ws_worker_t *w)
{
    ngx_ws_polls_t  *polls;

    polls = ngx_calloc(sizeof(ngx_ws_polls_t), w->log);
    if (polls == NULL) {
        return NULL;
    }

    ngx_rbtree_init(&polls->tree, &polls->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_ws_poll_left_init(&polls->left, w->log);

    polls->goodbye.handler = ngx_ws_polls_leave;
    polls->goodbye.data = w;

    return polls;
}


void
ngx_ws_polls_destroy(ngx_ws_polls_t *polls)
{
    ngx_rbtree_node_t  *node;

    while (polls->tree.root != &polls->sentinel) {
        node = polls->tree.root;
        ngx_ws_poll_destroy(ngx_rbtree_data(node, ngx_ws_poll_t, node.node));
    }

    ngx_ws_goodbye_cleanup(&polls->goodbye);
    ngx_ws_poll_left_cleanup(&polls->left);
    ngx_free(polls);
}


/* The worker leaves: its sessions do so, each after some time. */

static void
ngx_ws_polls_leave(void *data)
{
    ngx_ws_worker_t *w = data;

    ngx_rbtree_t       *tree;
    ngx_ws_poll_t      *poll;
    ngx_rbtree_node_t  *node;

    tree = &w->polls->tree;

    if (tree->root == tree->sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(tree->root, tree->sentinel);
         node;
         node = ngx_rbtree_next(tree, node))
    {
        poll = ngx_rbtree_data(node, ngx_ws_poll_t, node.node);

        if (poll->transport.handler) {
            poll->transport.handler->leaving(poll->transport.data);
        }
    }
}


ngx_uint_t
ngx_ws_poll_is_sid(ngx_str_t *sid)
{
    u_char  *p;

    if (sid->len != NGX_WS_RANDOM_ID_LEN) {
        return 0;
    }

    for (p = sid->data; p < sid->data + sid->len; p++) {

        if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
              || (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '_'))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_ws_poll_open(ngx_ws_session_params_t *params, ngx_log_t *log,
    ngx_ws_poll_request_t *pr)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_create(params, log);
    if (poll == NULL) {
        return NGX_ERROR;
    }

    params->sid = poll->node.str;

    if (ngx_ws_session_create(&poll->transport, params) != NGX_OK) {
        ngx_ws_poll_destroy(poll);
        return NGX_ERROR;
    }

    ngx_ws_goodbye_watch(&poll->worker->polls->goodbye);

    pr->sid.len = NGX_WS_RANDOM_ID_LEN;
    ngx_memcpy(pr->sid.data, poll->sid, NGX_WS_RANDOM_ID_LEN);

    if (poll->worker->relay) {
        ngx_ws_poll_announce(poll);
    }

    ngx_ws_poll_get(poll, pr);

    return NGX_OK;
}


static ngx_ws_poll_t *
ngx_ws_poll_create(ngx_ws_session_params_t *params, ngx_log_t *log)
{
    size_t          len;
    ngx_ws_poll_t  *poll;

    len = ngx_min(params->address.len, NGX_SOCKADDR_STRLEN);

    poll = ngx_calloc(sizeof(ngx_ws_poll_t) + len, log);
    if (poll == NULL) {
        return NULL;
    }

    poll->worker = params->worker;
    poll->conf = params->conf;

    poll->address_len = (uint8_t) len;
    ngx_memcpy(poll->address, params->address.data, len);

    poll->log = *log;
    poll->log.data = poll;
    poll->log.handler = ngx_ws_poll_log_error;
    poll->log.action = "polling";

    poll->transport.ops = &ngx_ws_poll_ops;
    poll->transport.log = &poll->log;

    poll->event.data = poll;
    poll->event.handler = ngx_ws_poll_handler;
    poll->event.log = &poll->log;

    poll->timer.data = poll;
    poll->timer.handler = ngx_ws_poll_timer_handler;
    poll->timer.log = &poll->log;
    poll->timer.cancelable = 1;

    poll->upgrade_timer.data = poll;
    poll->upgrade_timer.handler = ngx_ws_poll_upgrade_timeout;
    poll->upgrade_timer.log = &poll->log;

    ngx_ws_random_id(poll->sid);

    poll->node.str.len = NGX_WS_RANDOM_ID_LEN;
    poll->node.str.data = poll->sid;
    poll->node.node.key = ngx_crc32_short(poll->sid, NGX_WS_RANDOM_ID_LEN);

    ngx_rbtree_insert(&poll->worker->polls->tree, &poll->node.node);

    return poll;
}


static ngx_ws_poll_t *
ngx_ws_poll_lookup(ngx_ws_polls_t *polls, ngx_str_t *sid)
{
    ngx_str_node_t  *node;

    node = ngx_str_rbtree_lookup(&polls->tree, sid,
                                 ngx_crc32_short(sid->data, sid->len));

    return node ? ngx_rbtree_data(node, ngx_ws_poll_t, node) : NULL;
}


ngx_ws_poll_t *
ngx_ws_poll_find(ngx_ws_worker_t *w, ngx_str_t *sid)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_lookup(w->polls, sid);

    return (poll && !poll->closing) ? poll : NULL;
}


ngx_int_t
ngx_ws_poll_begin(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_find(w, &pr->sid);

    if ((poll && poll->quiet)
        || ngx_ws_poll_left_has(&w->polls->left, &pr->sid))
    {
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_REQUEST);
        return NGX_DONE;
    }

    if (poll == NULL) {
        return NGX_DECLINED;
    }

    if (poll->post) {
        ngx_ws_poll_overlap(poll, pr);
        return NGX_DONE;
    }

    poll->post = pr;

    return NGX_OK;
}


ngx_int_t
ngx_ws_poll_request(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_lookup(w->polls, &pr->sid);

    if (poll == NULL) {

        if (!ngx_ws_poll_left_has(&w->polls->left, &pr->sid)) {
            return NGX_DECLINED;
        }

        ngx_ws_poll_answer(pr, pr->kind == NGX_WS_POLL_PROBE
                               ? NGX_WS_POLL_BUSY : NGX_WS_POLL_REFUSED,
                           NGX_WS_EIO_BAD_REQUEST);
        return NGX_OK;
    }

    if (!poll->closing && ngx_ws_session_overdue(poll->transport.data)) {
        /* the timer is late */
        ngx_ws_session_close(poll->transport.data, NGX_WS_PING_TIMEOUT);
    }

    switch (pr->kind) {

    case NGX_WS_POLL_GET:
        ngx_ws_poll_get(poll, pr);
        break;

    case NGX_WS_POLL_POST:
        ngx_ws_poll_post(poll, pr);
        break;

    case NGX_WS_POLL_PROBE:
        ngx_ws_poll_probe(poll, pr);
        break;
    }

    return NGX_OK;
}


static void
ngx_ws_poll_get(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr)
{
    if (poll->last) {
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_SID);
        return;
    }

    if (poll->quiet) {
        /* the client has gone over to its WebSocket */
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_REQUEST);
        return;
    }

    if (poll->get) {
        ngx_ws_poll_overlap(poll, pr);
        return;
    }

    poll->get = pr;

    /* the client has the answer before */
    poll->transport.relayed = 0;

    ngx_ws_poll_wake(poll);

    if (poll->releasing) {
        ngx_ws_poll_upgrade_release(poll);
    }
}


static void
ngx_ws_poll_post(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr)
{
    if (poll->closing && !poll->last && !poll->bye) {
        /* the client may have been told, and closes on its side */
        ngx_ws_poll_cancel(poll->worker, pr);
        ngx_ws_poll_answer(pr, NGX_WS_POLL_OK, NGX_WS_EIO_BAD_REQUEST);
        return;
    }

    if (poll->closing) {
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_SID);
        return;
    }

    if (poll->quiet) {
        ngx_ws_poll_cancel(poll->worker, pr);
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_REQUEST);
        return;
    }

    if (poll->post && poll->post != pr) {
        ngx_ws_poll_overlap(poll, pr);
        return;
    }

    ngx_ws_metric_add(BYTES_RECEIVED, pr->body.len);

    poll->post = pr;
    poll->pos = pr->body.len ? pr->body.data : (u_char *) "";
    poll->end = poll->pos + pr->body.len;
    poll->reading = 1;

    ngx_ws_poll_payload_read(poll);
}


static void
ngx_ws_poll_probe(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr)
{
    if (poll->closing) {
        ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_SID);
        return;
    }

    if (poll->upgrading) {
        ngx_ws_poll_answer(pr, NGX_WS_POLL_BUSY, NGX_WS_EIO_BAD_REQUEST);
        return;
    }

    poll->upgrading = 1;
    ngx_add_timer(&poll->upgrade_timer, poll->conf->upgrade_timeout);

    ngx_ws_poll_answer(pr, NGX_WS_POLL_OK, NGX_WS_EIO_BAD_REQUEST);
}


/*
 * A client has one GET and one POST at a time: whoever breaks that ends the
 * session, as with the reference server.
 */

static void
ngx_ws_poll_overlap(ngx_ws_poll_t *poll, ngx_ws_poll_request_t *pr)
{
    ngx_log_error(NGX_LOG_INFO, &poll->log, 0,
                  "client sent a request before the end of another");

    ngx_ws_poll_detach(poll, NGX_WS_CLOSE_PROTOCOL);
    ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_REQUEST);
}


void
ngx_ws_poll_refuse_get(ngx_ws_poll_t *poll)
{
    ngx_ws_poll_request_t  *pr;

    pr = poll->get;
    poll->get = NULL;

    ngx_ws_poll_answer(pr, NGX_WS_POLL_REFUSED, NGX_WS_EIO_BAD_REQUEST);
}


static void
ngx_ws_poll_answer(ngx_ws_poll_request_t *pr, ngx_ws_poll_status_e status,
    ngx_ws_eio_error_e code)
{
    ngx_ws_poll_answer_t  answer;

    ngx_memzero(&answer, sizeof(ngx_ws_poll_answer_t));

    answer.status = status;
    answer.code = code;

    pr->answer(pr, &answer);
}


void
ngx_ws_poll_release(ngx_ws_worker_t *w, ngx_str_t *sid)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_find(w, sid);

    if (poll && poll->get) {
        poll->released = 1;
        ngx_ws_poll_wake(poll);
    }
}


void
ngx_ws_poll_cancel(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_lookup(w->polls, &pr->sid);

    if (poll && poll->post == pr) {
        poll->post = NULL;
    }
}


ngx_int_t
ngx_ws_poll_gone(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr)
{
    ngx_ws_poll_t  *poll;

    poll = ngx_ws_poll_lookup(w->polls, &pr->sid);

    if (poll == NULL) {
        return ngx_ws_poll_left_has(&w->polls->left, &pr->sid) ? NGX_OK
                                                               : NGX_DECLINED;
    }

    if (poll->get == pr) {
        poll->get = NULL;
    }

    if (poll->post == pr) {
        poll->post = NULL;
        poll->pos = NULL;
        poll->reading = 0;
        poll->withheld = 0;
    }

    ngx_log_error(NGX_LOG_INFO, &poll->log, 0,
                  "client has dropped a request");

    poll->last = 1;

    ngx_ws_poll_detach(poll, NGX_WS_CLOSE_ABNORMAL);
    ngx_ws_poll_wake(poll);

    return NGX_OK;
}


static void
ngx_ws_poll_handler(ngx_event_t *ev)
{
    ngx_ws_poll_t  *poll;

    poll = ev->data;

    if (poll->slow && !poll->closing) {
        ngx_log_error(NGX_LOG_INFO, &poll->log, 0,
                      "client is too slow, %uz bytes are queued",
                      poll->queue.bytes);

        ngx_ws_send_drop(&poll->queue);
        ngx_ws_poll_detach(poll, NGX_WS_CLOSE_TRY_LATER);
    }

    if (poll->reading) {
        ngx_ws_poll_payload_read(poll);
    }

    ngx_ws_poll_payload_write(poll);

    if (poll->closing) {

        if (poll->last || poll->sent_close) {

            if (poll->withheld) {
                ngx_ws_poll_post_answer(poll);
            }

            ngx_ws_poll_destroy(poll);
        }

        return;
    }

    if (poll->quiet && !poll->quiet_told
        && ngx_ws_poll_upgrade_is_quiet(poll))
    {
        poll->quiet_told = 1;
        poll->upgrade->quiet(poll->upgrade_data);
    }
}


void
ngx_ws_poll_post_answer(ngx_ws_poll_t *poll)
{
    ngx_ws_poll_request_t  *pr;

    pr = poll->post;
    poll->post = NULL;

    ngx_ws_poll_answer(pr, poll->failed ? NGX_WS_POLL_REFUSED
                                        : NGX_WS_POLL_OK,
                       NGX_WS_EIO_BAD_REQUEST);
}


void
ngx_ws_poll_wake(ngx_ws_poll_t *poll)
{
    if (!poll->event.posted) {
        ngx_post_event(&poll->event, &ngx_posted_events);
    }
}


static void
ngx_ws_poll_timer_handler(ngx_event_t *ev)
{
    ngx_ws_poll_t  *poll;

    poll = ev->data;

    if (poll->closing) {
        poll->last = 1;

    } else {
        poll->released = 1;
    }

    ngx_ws_poll_wake(poll);
}


static ngx_int_t
ngx_ws_poll_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb)
{
    ngx_ws_poll_t  *poll;

    poll = (ngx_ws_poll_t *) t;

    if (poll->closing || poll->slow) {
        return NGX_BUSY;
    }

    if ((poll->queue.count
         && poll->queue.bytes + wb->size > poll->conf->send_queue)
        || ngx_ws_send_push(&poll->queue, wb, &poll->log) != NGX_OK)
    {
        poll->slow = 1;
    }

    if (poll->get || poll->slow) {
        ngx_ws_poll_wake(poll);
    }

    return poll->slow ? NGX_BUSY : NGX_OK;
}


static void
ngx_ws_poll_close(ngx_ws_transport_t *t, ngx_uint_t code)
{
    t->handler = NULL;

    ngx_ws_poll_shut((ngx_ws_poll_t *) t, code);
}


static void
ngx_ws_poll_pause(ngx_ws_transport_t *t)
{
    ((ngx_ws_poll_t *) t)->paused = 1;
}


static void
ngx_ws_poll_resume(ngx_ws_transport_t *t)
{
    ngx_ws_poll_t  *poll;

    poll = (ngx_ws_poll_t *) t;

    poll->paused = 0;

    if (poll->reading || poll->quiet) {
        ngx_ws_poll_wake(poll);
    }
}


static ngx_ws_send_queue_t *
ngx_ws_poll_queue(ngx_ws_transport_t *t)
{
    return &((ngx_ws_poll_t *) t)->queue;
}


void
ngx_ws_poll_detach(ngx_ws_poll_t *poll, ngx_uint_t code)
{
    const ngx_ws_transport_handler_t  *handler;

    handler = poll->transport.handler;

    if (handler) {
        poll->transport.handler = NULL;
        ngx_ws_poll_shut(poll, code);
        handler->closed(poll->transport.data, code);
    }
}


static void
ngx_ws_poll_shut(ngx_ws_poll_t *poll, ngx_uint_t code)
{
    const ngx_ws_poll_upgrade_t  *upgrade;

    poll->closing = 1;
    poll->quiet = 0;

    switch (code) {

    case NGX_WS_CLOSE_PROTOCOL:
    case NGX_WS_CLOSE_UNSUPPORTED:
    case NGX_WS_CLOSE_INVALID:
    case NGX_WS_CLOSE_TOO_BIG:
        poll->failed = 1;
        poll->last = 1;
        break;

    case NGX_WS_CLOSE_NORMAL:
    case NGX_WS_CLOSE_POLICY:
        /* what waits for the client tells it why */
        poll->last = poll->bye;
        break;

    default:
        poll->last = 1;
    }

    if (!poll->last) {
        ngx_add_timer(&poll->timer, NGX_WS_POLL_LINGER);
    }

    ngx_ws_poll_wake(poll);

    upgrade = poll->upgrade;
    ngx_ws_poll_upgrade_stay(poll);

    if (upgrade) {
        upgrade->ended(poll->upgrade_data);
    }
}


static void
ngx_ws_poll_destroy(ngx_ws_poll_t *poll)
{
    if (poll->worker->relay) {
        ngx_ws_poll_announce_end(poll, !poll->switched);
    }

    if (poll->event.posted) {
        ngx_delete_posted_event(&poll->event);
    }

    if (poll->timer.timer_set) {
        ngx_del_timer(&poll->timer);
    }

    if (poll->upgrade_timer.timer_set) {
        ngx_del_timer(&poll->upgrade_timer);
    }

    ngx_rbtree_delete(&poll->worker->polls->tree, &poll->node.node);

    ngx_ws_send_cleanup(&poll->queue);
    ngx_free(poll);
}


static u_char *
ngx_ws_poll_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char         *p;
    ngx_ws_poll_t  *poll;

    poll = log->data;

    p = ngx_snprintf(buf, len, " while %s, client: %*s", log->action,
                     (size_t) poll->address_len, poll->address);

    return p;
}
