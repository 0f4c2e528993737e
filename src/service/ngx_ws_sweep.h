
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_SWEEP_H_INCLUDED_
#define _NGX_WS_SWEEP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_lock.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_worker.h>


/*
 * What falls due in Redis, whoever noted it there: members of a sorted set by
 * the time, in milliseconds of Redis' clock.  One worker of all looks for
 * them, and does what has to be done; that removes the member.
 */

/*
 * The member as "tenant user name", of which the name may be empty and lives
 * until the return.
 */
typedef void (*ngx_ws_sweep_pt)(ngx_ws_worker_t *w, uint64_t tenant,
    uint64_t user, ngx_str_t *name);


typedef struct {
    ngx_ws_worker_t     *worker;
    ngx_ws_lock_t        lock;
    ngx_ws_redis_key_t   key;
    ngx_ws_sweep_pt      handler;
    ngx_event_t          timer;
    ngx_ws_redis_op_t   *op;
} ngx_ws_sweep_t;


#define NGX_WS_SWEEP_MEMBER_LEN                                               \
    (2 * (NGX_INT64_LEN + 1) + NGX_WS_REDIS_KEY_NAME)


/* Begins with ngx_ws_sweep_up().  name is that of the lock. */
void ngx_ws_sweep_init(ngx_ws_sweep_t *sweep, ngx_ws_worker_t *w,
    const char *name, ngx_ws_redis_key_e key, ngx_ws_sweep_pt handler);
void ngx_ws_sweep_cleanup(ngx_ws_sweep_t *sweep);

/* Redis is there, or lost: see ngx_ws_redis_handler_t. */
void ngx_ws_sweep_up(ngx_ws_sweep_t *sweep);
void ngx_ws_sweep_down(ngx_ws_sweep_t *sweep);

/* Writes the member, NGX_WS_SWEEP_MEMBER_LEN bytes at most. */
u_char *ngx_ws_sweep_member(u_char *p, uint64_t tenant, uint64_t user,
    ngx_str_t *name);


#endif /* _NGX_WS_SWEEP_H_INCLUDED_ */
