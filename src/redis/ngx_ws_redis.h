
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_H_INCLUDED_
#define _NGX_WS_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>
#include <ngx_ws_redis_reply.h>
#include <ngx_ws_redis_script.h>


/*
 * One worker's two links to Redis: commands and subscriptions.  Both connect
 * by themselves, and again after each loss, for as long as the object lives.
 *
 * No function here calls back from inside, but for starting(); each other
 * callback may do anything: start commands, cancel others, subscribe, destroy
 * the object.
 */

typedef struct ngx_ws_redis_s     ngx_ws_redis_t;

/* A command under way: valid until its handler is called, or cancelled. */
typedef struct ngx_ws_redis_op_s  ngx_ws_redis_op_t;


typedef struct {
    ngx_str_t               *argv;
    ngx_uint_t               argc;
} ngx_ws_redis_cmd_t;


/*
 * Any member may be NULL.  Messages that arrive between a reconnect and
 * subscriber_up() are given to message() as they come.
 */
typedef struct {
    /* the command link is usable: authenticated, scripts loaded; or lost */
    void                   (*up)(void *data);
    void                   (*down)(void *data);

    /* all wanted channels are confirmed by Redis; or the link is lost */
    void                   (*subscriber_up)(void *data);
    void                   (*subscriber_down)(void *data);

    void                   (*message)(void *data, ngx_str_t *channel,
                                      ngx_str_t *payload);

    /*
     * a command is about to be started: what was collected until now goes
     * first; may start commands, and nothing else
     */
    void                   (*starting)(void *data);
} ngx_ws_redis_handler_t;


/*
 * Called exactly once a command, unless it is cancelled.  rc:
 *
 * NGX_OK        Redis' answer, which may be an error
 * NGX_DECLINED  Redis has not taken it: the link is down, too much is under
 *               way, or Redis answered that it can't at present (LOADING,
 *               READONLY, OOM, MISCONF, MOVED, ...; that is logged here)
 * NGX_ERROR     it was sent but the link was lost before the answer, or no
 *               answer came in time: it may have been taken
 *
 * reply is NULL unless NGX_OK.
 */
typedef void (*ngx_ws_redis_reply_pt)(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);

/* NGX_OK, or NGX_ERROR when Redis has not confirmed in time. */
typedef void (*ngx_ws_redis_subscribed_pt)(void *data, ngx_int_t rc);


/*
 * conf and handler must outlive the object.  NULL without memory; that Redis
 * can't be reached is no error.
 */
ngx_ws_redis_t *ngx_ws_redis_create(ngx_ws_redis_conf_t *conf,
    const ngx_ws_redis_handler_t *handler, void *data, ngx_log_t *log);

/*
 * Drops commands and subscriptions under way without calling anybody.  Outside
 * of callbacks what was started is still sent, if the socket takes it.
 */
void ngx_ws_redis_destroy(ngx_ws_redis_t *rds);

/* Whether a command started now would be sent. */
ngx_uint_t ngx_ws_redis_ready(ngx_ws_redis_t *rds);

/* Whether subscriber_up() was called and the link still stands. */
ngx_uint_t ngx_ws_redis_subscriber_ready(ngx_ws_redis_t *rds);


/*
 * Start a command; the arguments are copied.  What one turn of the event loop
 * starts is sent together.  Commands that block in Redis must not be used.  A
 * handler of NULL means that nobody waits for the answer.
 *
 * They give NULL, and call nobody, only when there is no memory.
 */
ngx_ws_redis_op_t *ngx_ws_redis_command(ngx_ws_redis_t *rds, ngx_str_t *argv,
    ngx_uint_t argc, ngx_ws_redis_reply_pt handler, void *data);

/*
 * MULTI, the commands, EXEC.  The reply is EXEC's array, one element a
 * command, each of which may be an error.  When Redis refused one beforehand
 * none was run: NGX_DECLINED.
 */
ngx_ws_redis_op_t *ngx_ws_redis_multi(ngx_ws_redis_t *rds,
    ngx_ws_redis_cmd_t *cmds, ngx_uint_t n, ngx_ws_redis_reply_pt handler,
    void *data);

/* A script, by its digest; by its text when Redis doesn't know it. */
ngx_ws_redis_op_t *ngx_ws_redis_eval(ngx_ws_redis_t *rds,
    ngx_ws_redis_script_e script, ngx_str_t *keys, ngx_uint_t nkeys,
    ngx_str_t *args, ngx_uint_t nargs, ngx_ws_redis_reply_pt handler,
    void *data);

/*
 * The same for a script that does nothing when it comes a second time: should
 * the link be lost before the answer, it is sent again if Redis is back within
 * 5 s, ahead of whatever is started then.  NGX_ERROR comes after these 5 s.
 */
ngx_ws_redis_op_t *ngx_ws_redis_eval_again(ngx_ws_redis_t *rds,
    ngx_ws_redis_script_e script, ngx_str_t *keys, ngx_uint_t nkeys,
    ngx_str_t *args, ngx_uint_t nargs, ngx_ws_redis_reply_pt handler,
    void *data);

/* The handler is not called.  What was sent stays sent. */
void ngx_ws_redis_cancel(ngx_ws_redis_op_t *op);


/*
 * Wants the channel once more.  done(data, rc) is called exactly once, within
 * four seconds and across a short absence of Redis, unless the want is dropped
 * before.  After a failure the channel is wanted still, and asked for again
 * after each reconnect, until unsubscribed.  done may be NULL.  NGX_OK, or
 * NGX_ERROR without memory (nothing is wanted then).
 */
ngx_int_t ngx_ws_redis_subscribe(ngx_ws_redis_t *rds, ngx_str_t *channel,
    ngx_ws_redis_subscribed_pt done, void *data);

/*
 * Drops one want of the channel, and the callback with this data if it has
 * not been called yet; NULL: it has been.  Some seconds after the last want
 * Redis is told.
 */
void ngx_ws_redis_unsubscribe(ngx_ws_redis_t *rds, ngx_str_t *channel,
    void *data);

/* Whether Redis has confirmed the channel on the link that stands now. */
ngx_uint_t ngx_ws_redis_subscribed(ngx_ws_redis_t *rds, ngx_str_t *channel);


#endif /* _NGX_WS_REDIS_H_INCLUDED_ */
