
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_POLL_UPGRADE_H_INCLUDED_
#define _NGX_WS_POLL_UPGRADE_H_INCLUDED_


#include <ngx_ws_poll.h>


/*
 * From polling to a WebSocket: whoever got NGX_WS_POLL_OK for a PROBE may
 * attach himself and take the session over, within the time for upgrades.
 */

struct ngx_ws_poll_upgrade_s {
    /* what ngx_ws_poll_upgrade_quiet() waits for has come */
    void            (*quiet)(void *data);

    /* there is no session any more, or the time is over: it is detached */
    void            (*ended)(void *data);
};


void ngx_ws_poll_upgrade_attach(ngx_ws_poll_t *poll,
    const ngx_ws_poll_upgrade_t *upgrade, void *data);

/* The WebSocket has been probed: GETs do not wait for packets from now on. */
void ngx_ws_poll_upgrade_release(ngx_ws_poll_t *poll);

/*
 * The client does not poll any more: quiet() is called, not from inside, when
 * nothing of a POST is left to be read, nor any call of the client's events
 * under way if calls is set.
 */
void ngx_ws_poll_upgrade_quiet(ngx_ws_poll_t *poll, ngx_uint_t calls);

/* The session goes on with t, first with what is queued. */
void ngx_ws_poll_upgrade_switch(ngx_ws_poll_t *poll, ngx_ws_transport_t *t);

/* The same without a session: whoever had it has let go of it. */
void ngx_ws_poll_upgrade_leave(ngx_ws_poll_t *poll);

/* The upgrade has failed: polling goes on. */
void ngx_ws_poll_upgrade_stay(ngx_ws_poll_t *poll);


/*
 * For the transport itself.
 */

ngx_uint_t ngx_ws_poll_upgrade_is_quiet(ngx_ws_poll_t *poll);
void ngx_ws_poll_upgrade_timeout(ngx_event_t *ev);


#endif /* _NGX_WS_POLL_UPGRADE_H_INCLUDED_ */
