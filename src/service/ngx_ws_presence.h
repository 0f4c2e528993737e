
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_PRESENCE_H_INCLUDED_
#define _NGX_WS_PRESENCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * How users are: their live connections merged (busy > online > away), or an
 * override by the user as a whole; who is online in a tenant.  Edges are
 * published to the tenant, once each; offline after websocket_presence_grace.
 */

typedef struct ngx_ws_presence_s  ngx_ws_presence_t;

struct ngx_ws_presence_s {
    ngx_str_t           connection_id; /* empty: the user as a whole */
    ngx_str_t           status;        /* empty: as before; also the others */
    ngx_str_t           device;
    ngx_str_t           last_message;
    ngx_uint_t          has_message;   /* unsigned  has_message:1; */

    /* writes call->result; NULL: there is none */
    void              (*answer)(ngx_ws_call_t *call,
                                ngx_ws_presence_t *presence);
};


/* What falls due is looked after by one worker of all. */
ngx_ws_presences_t *ngx_ws_presences_create(ngx_ws_worker_t *w);
void ngx_ws_presences_destroy(ngx_ws_presences_t *presences);
void ngx_ws_presences_up(ngx_ws_presences_t *presences);
void ngx_ws_presences_down(ngx_ws_presences_t *presences);

/*
 * Reads status, device and the last message, whose name differs, in the
 * call's pool.  What is wrong is noted in the call; NULL without memory.
 */
ngx_ws_presence_t *ngx_ws_presence_create(ngx_ws_call_t *call,
    ngx_ws_json_t *in, const char *last_message);

/* The user says so.  presence is of the call's pool. */
void ngx_ws_presence_set(ngx_ws_call_t *call, ngx_ws_presence_t *presence);

/*
 * A connection without a socket counts from now on, until 90 seconds after
 * the last call; for those with one see ngx_ws_socket_login().  Nobody waits
 * for these; a leave is repeated until Redis has taken it.
 */
void ngx_ws_presence_join(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id,
    ngx_str_t *device);
void ngx_ws_presence_leave(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id);

/* A REST call has carried the connection's id. */
void ngx_ws_presence_touch(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id);

/* GET presence/{user}: {"data":{...}}, NGX_WS_NOT_FOUND. */
void ngx_ws_presence_get(ngx_ws_call_t *call, uint64_t user);

/* GET online-users: {"data":[...],"total":n}. */
void ngx_ws_presence_online(ngx_ws_call_t *call);


#endif /* _NGX_WS_PRESENCE_H_INCLUDED_ */
