
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_LINK_H_INCLUDED_
#define _NGX_WS_REDIS_LINK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_backoff.h>
#include <ngx_ws_conf.h>
#include <ngx_ws_redis_event.h>


/*
 * One connection to Redis that comes back: connect, AUTH, SELECT, the owner's
 * own start, and after a loss all again with back-off.  It is lost, too, when
 * something has been awaited for command_timeout without any answer.
 */

#define NGX_WS_REDIS_LINK_DOWN     0
#define NGX_WS_REDIS_LINK_OPENING  1
#define NGX_WS_REDIS_LINK_UP       2


typedef struct {
    const char                  *name;     /* of the link, for the log */

    /* Adds commands to the handshake: ngx_ws_redis_link_greet(). */
    void                       (*opening)(void *data);
    void                       (*opened)(void *data);

    /* Nothing was heard for a while: ask for some answer. */
    void                       (*idle)(void *data);

    /* An opened link was lost. */
    void                       (*closed)(void *data);

    /* The last call after ngx_ws_redis_link_destroy(). */
    void                       (*destroyed)(void *data);
} ngx_ws_redis_link_handler_t;


typedef struct {
    ngx_ws_redis_event_t                event;
    ngx_ws_redis_conf_t                *conf;
    ngx_log_t                          *log;

    const ngx_ws_redis_link_handler_t  *handler;
    void                               *data;

    ngx_ws_backoff_t                    backoff;
    ngx_event_t                         timer;
    ngx_uint_t                          state;

    ngx_uint_t                          greetings;  /* unanswered */
    ngx_uint_t                          awaited;    /* answers */
    ngx_msec_t                          heard;      /* or began to wait */
    ngx_msec_t                          since;      /* up */

    char                                reason[256];  /* of the loss */
    char                                logged[256];  /* while away */
    ngx_msec_t                          told;

    unsigned                            closing:1;
    unsigned                            overdue:1;    /* its answer */
    unsigned                            refused:1;    /* by Redis itself */
    unsigned                            warned:1;
    unsigned                            destroyed:1;
} ngx_ws_redis_link_t;


/* The link is zeroed.  It begins to connect at once. */
void ngx_ws_redis_link_init(ngx_ws_redis_link_t *link,
    ngx_ws_redis_conf_t *conf, const ngx_ws_redis_link_handler_t *handler,
    void *data, ngx_log_t *log);
void ngx_ws_redis_link_destroy(ngx_ws_redis_link_t *link);

/* All code that may call the user runs between these. */
void ngx_ws_redis_link_enter(ngx_ws_redis_link_t *link);
void ngx_ws_redis_link_leave(ngx_ws_redis_link_t *link);

/* Whether the link is up and no close of it is under way. */
ngx_uint_t ngx_ws_redis_link_ready(ngx_ws_redis_link_t *link);

/* Gives the link up for a reason that is logged. */
void ngx_ws_redis_link_close(ngx_ws_redis_link_t *link, const char *reason);

/* Likewise, as it leads to a replica: the next may lead to the master. */
void ngx_ws_redis_link_demoted(ngx_ws_redis_link_t *link);

/* A command of the handshake, whose failure ends it unless optional. */
void ngx_ws_redis_link_greet(ngx_ws_redis_link_t *link, ngx_str_t *argv,
    ngx_uint_t argc, ngx_uint_t optional);

/* An opened link does its work: if it was away, that is over. */
void ngx_ws_redis_link_settled(ngx_ws_redis_link_t *link);

/* n answers more are awaited; one has come; something unasked has come. */
void ngx_ws_redis_link_sent(ngx_ws_redis_link_t *link, ngx_uint_t n);
void ngx_ws_redis_link_answered(ngx_ws_redis_link_t *link);
void ngx_ws_redis_link_heard(ngx_ws_redis_link_t *link);


#endif /* _NGX_WS_REDIS_LINK_H_INCLUDED_ */
