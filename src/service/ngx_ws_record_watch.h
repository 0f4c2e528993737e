
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RECORD_WATCH_H_INCLUDED_
#define _NGX_WS_RECORD_WATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_lock.h>
#include <ngx_ws_worker.h>


/*
 * How much of the record waits, and how full Redis is: told by metrics, and
 * by the log before there is no room.  What MySQL has, and is old, is dropped
 * from the stream.
 */

typedef struct {
    ngx_ws_worker_t     *worker;
    ngx_ws_lock_t       *lock;         /* of the record */
    ngx_str_t           *stream;
    ngx_str_t           *group;
    ngx_event_t          timer;
    ngx_msec_t           asked;        /* for Redis' memory */
    ngx_uint_t           alarm;        /* entries that are worth a word */
    unsigned             full:1;       /* or nearly so, which was told */
    unsigned             evicts:1;     /* likewise */
    unsigned             blind:1;      /* Redis does not tell */
} ngx_ws_record_watch_t;


/* stream and group must outlive it. */
void ngx_ws_record_watch_init(ngx_ws_record_watch_t *watch,
    ngx_ws_worker_t *w, ngx_ws_lock_t *lock, ngx_str_t *stream,
    ngx_str_t *group);

/* This worker has got the lock, or has it no more. */
void ngx_ws_record_watch_start(ngx_ws_record_watch_t *watch);
void ngx_ws_record_watch_stop(ngx_ws_record_watch_t *watch);


#endif /* _NGX_WS_RECORD_WATCH_H_INCLUDED_ */
