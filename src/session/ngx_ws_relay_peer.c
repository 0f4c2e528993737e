
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_relay_peer.h>


#define NGX_WS_RELAY_PEER_TIMEOUT  4000    /* of its silence, ms */
#define NGX_WS_RELAY_PEER_PING     1000


static void ngx_ws_relay_peer_handler(ngx_event_t *ev);
static void ngx_ws_relay_peer_pinged(void *data, ngx_int_t rc,
    ngx_str_t *owner);
static void ngx_ws_relay_peer_dead(ngx_ws_relay_peer_t *peer);


ngx_ws_relay_peer_t *
ngx_ws_relay_peer_get(ngx_ws_relay_t *relay, ngx_str_t *name)
{
    ngx_ws_relay_peer_t  *peer;

    peer = ngx_ws_relay_peer_find(relay, name);

    if (peer) {
        return peer;
    }

    peer = ngx_calloc(sizeof(ngx_ws_relay_peer_t) + name->len,
                      relay->worker->log);
    if (peer == NULL) {
        return NULL;
    }

    peer->relay = relay;
    peer->heard = ngx_current_msec;

    ngx_memcpy(peer->name, name->data, name->len);

    peer->node.str.len = name->len;
    peer->node.str.data = peer->name;
    peer->node.node.key = ngx_crc32_short(name->data, name->len);

    ngx_rbtree_insert(&relay->peers, &peer->node.node);
    ngx_queue_init(&peer->calls);

    peer->ping.worker = relay->worker;
    peer->ping.to = peer->node.str;
    peer->ping.sent = ngx_ws_relay_peer_pinged;
    peer->ping.data = peer;

    peer->timer.data = peer;
    peer->timer.handler = ngx_ws_relay_peer_handler;
    peer->timer.log = relay->worker->log;
    peer->timer.cancelable = 1;

    ngx_add_timer(&peer->timer, NGX_WS_RELAY_PEER_PING);

    return peer;
}


ngx_ws_relay_peer_t *
ngx_ws_relay_peer_find(ngx_ws_relay_t *relay, ngx_str_t *name)
{
    ngx_str_node_t  *node;

    node = ngx_str_rbtree_lookup(&relay->peers, name,
                                 ngx_crc32_short(name->data, name->len));

    return node ? ngx_rbtree_data(node, ngx_ws_relay_peer_t, node) : NULL;
}


static void
ngx_ws_relay_peer_handler(ngx_event_t *ev)
{
    ngx_ws_relay_peer_t  *peer;

    peer = ev->data;

    if (ngx_queue_empty(&peer->calls)) {
        ngx_ws_relay_peer_destroy(peer);
        return;
    }

    if (ngx_current_msec - peer->heard >= NGX_WS_RELAY_PEER_TIMEOUT) {
        ngx_ws_relay_peer_dead(peer);
        return;
    }

    if (peer->ping.op == NULL) {
        (void) ngx_ws_letter_send(&peer->ping, "ping %V",
                                  &peer->relay->worker->incarnation);
    }

    ngx_add_timer(&peer->timer, NGX_WS_RELAY_PEER_PING);
}


static void
ngx_ws_relay_peer_pinged(void *data, ngx_int_t rc, ngx_str_t *owner)
{
    if (rc == NGX_DECLINED) {
        ngx_ws_relay_peer_dead(data);
    }
}


static void
ngx_ws_relay_peer_dead(ngx_ws_relay_peer_t *peer)
{
    ngx_log_error(NGX_LOG_WARN, peer->relay->worker->log, 0,
                  "worker %V does not answer, its polling sessions are over",
                  &peer->node.str);

    ngx_ws_relay_lost(&peer->calls);
    ngx_ws_relay_peer_destroy(peer);
}


void
ngx_ws_relay_peer_destroy(ngx_ws_relay_peer_t *peer)
{
    ngx_ws_letter_cancel(&peer->ping);

    if (peer->timer.timer_set) {
        ngx_del_timer(&peer->timer);
    }

    ngx_rbtree_delete(&peer->relay->peers, &peer->node.node);
    ngx_free(peer);
}
