
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RELAY_PEER_H_INCLUDED_
#define _NGX_WS_RELAY_PEER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_letter.h>
#include <ngx_ws_relay.h>


/*
 * A worker that holds requests of ours.  It is asked each second whether it
 * lives; when it does not answer for four, its calls are lost.  Without calls
 * it is forgotten.
 */

typedef struct {
    ngx_str_node_t             node;        /* its str is the incarnation */
    ngx_ws_relay_t            *relay;
    ngx_queue_t                calls;       /* who waits, links itself */
    ngx_event_t                timer;
    ngx_msec_t                 heard;       /* to be set when it answers */
    ngx_ws_letter_t            ping;
    u_char                     name[];
} ngx_ws_relay_peer_t;


/* The one with the name, which is made if need be; NULL without memory. */
ngx_ws_relay_peer_t *ngx_ws_relay_peer_get(ngx_ws_relay_t *relay,
    ngx_str_t *name);

/* The one that is there, or NULL. */
ngx_ws_relay_peer_t *ngx_ws_relay_peer_find(ngx_ws_relay_t *relay,
    ngx_str_t *name);

/* Nobody is told. */
void ngx_ws_relay_peer_destroy(ngx_ws_relay_peer_t *peer);


#endif /* _NGX_WS_RELAY_PEER_H_INCLUDED_ */
