
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_EVENT_H_INCLUDED_
#define _NGX_WS_EVENT_H_INCLUDED_


#include <ngx_ws_session.h>


/*
 * The events of clients: one table, one dispatcher.  Events of a client are
 * begun in their order; one that the following depend on holds them until it
 * is done.
 */

typedef struct {
    ngx_str_t        name;
    ngx_uint_t       flags;
    void           (*handler)(ngx_ws_session_t *s, ngx_ws_call_t *call,
                              ngx_ws_json_t *in);
} ngx_ws_event_t;

#define NGX_WS_EVENT_ANONYMOUS  0x01   /* before authentication, too */
#define NGX_WS_EVENT_HOLD       0x02   /* the next ones wait for its end */


/* The application behind the main namespace. */
extern const ngx_ws_session_app_t  ngx_ws_event_app;

/*
 * Refuses an event, before a call was made for it: in its acknowledgement if
 * it asks for one, else by an "error" event.  pkt may be NULL.
 */
void ngx_ws_event_refuse(ngx_ws_session_t *s, ngx_ws_packet_t *pkt,
    ngx_ws_error_e error);

/*
 * Counts an event that has come: NGX_OK, NGX_DECLINED it is one too many and
 * was refused, NGX_DONE the session was closed.  pkt may be NULL.
 */
ngx_int_t ngx_ws_event_admit(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);

/* The same for a login that is no event. */
void ngx_ws_event_refuse_auth(ngx_ws_session_t *s, ngx_ws_error_e error);

/* Socket.IO's CONNECT_ERROR. */
void ngx_ws_event_connect_error(ngx_ws_session_t *s, ngx_str_t *nsp,
    ngx_ws_error_e error);

/* The session ends: calls under way go on and answer nobody. */
void ngx_ws_event_detach(ngx_ws_session_t *s);

/* Whose event the call is; NULL once that session has ended. */
ngx_ws_session_t *ngx_ws_event_session(ngx_ws_call_t *call);

/*
 * The client says that it types there; it can't say any more that it has
 * stopped; it says so to another worker from now on.
 */
void ngx_ws_event_typing_add(ngx_ws_session_t *s, ngx_str_t *conversation);
void ngx_ws_event_typing_cleanup(ngx_ws_session_t *s);
void ngx_ws_event_typing_forget(ngx_ws_session_t *s);

/*
 * A REST call lets a socket of this worker join or leave a channel; rest is
 * described in ngx_ws_listen.h.
 */
void ngx_ws_event_remote(ngx_ws_worker_t *w, ngx_str_t *rest,
    ngx_uint_t listens);

/* Stops or resumes the client's messages by what is under way. */
void ngx_ws_event_flow(ngx_ws_session_t *s);


/* Handlers of the table. */
void ngx_ws_event_subscribe(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_unsubscribe(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_presence(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_typing(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_message_direct(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_message_group(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_message_delivered(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_broadcast(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);
void ngx_ws_event_notification(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);


#endif /* _NGX_WS_EVENT_H_INCLUDED_ */
