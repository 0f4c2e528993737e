
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SESSION_H_INCLUDED_
#define _NGX_WS_SESSION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_call.h>
#include <ngx_ws_dialect.h>
#include <ngx_ws_timer.h>
#include <ngx_ws_transport.h>
#include <ngx_ws_worker.h>


/*
 * The socket door: one session a client, whichever transport it stands on.
 */

typedef struct ngx_ws_session_s  ngx_ws_session_t;
typedef struct ngx_ws_delivery_s  ngx_ws_delivery_t;
typedef struct ngx_ws_login_s    ngx_ws_login_t;


/*
 * How messages of the client become packets: Engine.IO, the raw dialect or
 * plain echo.
 */

typedef struct {
    /* sid is of a session by polling, else empty */
    ngx_int_t           (*open)(ngx_ws_session_t *s, ngx_str_t *sid);
    void                (*message)(ngx_ws_session_t *s, ngx_uint_t opcode,
                                   u_char *p, size_t len);
    void                (*ping)(ngx_ws_session_t *s);
} ngx_ws_session_wire_t;


/* What packets do: the application, or its echo. */

typedef struct {
    void                (*packet)(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);
    void                (*binary)(ngx_ws_session_t *s, u_char *p, size_t len);
} ngx_ws_session_app_t;


/* A conversation in which the client says that it types. */

typedef struct ngx_ws_session_typing_s  ngx_ws_session_typing_t;

struct ngx_ws_session_typing_s {
    ngx_ws_session_typing_t      *next;
    ngx_str_t                     conversation;
};


/* Whoever has logged out, for the line in the log at the session's end. */

typedef struct {
    uint64_t                      user;
    uint64_t                      tenant;
    ngx_str_t                     connection_id;
    u_char                        data[];
} ngx_ws_session_past_t;


/* What is known of the client until it has authenticated. */

typedef struct {
    ngx_str_t                     token;
    ngx_str_t                     address;
    ngx_str_t                     agent;
    u_char                        data[];
} ngx_ws_session_client_t;


/*
 * There may be a hundred thousand: what is known elsewhere is not kept here,
 * and short times are the lower 32 bits of ngx_current_msec.
 */

struct ngx_ws_session_s {
    ngx_rbtree_node_t             node;         /* key is the number */

    ngx_ws_transport_t           *transport;
    const ngx_ws_dialect_t       *dialect;      /* NULL: plain echo */

    ngx_ws_worker_t              *worker;
    ngx_ws_session_conf_t        *conf;

    ngx_ws_identity_t            *identity;     /* NULL until authenticated */
    ngx_queue_t                   holder;       /* of identity->sockets */
    ngx_str_t                     connection_id;
    ngx_ws_subscription_t        *subscriptions;

    ngx_ws_login_t               *login;        /* under way */
    ngx_queue_t                   answers;      /* of calls under way */

    ngx_ws_delivery_t            *delivery;     /* messages under way */
    uint64_t                      delivered;    /* seq of the latest */
    ngx_ws_session_typing_t      *typings;      /* begun by this socket */

    void                         *state;        /* of echo, or _past_t */

    ngx_ws_session_client_t      *client;       /* never NULL */

    ngx_ws_timer_t                timer;
    ngx_msec_t                    begun;

    uint64_t                      received;     /* bytes of messages */
    uint64_t                      sent;
    uint64_t                      rate;         /* of events, see there */

    uint32_t                      started;      /* to wait for its client */
    uint32_t                      pinged;       /* or heard, if not pinging */
    uint32_t                      touched;

    uint32_t                      nreceived;
    uint32_t                      nsent;
    uint32_t                      refused;      /* events */

    uint32_t                      nsubscriptions;
    uint16_t                      nanswers;
    uint16_t                      skip;         /* attachments to ignore */
    uint16_t                      changes;      /* of subscriptions */

    unsigned                      held:1;       /* events wait for one */
    unsigned                      pinging:1;    /* waits for the answer */
    unsigned                      leaving:1;
    unsigned                      moving:1;     /* to another worker */
    unsigned                      shell:1;      /* from another worker */
    unsigned                      frozen:1;     /* given to another one */
    unsigned                      connected:1;  /* to the main namespace */
    unsigned                      custom:1;     /* to "/custom", in echo */
};


typedef struct {
    ngx_ws_worker_t              *worker;
    ngx_ws_session_conf_t        *conf;
    const ngx_ws_dialect_t       *dialect;      /* NULL: plain echo */
    ngx_str_t                     sid;          /* of Engine.IO, if known */
    ngx_str_t                     owner;        /* of the sid, if not here */
    uint64_t                      ticket;       /* the owner's permission */
    ngx_str_t                     token;        /* of Authorization */
    ngx_str_t                     address;      /* the client's, as text */
    ngx_str_t                     agent;        /* User-Agent */
} ngx_ws_session_params_t;


