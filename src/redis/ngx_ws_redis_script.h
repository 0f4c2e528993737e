
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_SCRIPT_H_INCLUDED_
#define _NGX_WS_REDIS_SCRIPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The scripts of lua/, each named by its file, where KEYS, ARGV and what is
 * returned are described.
 *
 * A Redis without memory refuses a script's first write if that may need some.
 * Scripts that end something, or keep the workers going, therefore begin with
 * a write that needs none, DEL for instance: what follows it is taken.
 */

typedef enum {
    NGX_WS_REDIS_CONNECTION_CHANNEL = 0,
    NGX_WS_REDIS_CONNECTION_DISCONNECT,
    NGX_WS_REDIS_CONNECTION_LIMIT,
    NGX_WS_REDIS_CONNECTION_MOVE,
    NGX_WS_REDIS_CONNECTION_RECORD,
    NGX_WS_REDIS_CONNECTION_REGISTER,
    NGX_WS_REDIS_CONNECTION_TOUCH,
    NGX_WS_REDIS_DUE,
    NGX_WS_REDIS_ID_BLOCK,
    NGX_WS_REDIS_LEASE,
    NGX_WS_REDIS_LEASE_END,
    NGX_WS_REDIS_LETTER_SEND,
    NGX_WS_REDIS_LOCK,
    NGX_WS_REDIS_LOGIN,
    NGX_WS_REDIS_LOGOUT,
    NGX_WS_REDIS_MEMBERS,
    NGX_WS_REDIS_MESSAGE_SEND,
    NGX_WS_REDIS_PENDING_FETCH,
    NGX_WS_REDIS_PENDING_LAND,
    NGX_WS_REDIS_PENDING_MARK,
    NGX_WS_REDIS_PENDING_SWEEP,
    NGX_WS_REDIS_PRESENCE,
    NGX_WS_REDIS_RECORD_BEGIN,
    NGX_WS_REDIS_RECORD_DONE,
    NGX_WS_REDIS_RECORD_TRIM,
    NGX_WS_REDIS_TAKEOVER,
    NGX_WS_REDIS_THROTTLE,
    NGX_WS_REDIS_TYPING_CLEAR,
    NGX_WS_REDIS_TYPING_LIST,
    NGX_WS_REDIS_TYPING_SET,
    NGX_WS_REDIS_UNLOCK,
    NGX_WS_REDIS_SCRIPTS
} ngx_ws_redis_script_e;


typedef struct {
    ngx_str_t       text;
    u_char          sha1[40];       /* in hex, as EVALSHA takes it */
} ngx_ws_redis_script_t;


ngx_ws_redis_script_t *ngx_ws_redis_script(ngx_ws_redis_script_e script);


#endif /* _NGX_WS_REDIS_SCRIPT_H_INCLUDED_ */
