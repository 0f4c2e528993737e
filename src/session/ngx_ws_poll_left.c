
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_poll_left.h>


typedef struct {
    ngx_str_node_t       node;
    ngx_queue_t          queue;
    ngx_msec_t           end;
    u_char               sid[];
} ngx_ws_poll_left_sid_t;


static void ngx_ws_poll_left_handler(ngx_event_t *ev);
static void ngx_ws_poll_left_remove(ngx_ws_poll_left_t *left,
    ngx_ws_poll_left_sid_t *gone);


void
ngx_ws_poll_left_init(ngx_ws_poll_left_t *left, ngx_log_t *log)
{
    ngx_rbtree_init(&left->tree, &left->sentinel, ngx_str_rbtree_insert_value);
    ngx_queue_init(&left->queue);

    left->log = log;
    left->timer.data = left;
    left->timer.handler = ngx_ws_poll_left_handler;
    left->timer.log = log;
    left->timer.cancelable = 1;
}


void
ngx_ws_poll_left_cleanup(ngx_ws_poll_left_t *left)
{
    ngx_queue_t  *q;

    if (left->timer.timer_set) {
        ngx_del_timer(&left->timer);
    }

    while (!ngx_queue_empty(&left->queue)) {
        q = ngx_queue_head(&left->queue);
        ngx_ws_poll_left_remove(left, ngx_queue_data(q, ngx_ws_poll_left_sid_t,
                                                     queue));
    }
}


void
ngx_ws_poll_left_add(ngx_ws_poll_left_t *left, ngx_str_t *sid,
    ngx_msec_t time)
{
    ngx_ws_poll_left_sid_t  *gone;

    gone = ngx_alloc(sizeof(ngx_ws_poll_left_sid_t) + sid->len, left->log);
    if (gone == NULL) {
        return;
    }

    ngx_memcpy(gone->sid, sid->data, sid->len);

    gone->end = ngx_current_msec + time;
    gone->node.str.len = sid->len;
    gone->node.str.data = gone->sid;
    gone->node.node.key = ngx_crc32_short(sid->data, sid->len);

    ngx_rbtree_insert(&left->tree, &gone->node.node);
    ngx_queue_insert_tail(&left->queue, &gone->queue);

    if (!left->timer.timer_set) {
        ngx_add_timer(&left->timer, time);
    }
}


ngx_uint_t
ngx_ws_poll_left_has(ngx_ws_poll_left_t *left, ngx_str_t *sid)
{
    return ngx_str_rbtree_lookup(&left->tree, sid,
                                 ngx_crc32_short(sid->data, sid->len))
           != NULL;
}


static void
ngx_ws_poll_left_handler(ngx_event_t *ev)
{
    ngx_queue_t             *q;
    ngx_msec_int_t           time;
    ngx_ws_poll_left_t      *left;
    ngx_ws_poll_left_sid_t  *gone;

    left = ev->data;

    while (!ngx_queue_empty(&left->queue)) {
        q = ngx_queue_head(&left->queue);
        gone = ngx_queue_data(q, ngx_ws_poll_left_sid_t, queue);

        time = (ngx_msec_int_t) (gone->end - ngx_current_msec);

        if (time > 0) {
            ngx_add_timer(&left->timer, time);
            return;
        }

        ngx_ws_poll_left_remove(left, gone);
    }
}


static void
ngx_ws_poll_left_remove(ngx_ws_poll_left_t *left,
    ngx_ws_poll_left_sid_t *gone)
{
    ngx_queue_remove(&gone->queue);
    ngx_rbtree_delete(&left->tree, &gone->node.node);
    ngx_free(gone);
}
