
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TRANSPORT_H_INCLUDED_
#define _NGX_WS_TRANSPORT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_send.h>


/*
 * What a session stands on: an upgraded connection, a poll that is held here,
 * or one that another worker holds.  The lower side declares both tables, the
 * session fills in the handler.
 */

typedef struct ngx_ws_transport_s  ngx_ws_transport_t;


typedef struct {
    ngx_str_t         name;        /* "websocket", "polling" */
    ngx_ws_metric_e   sessions;    /* the gauge of those that stand on it */

    /*
     * Takes a reference to wb and queues it, sending at the end of the loop's
     * turn.  NGX_OK, or NGX_BUSY when the client is too slow or there is no
     * memory: the transport says so through closed(), not from inside.
     */
    ngx_int_t       (*send)(ngx_ws_transport_t *t, ngx_ws_buf_t *wb);

    /*
     * Sends what is queued, then closes with the WebSocket close code, where
     * the transport has such.  The handler is not called again.
     */
    void            (*close)(ngx_ws_transport_t *t, ngx_uint_t code);

    /* Stops and resumes the delivery of messages to the session. */
    void            (*pause)(ngx_ws_transport_t *t);
    void            (*resume)(ngx_ws_transport_t *t);

    /* A view of what has not gone to the client; NULL: it is not known. */
    ngx_ws_send_queue_t *
                    (*queue)(ngx_ws_transport_t *t);

    /*
     * Whether the client may be in the middle of a message: bytes of one have
     * come since this was asked last, or nothing is read at present.  NULL
     * where messages come whole.
     */
    ngx_uint_t      (*receiving)(ngx_ws_transport_t *t);

    /* Whether send() takes joined frames; NULL: it does not. */
    ngx_uint_t      (*joined)(ngx_ws_transport_t *t);
} ngx_ws_transport_ops_t;


typedef struct {
    /* One whole message; the bytes are writable and live until return. */
    void            (*message)(void *data, ngx_uint_t opcode, u_char *p,
                               size_t len);

    /*
     * What the client sends can not be taken: a chance to tell it, before the
     * transport closes with the code and says so by closed().
     */
    void            (*refused)(void *data, ngx_uint_t code);

    /* The worker is leaving: a chance to say goodbye, then close. */
    void            (*leaving)(void *data);

    /* The transport is gone; it must not be touched after the return. */
    void            (*closed)(void *data, ngx_uint_t code);
} ngx_ws_transport_handler_t;


struct ngx_ws_transport_s {
    const ngx_ws_transport_ops_t      *ops;
    const ngx_ws_transport_handler_t  *handler;
    void                              *data;
    ngx_log_t                         *log;

    /* messages that another worker sends, until the client asks for more */
    uint32_t                           relayed;
};


#endif /* _NGX_WS_TRANSPORT_H_INCLUDED_ */