/*
 * A client has come by the transport: the session greets it and lives until
 * the transport's end.  Strings are copied.  NGX_ERROR without memory, the
 * transport is the caller's to close.
 */
ngx_int_t ngx_ws_session_create(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params);

/*
 * The session goes on with another transport: what its former one still had
 * to send and to deliver has gone to the new one, or to the session.
 */
void ngx_ws_session_switch(ngx_ws_session_t *s, ngx_ws_transport_t *t);

/*
 * A session that moves: _shell() makes one here, without a timer, which is
 * filled in and then goes on by _resume(); _freeze() leaves the one there
 * without channels and timer, to end by _release() without a trace, or by
 * _abandon() as every session does.
 */
ngx_ws_session_t *ngx_ws_session_shell(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params, uint64_t number);
void ngx_ws_session_resume(ngx_ws_session_t *s, ngx_ws_transport_t *t);
void ngx_ws_session_freeze(ngx_ws_session_t *s, ngx_ws_transport_t *t);
void ngx_ws_session_release(ngx_ws_session_t *s);
void ngx_ws_session_abandon(ngx_ws_session_t *s);

/* ngx_ws_session_control.c: a verb on the worker's own channel. */
void ngx_ws_session_control(ngx_ws_worker_t *w, ngx_str_t *verb,
    ngx_str_t *rest);

/* What the worker calls: see ngx_ws_worker_handler_t. */
extern const ngx_ws_worker_handler_t  ngx_ws_session_worker_handler;


/*
 * For the files of the session layer.
 */

/* What the session's packets do. */
const ngx_ws_session_app_t *ngx_ws_session_app(ngx_ws_session_t *s);

/* How many milliseconds ago one of its short times was. */
#define ngx_ws_session_since(msec)  ((uint32_t) ngx_current_msec - (msec))

/* The client lives: the next ping can wait; it has not answered the last. */
void ngx_ws_session_alive(ngx_ws_session_t *s);
ngx_uint_t ngx_ws_session_overdue(ngx_ws_session_t *s);

/* A ping now, unless one waits for its answer. */
void ngx_ws_session_ask(ngx_ws_session_t *s);

/* Closes the transport with the error's code and ends the session. */
void ngx_ws_session_close(ngx_ws_session_t *s, ngx_ws_error_e error);

/* The same after the dialect's own goodbye: the client does not come back. */
void ngx_ws_session_dismiss(ngx_ws_session_t *s, ngx_ws_error_e error);

/* The identity counts from now on, whose reference is taken over; or NULL. */
void ngx_ws_session_identify(ngx_ws_session_t *s, ngx_ws_identity_t *id);

/* Whoever was authenticated is so no more: channels, connection, identity. */
void ngx_ws_session_logout(ngx_ws_session_t *s);

/*
 * ngx_ws_session_log.c: the line in the log at the session's end, and the
 * counter of the code; who logs out before is remembered for it.
 */
void ngx_ws_session_log_end(ngx_ws_session_t *s, ngx_uint_t code,
    const ngx_str_t *reason);
void ngx_ws_session_log_past(ngx_ws_session_t *s);

/*
 * Channels by their key in Redis, as ngx_ws_channel_join() and _leave() have
 * them.
 */
ngx_int_t ngx_ws_session_join(ngx_ws_session_t *s, ngx_str_t *channel);
ngx_int_t ngx_ws_session_leave(ngx_ws_session_t *s, ngx_str_t *channel);
void ngx_ws_session_leave_all(ngx_ws_session_t *s);

/* The live socket of this worker with the number, or NULL. */
ngx_ws_session_t *ngx_ws_session_find(ngx_ws_worker_t *w, uint64_t number);

/* An event of a channel that was encoded: a reference is taken, not given. */
void ngx_ws_session_deliver_buf(ngx_ws_session_t *s, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb);

/* Sends a buffer and lets go of it. */
void ngx_ws_session_send(ngx_ws_session_t *s, ngx_ws_buf_t *wb);

/* data is one JSON value, or empty. */
void ngx_ws_session_send_event(ngx_ws_session_t *s, const char *event,
    ngx_str_t *data);
void ngx_ws_session_send_ack(ngx_ws_session_t *s, ngx_str_t *id,
    ngx_str_t *data);

/* Forgets address and agent, which only authentication needs. */
void ngx_ws_session_forget_client(ngx_ws_session_t *s);


#endif /* _NGX_WS_SESSION_H_INCLUDED_ */
