
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_WORKER_H_INCLUDED_
#define _NGX_WS_WORKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_channel.h>
#include <ngx_ws_conf.h>
#include <ngx_ws_identity.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_timer.h>
#include <ngx_ws_zone.h>


/*
 * All the changeable state of one worker process, created in init_process and
 * destroyed in exit_process: one incarnation among all workers of all
 * machines.
 */

typedef struct ngx_ws_worker_s     ngx_ws_worker_t;
typedef struct ngx_ws_auth_s       ngx_ws_auth_t;
typedef struct ngx_ws_bus_s        ngx_ws_bus_t;
typedef struct ngx_ws_cleanup_s    ngx_ws_cleanup_t;
typedef struct ngx_ws_expiry_s     ngx_ws_expiry_t;
typedef struct ngx_ws_ids_s        ngx_ws_ids_t;
typedef struct ngx_ws_leases_s     ngx_ws_leases_t;
typedef struct ngx_ws_letters_s    ngx_ws_letters_t;
typedef struct ngx_ws_polls_s      ngx_ws_polls_t;
typedef struct ngx_ws_listens_s    ngx_ws_listens_t;
typedef struct ngx_ws_message_batch_s  ngx_ws_message_batch_t;
typedef struct ngx_ws_pendings_s   ngx_ws_pendings_t;
typedef struct ngx_ws_presences_s  ngx_ws_presences_t;
typedef struct ngx_ws_record_s     ngx_ws_record_t;
typedef struct ngx_ws_registry_rows_s  ngx_ws_registry_rows_t;
typedef struct ngx_ws_relay_s      ngx_ws_relay_t;
typedef struct ngx_ws_socket_ends_s  ngx_ws_socket_ends_t;
typedef struct ngx_ws_stats_s      ngx_ws_stats_t;
typedef struct ngx_ws_typings_s    ngx_ws_typings_t;
typedef struct ngx_ws_users_s      ngx_ws_users_t;


typedef struct {
    /* a message on the worker's own channel: verb, then the rest */
    void                   (*control)(ngx_ws_worker_t *w, ngx_str_t *verb,
                                      ngx_str_t *rest);
    /* an event for a subscriber of a channel; see ngx_ws_bus.h */
    ngx_ws_channel_each_pt   deliver;
    /* several of them at once */
    ngx_ws_channel_each_pt   deliver_batch;
    /* the link for messages is lost */
    void                   (*deaf)(ngx_ws_worker_t *w);
    /* both links stand; what was sent until now was not heard */
    void                   (*hearing)(ngx_ws_worker_t *w);
    /* the token has ended; see id->sockets */
    void                   (*expired)(ngx_ws_worker_t *w,
                                      ngx_ws_identity_t *id);
    /* its sockets have to go: see ngx_ws_worker_renew() */
    void                   (*lost)(ngx_ws_worker_t *w);

    ngx_ws_timer_pt          timer;        /* of the worker's wheel */
} ngx_ws_worker_handler_t;


struct ngx_ws_worker_s {
    ngx_ws_worker_conf_t    *conf;
    const ngx_ws_worker_handler_t  *handler;
    ngx_log_t               *log;

    ngx_ws_redis_t          *redis;
    ngx_ws_mysql_t          *mysql;
    ngx_ws_zone_t           *zone;

    ngx_ws_channels_t       *channels;
    ngx_ws_auth_t           *auth;
    ngx_ws_bus_t            *bus;
    ngx_ws_cleanup_t        *cleanup;
    ngx_ws_expiry_t         *expiry;
    ngx_ws_ids_t            *ids;
    ngx_ws_leases_t         *leases;
    ngx_ws_record_t         *record;
    ngx_ws_registry_rows_t  *rows;
    ngx_ws_socket_ends_t    *ends;
    ngx_ws_listens_t        *listens;
    ngx_ws_message_batch_t  *batch;
    ngx_ws_pendings_t       *pendings;
    ngx_ws_presences_t      *presences;
    ngx_ws_stats_t          *stats;
    ngx_ws_typings_t        *typings;
    ngx_ws_users_t          *users;

    ngx_queue_t              calls;        /* under way */

    /* "host-pid-random": its channel and lease are named by it */
    ngx_str_t                incarnation;
    u_char                   incarnation_data[64];

    /*
     * the next number of a socket; begins at a random one, so that a number
     * tells a socket among those of all workers
     */
    uint64_t                 sequence;

    /* live sockets by number, the session layer's */
    ngx_rbtree_t             sockets;
    ngx_rbtree_node_t        sockets_sentinel;
    ngx_ws_timers_t         *timers;       /* of theirs */

    /* the session layer's, too */
    ngx_ws_polls_t          *polls;
    ngx_ws_relay_t          *relay;        /* NULL without Redis */
    ngx_ws_letters_t        *letters;

    ngx_event_t              stats_line;

    unsigned                 deaf:1;       /* messages may be missed */
};


/*
 * Creates the state of this process; what it needs of Redis and MySQL is
 * connected in the background.  Echo alone needs neither: without Redis
 * conf->redis.addr.socklen is 0, without MySQL conf->mysql.database is empty,
 * and redis, mysql and what stands on them are NULL.
 */
ngx_ws_worker_t *ngx_ws_worker_create(ngx_cycle_t *cycle,
    ngx_ws_worker_conf_t *conf, const ngx_ws_worker_handler_t *handler);
void ngx_ws_worker_destroy(ngx_ws_worker_t *w);

/*
 * The lease is gone: others took the worker for dead, for instance since it
 * was stopped, or Redis has lost its data.  What Redis knew of the sockets is
 * gone, too: they end, and the worker goes on as a new incarnation.
 */
void ngx_ws_worker_renew(ngx_ws_worker_t *w);

/* Wall clock, milliseconds since the epoch, as cached by the loop. */
uint64_t ngx_ws_worker_now(void);


#endif /* _NGX_WS_WORKER_H_INCLUDED_ */
