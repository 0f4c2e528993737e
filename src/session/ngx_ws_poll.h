
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_POLL_H_INCLUDED_
#define _NGX_WS_POLL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_eio.h>
#include <ngx_ws_goodbye.h>
#include <ngx_ws_poll_left.h>
#include <ngx_ws_random.h>
#include <ngx_ws_send.h>
#include <ngx_ws_session.h>


/*
 * The polling transport of Engine.IO v4: what waits for the client goes into
 * the answer of a GET that is held until then, what comes from it is the body
 * of a POST.  Who holds the request, and where, is not known here.
 */

typedef struct ngx_ws_poll_s          ngx_ws_poll_t;
typedef struct ngx_ws_poll_request_s  ngx_ws_poll_request_t;
typedef struct ngx_ws_poll_upgrade_s  ngx_ws_poll_upgrade_t;
typedef struct ngx_ws_relay_call_s    ngx_ws_relay_call_t;


typedef enum {
    NGX_WS_POLL_GET = 0,
    NGX_WS_POLL_POST,
    NGX_WS_POLL_PROBE              /* a WebSocket wants to take over */
} ngx_ws_poll_kind_e;


typedef enum {
    NGX_WS_POLL_PAYLOAD = 0,       /* of a GET: packets, in the body */
    NGX_WS_POLL_OK,                /* of a POST: taken; of a PROBE: it may */
    NGX_WS_POLL_BUSY,              /* of a PROBE: another was first */
    NGX_WS_POLL_REFUSED,           /* code tells why */
    NGX_WS_POLL_UNAVAILABLE        /* whoever could tell is not reached */
} ngx_ws_poll_status_e;


typedef struct {
    ngx_ws_poll_status_e     status;
    ngx_ws_eio_error_e       code;
    ngx_str_t                body;      /* of ngx_alloc(), the receiver's */

    /* of a PROBE, if the session is in another worker */
    ngx_str_t                owner;
    uint64_t                 ticket;
} ngx_ws_poll_answer_t;


struct ngx_ws_poll_request_s {
    ngx_ws_poll_kind_e       kind;
    ngx_str_t                sid;
    ngx_str_t                body;      /* writable */

    /*
     * Called once, perhaps before the request was taken; the request is not
     * touched after it.
     */
    void                   (*answer)(ngx_ws_poll_request_t *pr,
                                     ngx_ws_poll_answer_t *answer);

    ngx_ws_relay_call_t     *relay;     /* under way to another worker */

    unsigned                 guest:1;   /* another worker holds it */
};


/* Whether it looks like one that was given here. */
ngx_uint_t ngx_ws_poll_is_sid(ngx_str_t *sid);

/* The table of a worker's polling sessions, w->polls.  NULL without memory. */
ngx_ws_polls_t *ngx_ws_polls_create(ngx_ws_worker_t *w);
void ngx_ws_polls_destroy(ngx_ws_polls_t *polls);

/*
 * A new session with the GET that asks for it.  log is the location's; the
 * parameters are copied.  The id goes to pr->sid, whose data has room for
 * NGX_WS_RANDOM_ID_LEN bytes: the request is found by it if the client goes
 * away.  NGX_ERROR without memory, the request is not answered then.
 */
ngx_int_t ngx_ws_poll_open(ngx_ws_session_params_t *params, ngx_log_t *log,
    ngx_ws_poll_request_t *pr);

/*
 * The head of a POST is here, its body is not: NGX_OK; NGX_DECLINED if the
 * session is not in this worker; NGX_DONE if the request was answered.
 */
ngx_int_t ngx_ws_poll_begin(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);

/*
 * A whole request of a session: NGX_OK, it is or will be answered;
 * NGX_DECLINED if the session is not in this worker.
 */
ngx_int_t ngx_ws_poll_request(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);

/* Ends the GET that is held, if there is one, with packets or without. */
void ngx_ws_poll_release(ngx_ws_worker_t *w, ngx_str_t *sid);

/* The body of a POST was refused; the session knows nothing of it. */
void ngx_ws_poll_cancel(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);

/*
 * Whoever sent the request has gone, before or while it was answered: the
 * session can not go on.  pr->sid is enough.  NGX_OK, NGX_DECLINED: it is not
 * in this worker.
 */
ngx_int_t ngx_ws_poll_gone(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);


/*
 * For the files of polling.
 */

struct ngx_ws_polls_s {
    ngx_rbtree_t                  tree;
    ngx_rbtree_node_t             sentinel;
    ngx_ws_poll_left_t            left;
    ngx_ws_goodbye_t              goodbye;
};


struct ngx_ws_poll_s {
    ngx_ws_transport_t            transport;
    ngx_str_node_t                node;         /* its str is the sid */
    ngx_ws_worker_t              *worker;
    ngx_ws_session_conf_t        *conf;
    ngx_ws_send_queue_t           queue;

    ngx_ws_poll_request_t        *get;
    ngx_ws_poll_request_t        *post;
    u_char                       *pos;          /* of the POST's body */
    u_char                       *end;

    const ngx_ws_poll_upgrade_t  *upgrade;      /* who probes */
    void                         *upgrade_data;

    ngx_event_t                   event;        /* posted */
    ngx_event_t                   timer;        /* of releasing, lingering */
    ngx_event_t                   upgrade_timer;

    ngx_ws_redis_op_t            *announce;
    ngx_ws_bus_wait_t             wait;
    ngx_event_t                   renew;

    unsigned                      announcing:1; /* the GET has to wait */
    unsigned                      opened:1;     /* the handshake's is out */
    unsigned                      paused:1;
    unsigned                      slow:1;       /* the queue is full */
    unsigned                      closing:1;    /* there is no session */
    unsigned                      last:1;       /* no GET is waited for */
    unsigned                      bye:1;        /* the client's own close */
    unsigned                      failed:1;     /* by what the client sent */
    unsigned                      upgrading:1;
    unsigned                      releasing:1;  /* GETs are to end */
    unsigned                      released:1;   /* it is time */
    unsigned                      quiet:1;      /* is waited for */
    unsigned                      quiet_calls:1;
    unsigned                      quiet_told:1;
    unsigned                      reading:1;    /* the POST is all here */
    unsigned                      withheld:1;   /* the POST's answer */
    unsigned                      sent_close:1;
    unsigned                      switched:1;   /* to a WebSocket */

    ngx_log_t                     log;
    u_char                        sid[NGX_WS_RANDOM_ID_LEN];
    uint8_t                       address_len;
    u_char                        address[];
};


/* The session's transport by its sid, with a session on it; else NULL. */
ngx_ws_poll_t *ngx_ws_poll_find(ngx_ws_worker_t *w, ngx_str_t *sid);

/* There is no poll any more: an answer for the GET that is held. */
void ngx_ws_poll_refuse_get(ngx_ws_poll_t *poll);

/* What the POST brought has been taken, or was wrong. */
void ngx_ws_poll_post_answer(ngx_ws_poll_t *poll);

/* Tells the session that its transport has ended. */
void ngx_ws_poll_detach(ngx_ws_poll_t *poll, ngx_uint_t code);

/* Looks at the end of the loop's turn what there is to do. */
void ngx_ws_poll_wake(ngx_ws_poll_t *poll);


#endif /* _NGX_WS_POLL_H_INCLUDED_ */
