
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_raw.h>

#include "test.h"


static void envelope(const char *in, const char *event, const char *data,
    const char *id);
static void bad(const char *in);
static void bad_bytes(const char *in, size_t len, const char *name);
static void ids(void);
static void encoders(void);
static void is_text(u_char *p, size_t len, size_t counted,
    const char *expected);


static const char  *refused[] = {
    "", "{}", "[]", "\"event\"", "null", "1", "{\"event\":\"a\"",
    "{\"event\":\"a\"}x", "{event:\"a\"}", "{\"event\":\"\"}", "{\"event\":1}",
    "{\"event\":null}", "{\"event\":[\"a\"]}", "{\"event\":{}}",
    "{\"data\":1}", "{\"event\":\"a\",\"event\":1}", "{\"event\":true}",
    "{\"event\":\"a\",\"id\":true}", "{\"event\":\"a\",\"id\":[]}",
    "{\"event\":\"a\",\"id\":{}}", "{\"event\":\"a\",\"id\":false}",
    "{\"event\":\"a\",\"data\":}", "{\"event\":\"a\",}",
    "{\"event\":\"a\",\"data\":01}", "{\"event\":\"\xff\"}",
    "{\"event\":\"a\"}{\"event\":\"b\"}", "42[\"a\"]",
    NULL
};


int
main(void)
{
    const char  **p;

    for (p = refused; *p; p++) {
        bad(*p);
    }

    envelope("{\"event\":\"a\"}", "a", "", "");
    envelope("{\"event\":\"a\",\"data\":{\"b\": 1}}", "a", "{\"b\": 1}", "");
    envelope("{\"event\":\"a\",\"data\":null}", "a", "null", "");
    envelope("{\"event\":\"a\",\"data\":[1,2],\"id\":7}", "a", "[1,2]", "7");
    envelope(" { \"id\" : \"x-1\" , \"data\" : \"s\" , \"event\" : \"a\" } ",
             "a", "\"s\"", "\"x-1\"");
    envelope("{\"event\":\"a\",\"id\":null}", "a", "", "");
    envelope("{\"event\":\"a\",\"id\":-1.50e3}", "a", "", "-1.50e3");
    envelope("{\"event\":\"a\",\"id\":0}", "a", "", "0");
    envelope("{\"event\":\"a\",\"id\":\"\"}", "a", "", "\"\"");
    envelope("{\"event\":\"a\",\"id\":\"\\u0041\\n\"}", "a", "",
             "\"\\u0041\\n\"");
    envelope("{\"event\":\"a\\u0062\\n\\\"c\"}", "ab\n\"c", "", "");
    envelope("{\"\\u0065vent\":\"a\",\"d\\u0061ta\":1,\"i\\u0064\":2}",
             "a", "1", "2");
    envelope("{\"event\":\"a\",\"event\":\"b\",\"data\":1,\"data\":2,"
             "\"id\":3,\"id\":4}", "b", "2", "4");
    envelope("{\"event\":1,\"event\":\"b\"}", "b", "", "");
    envelope("{\"id\":true,\"event\":\"b\",\"id\":null}", "b", "", "");
    envelope("{\"event\":\"a\",\"x\":[{}],\"Data\":1,\"events\":2,\"\":3}",
             "a", "", "");
    envelope("{\"event\":\"connect\"}", "connect", "", "");

    bad_bytes("{\"event\":\"a\"}\0", 14, "NUL behind");
    bad_bytes("{\"event\":\"a\0\"}", 14, "NUL within");

    ids();
    encoders();

    return done();
}


static void
envelope(const char *in, const char *event, const char *data, const char *id)
{
    size_t            len;
    u_char           *p;
    ngx_ws_packet_t   pkt;

    len = ngx_strlen(in);
    p = guard(in, len);

    is_int(ngx_ws_raw_decode(&pkt, p, len), NGX_OK, in);

    is_int(pkt.kind, NGX_WS_PACKET_EVENT, "kind");
    is_int(pkt.attachments, 0, "attachments");
    is_str(&pkt.nsp, "/", "namespace");
    is_str(&pkt.event, event, "event");
    is_str(&pkt.data, data, "data");
    is_str(&pkt.args, data, "args");
    is_str(&pkt.id, id, "id");

    unguard(p, len);
}


static void
bad(const char *in)
{
    bad_bytes(in, ngx_strlen(in), *in ? in : "empty");
}


static void
bad_bytes(const char *in, size_t len, const char *name)
{
    u_char           *p;
    ngx_ws_packet_t   pkt;

    p = guard(in, len);

    is_int(ngx_ws_raw_decode(&pkt, p, len), NGX_ERROR, name);

    unguard(p, len);
}


static void
ids(void)
{
    u_char            buf[256], *p;
    ngx_uint_t        quoted, n;
    ngx_ws_packet_t   pkt;

    for (quoted = 0; quoted < 2; quoted++) {
        for (n = NGX_WS_RAW_ID_LEN; n < NGX_WS_RAW_ID_LEN + 2; n++) {

            p = ngx_sprintf(buf, "{\"event\":\"a\",\"id\":%s",
                            quoted ? "\"" : "");

            ngx_memset(p, '1', n);

            p = ngx_sprintf(p + n, "%s}", quoted ? "\"" : "");

            is_int(ngx_ws_raw_decode(&pkt, buf, p - buf),
                   (n == NGX_WS_RAW_ID_LEN) ? NGX_OK : NGX_ERROR,
                   quoted ? "long string as id" : "long number as id");
        }
    }
}


static void
encoders(void)
{
    u_char     *p, buf[256];
    ngx_str_t   nsp, empty, name, data, id;

    p = buf;

    ngx_str_set(&nsp, "/");
    ngx_str_null(&empty);
    ngx_str_set(&name, "a\"b");
    ngx_str_set(&data, "{\"status\":\"ok\"}");
    ngx_str_set(&id, "\"x-1\"");

    is_text(p, ngx_ws_raw_event(p, &nsp, &name, &data),
            ngx_ws_raw_event(NULL, &nsp, &name, &data),
            "{\"event\":\"a\\\"b\",\"data\":{\"status\":\"ok\"}}");
    is_text(p, ngx_ws_raw_event(p, &nsp, &name, &empty),
            ngx_ws_raw_event(NULL, &nsp, &name, &empty),
            "{\"event\":\"a\\\"b\"}");
    is_text(p, ngx_ws_raw_ack(p, &nsp, &id, &data),
            ngx_ws_raw_ack(NULL, &nsp, &id, &data),
            "{\"event\":\"ack\",\"id\":\"x-1\",\"data\":{\"status\":\"ok\"}}");
    is_text(p, ngx_ws_raw_ack(p, &nsp, &id, &empty),
            ngx_ws_raw_ack(NULL, &nsp, &id, &empty),
            "{\"event\":\"ack\",\"id\":\"x-1\"}");
}


static void
is_text(u_char *p, size_t len, size_t counted, const char *expected)
{
    is_mem(p, len, expected, ngx_strlen(expected), expected);
    is_int(counted, len, "length");
}
