
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LOCK_H_INCLUDED_
#define _NGX_WS_LOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis_key.h>
#include <ngx_ws_worker.h>


/*
 * A lock in Redis for what one worker of all machines does: this one tries to
 * take it for as long as it lives, keeps it once it has it, and gives it up
 * when it is told to leave.
 */

typedef struct {
    void                (*taken)(void *data);
    void                (*lost)(void *data);   /* NULL if nobody cares */
} ngx_ws_lock_handler_t;


typedef struct {
    ngx_ws_worker_t              *worker;
    const ngx_ws_lock_handler_t  *handler;
    void                         *data;
    ngx_ws_redis_key_t            key;
    ngx_ws_redis_key_t            leases;
    ngx_event_t                   timer;
    ngx_msec_t                    asked;
    ngx_msec_t                    until;
    unsigned                      asking:1;
    unsigned                      held:1;
} ngx_ws_lock_t;


/* Begins with ngx_ws_lock_up(). */
void ngx_ws_lock_init(ngx_ws_lock_t *lock, ngx_ws_worker_t *w,
    const char *name, const ngx_ws_lock_handler_t *handler, void *data);

/* Gives the lock up; lost() is not called. */
void ngx_ws_lock_cleanup(ngx_ws_lock_t *lock);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_lock_up(ngx_ws_lock_t *lock);
void ngx_ws_lock_down(ngx_ws_lock_t *lock);

/* Whether the lock is ours at this moment: it runs out when Redis is away. */
ngx_uint_t ngx_ws_lock_held(ngx_ws_lock_t *lock);


#endif /* _NGX_WS_LOCK_H_INCLUDED_ */
