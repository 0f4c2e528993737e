
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_DIALECT_H_INCLUDED_
#define _NGX_WS_DIALECT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_packet.h>


/*
 * What clients speak, so that a session is written once.  A message is one
 * WebSocket text message; in Socket.IO, decode() takes it without the
 * Engine.IO type in front, and the encoders write that, too.
 */

typedef enum {
    NGX_WS_DIALECT_SOCKETIO = 0,
    NGX_WS_DIALECT_RAW,
    NGX_WS_DIALECTS_N
} ngx_ws_dialect_e;

typedef struct {
    ngx_ws_dialect_e   id;
    ngx_str_t          name;

    /* NGX_OK, or NGX_ERROR; writes into the message, see sio and raw */
    ngx_int_t        (*decode)(ngx_ws_packet_t *pkt, u_char *p, size_t len);

    /*
     * These return the length, and write unless p is NULL.  NULL where the
     * dialect has no such message; data is JSON, empty for none.
     */
    size_t           (*event)(u_char *p, ngx_str_t *nsp, ngx_str_t *name,
                              ngx_str_t *data);
    size_t           (*ack)(u_char *p, ngx_str_t *nsp, ngx_str_t *id,
                            ngx_str_t *data);
    size_t           (*connect)(u_char *p, ngx_str_t *nsp, ngx_str_t *sid);
    size_t           (*connect_error)(u_char *p, ngx_str_t *nsp,
                                      ngx_str_t *message, ngx_str_t *data);
    size_t           (*disconnect)(u_char *p, ngx_str_t *nsp);
} ngx_ws_dialect_t;


/* by ngx_ws_dialect_e */
extern const ngx_ws_dialect_t  ngx_ws_dialects[];


#endif /* _NGX_WS_DIALECT_H_INCLUDED_ */
