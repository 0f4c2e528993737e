
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MESSAGE_H_INCLUDED_
#define _NGX_WS_MESSAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * Messages: validated, given an id, recorded, kept for who has to get them and
 * published, all at once.  in is the event's data; the answer is
 * {"status":"ok","messageId":...}, for several recipients "messageIds".  A
 * clientMessageId that was used before gives the first answer again.
 */

void ngx_ws_message_direct(ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_ws_message_group(ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_ws_message_broadcast(ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_ws_message_notification(ngx_ws_call_t *call, ngx_ws_json_t *in);

/* Tells the sender of a message that its recipient has seen it. */
void ngx_ws_message_delivered(ngx_ws_call_t *call, ngx_ws_json_t *in);


#endif /* _NGX_WS_MESSAGE_H_INCLUDED_ */
