
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_dialect.h>

#include "test.h"


static void same_event(const ngx_ws_dialect_t *d, const char *in,
    const char *id);
static void encoded(const ngx_ws_dialect_t *d, const char *event,
    const char *ack);


int
main(void)
{
    ngx_uint_t               i;
    const ngx_ws_dialect_t  *sio, *raw;

    for (i = 0; i < NGX_WS_DIALECTS_N; i++) {
        is_int(ngx_ws_dialects[i].id, i, "each is at its own place");
    }

    sio = &ngx_ws_dialects[NGX_WS_DIALECT_SOCKETIO];
    raw = &ngx_ws_dialects[NGX_WS_DIALECT_RAW];

    is_str((ngx_str_t *) &sio->name, "socketio", "name");
    is_str((ngx_str_t *) &raw->name, "raw", "name");

    same_event(sio, "27[\"user:typing\",{\"isTyping\":true}]", "7");
    same_event(raw, "{\"event\":\"user:typing\",\"data\":{\"isTyping\":true},"
                    "\"id\":7}", "7");
    same_event(raw, "{\"event\":\"user:typing\",\"data\":{\"isTyping\":true},"
                    "\"id\":\"7\"}", "\"7\"");

    encoded(sio, "42[\"user:typing\",{\"a\":1}]", "437[{\"a\":1}]");
    encoded(raw, "{\"event\":\"user:typing\",\"data\":{\"a\":1}}",
            "{\"event\":\"ack\",\"id\":7,\"data\":{\"a\":1}}");

    ok(sio->connect && sio->connect_error && sio->disconnect,
       "Socket.IO has connections to namespaces");
    ok(!raw->connect && !raw->connect_error && !raw->disconnect,
       "plain JSON has none");

    return done();
}


static void
same_event(const ngx_ws_dialect_t *d, const char *in, const char *id)
{
    size_t            len;
    u_char           *p;
    ngx_ws_packet_t   pkt;

    len = ngx_strlen(in);
    p = guard(in, len);

    is_int(d->decode(&pkt, p, len), NGX_OK, in);
    is_int(pkt.kind, NGX_WS_PACKET_EVENT, "kind");
    is_str(&pkt.nsp, "/", "namespace");
    is_str(&pkt.event, "user:typing", "event");
    is_str(&pkt.data, "{\"isTyping\":true}", "data");
    is_str(&pkt.id, id, "id");

    unguard(p, len);
}


static void
encoded(const ngx_ws_dialect_t *d, const char *event, const char *ack)
{
    u_char      buf[128];
    size_t      len;
    ngx_str_t   nsp, name, data, id;

    ngx_str_set(&nsp, "/");
    ngx_str_set(&name, "user:typing");
    ngx_str_set(&data, "{\"a\":1}");
    ngx_str_set(&id, "7");

    len = d->event(buf, &nsp, &name, &data);

    is_mem(buf, len, event, ngx_strlen(event), event);
    is_int(d->event(NULL, &nsp, &name, &data), len, "its length");

    len = d->ack(buf, &nsp, &id, &data);

    is_mem(buf, len, ack, ngx_strlen(ack), ack);
    is_int(d->ack(NULL, &nsp, &id, &data), len, "its length");
}
