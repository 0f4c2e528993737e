
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_event.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_typing.h>


#define NGX_WS_EVENT_TYPINGS  8        /* conversations of one client */




void
ngx_ws_event_presence(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_presence_t  *presence;

    presence = ngx_ws_presence_create(call, in, "lastMessage");

    if (presence == NULL || call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    presence->connection_id.len = s->connection_id.len;
    presence->connection_id.data = ngx_pstrdup(call->pool, &s->connection_id);

    if (presence->connection_id.data == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ngx_ws_presence_set(call, presence);
}


void
ngx_ws_event_typing(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_str_t         channel;
    ngx_ws_typing_t  *typing;

    typing = ngx_ws_typing_create(call, in, "conversationId",
                                  "conversationType", "isTyping");
    if (typing == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    (void) ngx_ws_call_id(call, in, "recipientId", 0, &typing->recipient);

    if (ngx_ws_call_name(call, in, "channel", 0, &channel) == NGX_OK
        && call->error == NGX_WS_OK
        && ngx_ws_name_resolve(&channel, s->identity->user,
                               s->identity->tenant, &typing->channel)
           != NGX_OK)
    {
        call->error = NGX_WS_FORBIDDEN;
        ngx_str_set(&call->message, "The channel is somebody else's.");
    }

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    if (typing->is_typing) {
        ngx_ws_event_typing_add(s, &typing->conversation);
    }

    ngx_ws_typing_set(call, typing);
}


/* Beyond some conversations at once the oldest are left to expire. */

void
ngx_ws_event_typing_add(ngx_ws_session_t *s, ngx_str_t *conversation)
{
    ngx_uint_t                 n;
    ngx_ws_session_typing_t   *t, **last;

    n = 0;

    for (last = &s->typings; *last; last = &(*last)->next) {
        t = *last;

        if (t->conversation.len == conversation->len
            && ngx_memcmp(t->conversation.data, conversation->data,
                          conversation->len)
               == 0)
        {
            return;
        }

        if (++n == NGX_WS_EVENT_TYPINGS) {
            *last = NULL;
            ngx_free(t);
            break;
        }
    }

    t = ngx_alloc(sizeof(ngx_ws_session_typing_t) + conversation->len,
                  s->transport->log);
    if (t == NULL) {
        return;
    }

    t->conversation.len = conversation->len;
    t->conversation.data = (u_char *) &t[1];
    ngx_memcpy(t->conversation.data, conversation->data, conversation->len);

    t->next = s->typings;
    s->typings = t;
}


void
ngx_ws_event_typing_cleanup(ngx_ws_session_t *s)
{
    ngx_ws_session_typing_t  *t;

    while (s->typings) {
        t = s->typings;
        s->typings = t->next;

        ngx_ws_typing_end(s->worker, s->identity, s->node.key,
                          &t->conversation);
        ngx_free(t);
    }
}


void
ngx_ws_event_typing_forget(ngx_ws_session_t *s)
{
    ngx_ws_session_typing_t  *t;

    while (s->typings) {
        t = s->typings;
        s->typings = t->next;

        ngx_free(t);
    }
}
