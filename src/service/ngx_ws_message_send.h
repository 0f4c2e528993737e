
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MESSAGE_SEND_H_INCLUDED_
#define _NGX_WS_MESSAGE_SEND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>
#include <ngx_ws_json.h>
#include <ngx_ws_json_out.h>
#include <ngx_ws_name.h>


/* What tells one kind of message from another. */

typedef struct {
    ngx_str_t                     event;
    ngx_str_t                     type;          /* in the record */
    const char                   *sender;        /* name of its field */

    /* writes the kind's own fields */
    void                        (*write)(ngx_ws_call_t *call,
                                         ngx_ws_json_out_t *out);

    unsigned                      kept:1;        /* until somebody has it */
    unsigned                      receipts:1;
    unsigned                      id:1;          /* is in the data */
    unsigned                      list:1;        /* of ids is the answer */
} ngx_ws_message_kind_t;


/* One message on its way: in the call's pool, the fields in the document. */

typedef struct {
    const ngx_ws_message_kind_t  *kind;
    ngx_ws_json_t                *in;

    ngx_ws_name_t                *targets;
    ngx_uint_t                    ntargets;
    ngx_uint_t                    checked;       /* of them */
    ngx_uint_t                    found;

    ngx_str_t                     message;
    ngx_str_t                     conversation;
    ngx_str_t                     client_id;
    uint64_t                      about;         /* of a receipt */
    uint64_t                      id;            /* of the first target's */
    uint64_t                      time;

    /* what the script is told of it */
    ngx_str_t                    *keys;
    ngx_str_t                    *args;
    ngx_uint_t                    nkeys;
    ngx_uint_t                    nargs;
    size_t                        size;
    ngx_ws_call_t                *next;          /* in the batch */

    unsigned                      finding:1;
    unsigned                      failed:1;
} ngx_ws_message_t;


/*
 * The message in call->state, which is all right, gets its id, goes to Redis
 * and is answered.
 */
void ngx_ws_message_send(ngx_ws_call_t *call);

/* What Redis has answered about this one; for rc see ngx_ws_redis.h. */
void ngx_ws_message_sent(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);


#endif /* _NGX_WS_MESSAGE_SEND_H_INCLUDED_ */
