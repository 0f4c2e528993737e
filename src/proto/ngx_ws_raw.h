
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RAW_H_INCLUDED_
#define _NGX_WS_RAW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_packet.h>


/*
 * The plain envelope: {"event":"name","data":any,"id":number or string}, one
 * a message.  An id asks for {"event":"ack","id":...,"data":...} with the id
 * as it came.
 */

#define NGX_WS_RAW_ID_LEN  64


/*
 * Decodes a text message: always an EVENT.  Unknown members are ignored, of
 * equal ones the last wins; names are unescaped in place.  NGX_OK, NGX_ERROR
 * for what is not such an object.
 */
ngx_int_t ngx_ws_raw_decode(ngx_ws_packet_t *pkt, u_char *p, size_t len);


/*
 * Both return the length, and write unless p is NULL.  data is one JSON value,
 * empty for none; nsp is not used.
 */
size_t ngx_ws_raw_event(u_char *p, ngx_str_t *nsp, ngx_str_t *name,
    ngx_str_t *data);
size_t ngx_ws_raw_ack(u_char *p, ngx_str_t *nsp, ngx_str_t *id,
    ngx_str_t *data);


#endif /* _NGX_WS_RAW_H_INCLUDED_ */
