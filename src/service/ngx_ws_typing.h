
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TYPING_H_INCLUDED_
#define _NGX_WS_TYPING_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_name.h>


/*
 * Who is typing where.  It cannot stick: it ends by the user's word, by a
 * message into the conversation, with the socket, and after
 * websocket_typing_ttl even if the worker has died meanwhile.
 */

typedef struct ngx_ws_typing_s  ngx_ws_typing_t;

struct ngx_ws_typing_s {
    ngx_str_t           conversation;
    ngx_str_t           type;          /* direct, group, broadcast */
    ngx_ws_name_t       channel;       /* who hears of it; no name: */
    uint64_t            recipient;     /* this user; 0: the conversation */
    ngx_uint_t          is_typing;     /* unsigned  is_typing:1; */
    ngx_str_t           connection_id; /* by REST, of the typing socket */

    /* the answer */
    uint64_t            expires;       /* ms since the epoch, 0 if it ended */
    ngx_uint_t          fresh;         /* it was not so before */

    /* writes call->result; NULL: there is none */
    void              (*answer)(ngx_ws_call_t *call,
                                ngx_ws_typing_t *typing);
};


/* What expires in Redis is ended by one worker of all. */
ngx_ws_typings_t *ngx_ws_typings_create(ngx_ws_worker_t *w);
void ngx_ws_typings_destroy(ngx_ws_typings_t *typings);
void ngx_ws_typings_up(ngx_ws_typings_t *typings);
void ngx_ws_typings_down(ngx_ws_typings_t *typings);

/*
 * Reads the fields of those names, in the call's pool.  What is wrong is noted
 * in the call; NULL without memory, noted too.
 */
ngx_ws_typing_t *ngx_ws_typing_create(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *conversation, const char *type, const char *is_typing);

/* typing is of the call's pool; a recipient must be in the tenant. */
void ngx_ws_typing_set(ngx_ws_call_t *call, ngx_ws_typing_t *typing);

/* GET typing/{conversation}: {"data":[...],"count":n}. */
void ngx_ws_typing_list(ngx_ws_call_t *call, ngx_str_t *conversation);

/*
 * The user's typing there has ended by another way, told by a socket or by
 * none (0); nobody waits for it.
 */
void ngx_ws_typing_end(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    uint64_t socket, ngx_str_t *conversation);


#endif /* _NGX_WS_TYPING_H_INCLUDED_ */
