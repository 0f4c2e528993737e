
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_KEY_H_INCLUDED_
#define _NGX_WS_REDIS_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Every key and channel in Redis.  Those of a tenant are "ws:{7}:...", so that
 * what belongs together may be kept together; global ones are "ws:_:...".
 *
 * Scripts that are given the prefix alone make up these and, in members.lua,
 * ws:{7}:members:name, how many connections each user has in a channel.
 */

typedef enum {
    /* channels of a tenant */
    NGX_WS_REDIS_KEY_USER = 0,         /* ws:{7}:user:12 */
    NGX_WS_REDIS_KEY_TENANT,           /* ws:{7}:tenant */
    NGX_WS_REDIS_KEY_PRESENCE,         /* ws:{7}:presence */
    NGX_WS_REDIS_KEY_CHANNEL,          /* ws:{7}:ch:name */

    /* global channels */
    NGX_WS_REDIS_KEY_WORKER,           /* ws:_:w:incarnation */
    NGX_WS_REDIS_KEY_HEARTBEAT,        /* ws:_:heartbeat */
    NGX_WS_REDIS_KEY_REVOKE,           /* ws:revoke */

    /* keys of a tenant */
    NGX_WS_REDIS_KEY_DEDUP,            /* ws:{7}:dedup:12:clientMessageId */
    NGX_WS_REDIS_KEY_STATUS,           /* ws:{7}:status:12 */
    NGX_WS_REDIS_KEY_ONLINE,           /* ws:{7}:online */
    NGX_WS_REDIS_KEY_EDGES,            /* ws:{7}:edges */
    NGX_WS_REDIS_KEY_TYPING,           /* ws:{7}:typing:conversation */
    NGX_WS_REDIS_KEY_CONVERSATION,     /* ws:{7}:conv:conversation */
    NGX_WS_REDIS_KEY_PENDING,          /* ws:{7}:pending:12 */
    NGX_WS_REDIS_KEY_TAKEN,            /* ws:{7}:taken:12 */
    NGX_WS_REDIS_KEY_LOST,             /* ws:{7}:lost:12 */
    NGX_WS_REDIS_KEY_INBOX,            /* ws:{7}:received:12 */
    NGX_WS_REDIS_KEY_SOCKETS,          /* ws:{7}:sockets:12 */
    NGX_WS_REDIS_KEY_THROTTLE,         /* ws:{7}:throttle:12 */

    /* global keys */
    NGX_WS_REDIS_KEY_EVENTS,           /* ws:_:events */
    NGX_WS_REDIS_KEY_SENT,             /* ws:_:sent:messageId */
    NGX_WS_REDIS_KEY_POISON,           /* ws:_:events:poison */
    NGX_WS_REDIS_KEY_FLIGHT,           /* ws:_:flight */
    NGX_WS_REDIS_KEY_FLIGHT_TEXT,      /* ws:_:flight:text */
    NGX_WS_REDIS_KEY_FLIGHT_TAKEN,     /* ws:_:flight:taken */
    NGX_WS_REDIS_KEY_LOCK,             /* ws:_:lock:name */
    NGX_WS_REDIS_KEY_ID,               /* ws:_:id */
    NGX_WS_REDIS_KEY_LEASES,           /* ws:_:leases */
    NGX_WS_REDIS_KEY_WATCH,            /* ws:_:watch */
    NGX_WS_REDIS_KEY_DEAD,             /* ws:_:dead */
    NGX_WS_REDIS_KEY_OWNED,            /* ws:_:owned:incarnation */
    NGX_WS_REDIS_KEY_JOINED,           /* ws:_:joined:connection_id */
    NGX_WS_REDIS_KEY_CONNECTION,       /* ws:_:conn:connection_id */
    NGX_WS_REDIS_KEY_SESSION,          /* ws:_:sid:sid */
    NGX_WS_REDIS_KEY_LETTER,           /* ws:_:letter:name */
    NGX_WS_REDIS_KEY_ALL_TYPING,       /* ws:_:typing */
    NGX_WS_REDIS_KEY_ALL_PRESENCE,     /* ws:_:presence */

    NGX_WS_REDIS_KEYS
} ngx_ws_redis_key_e;


/* Longest prefix and name; what is longer is cut. */
#define NGX_WS_REDIS_KEY_PREFIX  64
#define NGX_WS_REDIS_KEY_NAME    255

/* prefix, "{tenant}:", a word of 16 and ":", "user:", name */
#define NGX_WS_REDIS_KEY_LEN                                                  \
    (NGX_WS_REDIS_KEY_PREFIX + (NGX_INT64_LEN + 3) + (16 + 1)                 \
     + (NGX_INT64_LEN + 1) + NGX_WS_REDIS_KEY_NAME)

typedef struct {
    ngx_str_t           str;
    u_char              data[NGX_WS_REDIS_KEY_LEN];
} ngx_ws_redis_key_t;


/*
 * Writes the key into the caller's buffer and gives &key->str.  Of tenant,
 * user and name those are used that the kind has; the others are 0 and NULL.
 */
ngx_str_t *ngx_ws_redis_key(ngx_ws_redis_key_t *key, ngx_str_t *prefix,
    ngx_ws_redis_key_e kind, uint64_t tenant, uint64_t user, ngx_str_t *name);


#endif /* _NGX_WS_REDIS_KEY_H_INCLUDED_ */
