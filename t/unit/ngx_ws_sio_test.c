
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_sio.h>

#include "test.h"


static void packet(const char *in, const char *expected);
static void bad(const char *in);
static void bad_bytes(const char *in, size_t len, const char *name);
static void limits(void);
static void placeholders(void);
static void encoders(void);
static void is_text(u_char *p, size_t len, size_t counted,
    const char *expected);
static void again(const char *in, const char *expected);


static const char  *refused[] = {
    /* types */
    "", "7", "9", "999", "abc", " 2[\"a\"]", "/", "-1", ":", "[\"a\"]",

    /* payloads */
    "0[]", "0\"a\"", "0null", "0{", "0{}x", "0/admin,\"invalid\"", "0{}{}",
    "0true", "1{}", "1/admin,{}", "1[]", "1 ", "1x", "2", "2/admin,", "2{}",
    "2[]", "2[", "2\"a\"", "2null", "2/admin,\"invalid", "2/admin,{}",
    "2[{\"toString\":\"foo\"}]", "2[true,\"foo\"]", "2[null,\"bar\"]",
    "2[[\"a\"]]", "2[\"a\"", "2[\"a\",]", "2[\"a\",1", "2[\"a\"]x",
    "2[\"a\"]]", "2[\"a\",'b']", "2[\"a\",undefined]", "2[\"a\xff\"]",
    "2[\"a\n\"]", "2[false]", "3", "31", "3{}", "3\"a\"", "3[1", "3null",
    "4[]", "41,", "4true", "442[\"some\",\"data\"",

    /* names that an event must not have, however they are written */
    "2[\"connect\"]", "2[\"connect_error\"]", "2[\"disconnect\",\"123\"]",
    "2[\"disconnecting\"]", "2[\"newListener\"]", "2[\"removeListener\"]",
    "2[\"\\u0063onnect\"]", "2[\"connec\\u0074\"]", "50-[\"connect\"]",
    "2/a,1[\"disconnect\"]",

    /* ids */
    "2abc[\"a\"]", "2-1[\"a\"]", "21.5[\"a\"]", "2+1[\"a\"]", "20x1[\"a\"]",
    "21 2[\"a\"]", "2123456789012345678901[\"a\"]", "21e3[\"a\"]",

    /* attachments */
    "5", "51", "5a-", "51.23-", "5-[\"a\"]", "5-1-[\"a\"]", "511-[\"a\"]",
    "5[\"a\"]", "51[\"a\"]", "5 1-[\"a\"]", "518446744073709551617-[\"a\"]",
    "51-", "51-{}", "51-[]", "51-1-[\"a\"]", "6", "61-", "61-{}", "21-[\"a\"]",
    "6-1-[]",

    /* namespaces */
    "0/a\x1f,", "0/a\n", "0/\x7f,", "0/\xff,", "0/\xc3,", "0/\xc2\x85,",
    "2/a[\"b\"]", "0a,", "0//,[", "2admin,[\"a\"]",
    NULL
};


int
main(void)
{
    const char  **p;

    for (p = refused; *p; p++) {
        bad(*p);
    }

    /* kind attachments nsp id event data args */

    packet("0", "0 0 / - - - -");
    packet("0{}", "0 0 / - - {} -");
    packet("0{\"token\":\"123\"}", "0 0 / - - {\"token\":\"123\"} -");
    packet("0 {} ", "0 0 / - - {} -");
    packet("0/admin", "0 0 /admin - - - -");
    packet("0/admin,", "0 0 /admin - - - -");
    packet("0/admin,{\"a\":1}", "0 0 /admin - - {\"a\":1} -");
    packet("0/", "0 0 / - - - -");
    packet("0/,", "0 0 / - - - -");
    packet("0/a?b=c,", "0 0 /a?b=c - - - -");
    packet("0/\xd0\xb6,", "0 0 /\xd0\xb6 - - - -");
    packet("1", "1 0 / - - - -");
    packet("1/admin", "1 0 /admin - - - -");
    packet("1/admin,", "1 0 /admin - - - -");

    packet("2[\"foo\"]", "2 0 / - foo - -");
    packet("2/admin,[\"bar\"]", "2 0 /admin - bar - -");
    packet("212[\"foo\"]", "2 0 / 12 foo - -");
    packet("2/admin,13[\"foo\"]", "2 0 /admin 13 foo - -");
    packet("20[\"foo\"]", "2 0 / 0 foo - -");
    packet("2007[\"foo\"]", "2 0 / 007 foo - -");
    packet("299999999999999999999[\"a\"]", "2 0 / 99999999999999999999 a - -");
    packet("2[\"a\",1]", "2 0 / - a 1 1");
    packet("2[\"a\",{\"b\":[1, 2]}]",
           "2 0 / - a {\"b\":[1, 2]} {\"b\":[1, 2]}");
    packet("2[\"message\",1,\"2\",{\"3\":[true]}]",
           "2 0 / - message 1 1,\"2\",{\"3\":[true]}");
    packet("2 [ \"a\" , 1 , null ] ", "2 0 / - a 1 1 , null");
    packet("2[\"a\",null]", "2 0 / - a null null");
    packet("2[\"\"]", "2 0 / - - - -");
    packet("2[\"a\\u0062\\n\\\"c\",1]", "2 0 / - ab\n\"c 1 1");
    packet("2[\"user:typing\",{}]", "2 0 / - user:typing {} {}");
    packet("2[1,\"a\"]", "2 0 / - 1 \"a\" \"a\"");
    packet("2[-1.5e3]", "2 0 / - -1.5e3 - -");
    packet("2[\"Connect\"]", "2 0 / - Connect - -");
    packet("2[\"connected\"]", "2 0 / - connected - -");
    packet("2[\"connec\"]", "2 0 / - connec - -");
    packet("2[\"error\"]", "2 0 / - error - -");
    packet("2[\"toString\"]", "2 0 / - toString - -");

    packet("3[]", "3 0 / - - - -");
    packet("313[]", "3 0 / 13 - - -");
    packet("3/admin,13[\"bar\"]", "3 0 /admin 13 - \"bar\" \"bar\"");
    packet("3456[1,\"2\",{\"3\":[false]}]",
           "3 0 / 456 - 1 1,\"2\",{\"3\":[false]}");

    packet("4", "4 0 / - - - -");
    packet("4{\"message\":\"Not authorized\"}",
           "4 0 / - - {\"message\":\"Not authorized\"} -");
    packet("4\"Unauthorized\"", "4 0 / - - \"Unauthorized\" -");

    packet("50-[\"a\"]", "2 0 / - a - -");
    packet("51-[\"baz\",{\"_placeholder\":true,\"num\":0}]",
           "2 1 / - baz {\"_placeholder\":true,\"num\":0} "
           "{\"_placeholder\":true,\"num\":0}");
    packet("52-/admin,[\"a\",1]", "2 2 /admin - a 1 1");
    packet("510-[\"a\"]", "2 10 / - a - -");
    packet("501-[\"a\"]", "2 1 / - a - -");
    packet("52-789[\"a\"]", "2 2 / 789 a - -");
    packet("51-/nsp,7[\"a\"]", "2 1 /nsp 7 a - -");
    packet("61-15[\"bar\",{\"_placeholder\":true,\"num\":0}]",
           "3 1 / 15 - \"bar\" \"bar\",{\"_placeholder\":true,\"num\":0}");
    packet("60-1[]", "3 0 / 1 - - -");

    bad_bytes("0/a\0b,", 6, "NUL in a namespace");
    bad_bytes("2[\"a\"]\0", 7, "NUL behind");
    bad_bytes("\0", 1, "NUL");

    limits();
    placeholders();
    encoders();

    again("0", "40");
    again("0/admin,{\"a\": 1}", "40/admin,{\"a\": 1}");
    again("1/admin", "41/admin,");
    again("2/admin,13[\"a\\u0062\\n\", 1 ,2 ]", "42/admin,13[\"ab\\n\",1 ,2]");
    again("2[\"\\ud83d\"]", "42[\"\xef\xbf\xbd\"]");
    again("2[1]", "42[\"1\"]");
    again("3456[ ]", "43456[]");
    again("3456[1,\"2\",{\"3\":[false]}]", "43456[1,\"2\",{\"3\":[false]}]");
    again("4{\"message\":\"x\"}", "44{\"message\":\"x\"}");
    again("52-789[\"a\",{\"_placeholder\":true,\"num\":1}]",
          "452-789[\"a\",{\"_placeholder\":true,\"num\":1}]");
    again("61-/a,7[1]", "461-/a,7[1]");
    again("510-[\"a\"]", "4510-[\"a\"]");
    again("50-[\"a\"]", "42[\"a\"]");

    return done();
}


static void
packet(const char *in, const char *expected)
{
    size_t            len;
    u_char           *p, *last, out[512];
    ngx_str_t        *parts[4];
    ngx_uint_t        i;
    ngx_ws_packet_t   pkt;

    parts[0] = &pkt.id;
    parts[1] = &pkt.event;
    parts[2] = &pkt.data;
    parts[3] = &pkt.args;

    len = ngx_strlen(in);
    p = guard(in, len);

    if (ngx_ws_sio_decode(&pkt, p, len) != NGX_OK) {
        ok(0, in);
        unguard(p, len);
        return;
    }

    last = ngx_sprintf(out, "%ui %ui %V", pkt.kind, pkt.attachments, &pkt.nsp);

    for (i = 0; i < 4; i++) {
        last = parts[i]->len ? ngx_sprintf(last, " %V", parts[i])
                             : ngx_sprintf(last, " -");
    }

    is_mem(out, last - out, expected, ngx_strlen(expected), in);

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

    is_int(ngx_ws_sio_decode(&pkt, p, len), NGX_ERROR, name);

    unguard(p, len);
}


static void
limits(void)
{
    size_t            i;
    u_char            buf[1024];
    ngx_ws_packet_t   pkt;

    buf[0] = '0';
    ngx_memset(buf + 1, 'n', sizeof(buf) - 1);
    buf[1] = '/';

    is_int(ngx_ws_sio_decode(&pkt, buf, 1 + NGX_WS_SIO_NSP_LEN), NGX_OK,
           "the longest namespace");
    is_int(pkt.nsp.len, NGX_WS_SIO_NSP_LEN, "its length");
    is_int(ngx_ws_sio_decode(&pkt, buf, 2 + NGX_WS_SIO_NSP_LEN), NGX_ERROR,
           "one byte more");

    ngx_memcpy(buf, "2[\"a\",", 6);

    for (i = 0; i < 63; i++) {
        buf[6 + i] = '[';
        buf[6 + 63 + i] = ']';
    }

    buf[6 + 126] = ']';

    is_int(ngx_ws_sio_decode(&pkt, buf, 6 + 127), NGX_OK, "nested deep");
    is_int(pkt.args.len, 126, "what is nested");

    ngx_memmove(buf + 7, buf + 6, 127);
    buf[7 + 127] = ']';

    is_int(ngx_ws_sio_decode(&pkt, buf, 6 + 129), NGX_ERROR, "too deep");
}


static void
placeholders(void)
{
    packet("51-[\"a\",{\"_placeholder\":true,\"num\":0}]",
           "2 1 / - a {\"_placeholder\":true,\"num\":0} "
           "{\"_placeholder\":true,\"num\":0}");
    packet("51-[\"a\",{\"_placeholder\":false,\"num\":7}]",
           "2 1 / - a {\"_placeholder\":false,\"num\":7} "
           "{\"_placeholder\":false,\"num\":7}");
    packet("51-[\"a\",{\"_placeholder\":1}]",
           "2 1 / - a {\"_placeholder\":1} {\"_placeholder\":1}");
    packet("2[\"a\",{\"_placeholder\":true,\"num\":7}]",
           "2 0 / - a {\"_placeholder\":true,\"num\":7} "
           "{\"_placeholder\":true,\"num\":7}");

    bad("51-[\"a\",{\"_placeholder\":true,\"num\":1}]");
    bad("51-[\"a\",{\"_placeholder\":true,\"num\":-1}]");
    bad("51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]");
    bad("51-[\"a\",{\"_placeholder\":true,\"num\":0.5}]");
    bad("51-[\"a\",{\"_placeholder\":true}]");
    bad("51-[\"a\",{\"_placeholder\":true,\"num\":null}]");
    bad("51-[\"a\",[[{\"b\":{\"_placeholder\":true,\"num\":1}}]]]");
    bad("61-1[{\"\\u005fplaceholder\":true,\"num\":1}]");
    bad("52-[\"a\",{\"_placeholder\":true,\"num\":0},"
        "{\"_placeholder\":true,\"num\":2}]");
}


static void
encoders(void)
{
    u_char     *p, buf[256];
    ngx_str_t   main_nsp, nsp, empty, name, data, id, text;

    p = buf;

    ngx_str_set(&main_nsp, "/");
    ngx_str_set(&nsp, "/custom");
    ngx_str_null(&empty);
    ngx_str_set(&name, "message-back");
    ngx_str_set(&data, "1,\"2\"");
    ngx_str_set(&id, "456");
    ngx_str_set(&text, "Inv\"alid");

    is_text(p, ngx_ws_sio_event(p, &main_nsp, &name, &data),
            ngx_ws_sio_event(NULL, &main_nsp, &name, &data),
            "42[\"message-back\",1,\"2\"]");
    is_text(p, ngx_ws_sio_event(p, &empty, &name, &empty),
            ngx_ws_sio_event(NULL, &empty, &name, &empty),
            "42[\"message-back\"]");
    is_text(p, ngx_ws_sio_event(p, &nsp, &text, &data),
            ngx_ws_sio_event(NULL, &nsp, &text, &data),
            "42/custom,[\"Inv\\\"alid\",1,\"2\"]");

    is_text(p, ngx_ws_sio_ack(p, &main_nsp, &id, &data),
            ngx_ws_sio_ack(NULL, &main_nsp, &id, &data),
            "43456[1,\"2\"]");
    is_text(p, ngx_ws_sio_ack(p, &nsp, &id, &empty),
            ngx_ws_sio_ack(NULL, &nsp, &id, &empty),
            "43/custom,456[]");

    is_text(p, ngx_ws_sio_connect(p, &main_nsp, &name),
            ngx_ws_sio_connect(NULL, &main_nsp, &name),
            "40{\"sid\":\"message-back\"}");
    is_text(p, ngx_ws_sio_connect(p, &nsp, &name),
            ngx_ws_sio_connect(NULL, &nsp, &name),
            "40/custom,{\"sid\":\"message-back\"}");

    is_text(p, ngx_ws_sio_connect_error(p, &main_nsp, &text, &empty),
            ngx_ws_sio_connect_error(NULL, &main_nsp, &text, &empty),
            "44{\"message\":\"Inv\\\"alid\"}");

    ngx_str_set(&data, "{\"a\":1}");

    is_text(p, ngx_ws_sio_connect_error(p, &nsp, &text, &data),
            ngx_ws_sio_connect_error(NULL, &nsp, &text, &data),
            "44/custom,{\"message\":\"Inv\\\"alid\",\"data\":{\"a\":1}}");

    is_text(p, ngx_ws_sio_disconnect(p, &main_nsp),
            ngx_ws_sio_disconnect(NULL, &main_nsp), "41");
    is_text(p, ngx_ws_sio_disconnect(p, &nsp),
            ngx_ws_sio_disconnect(NULL, &nsp), "41/custom,");
}


static void
is_text(u_char *p, size_t len, size_t counted, const char *expected)
{
    is_mem(p, len, expected, ngx_strlen(expected), expected);
    is_int(counted, len, "length");
}


/* decoded and encoded */

static void
again(const char *in, const char *expected)
{
    size_t            len, n;
    u_char           *p, *out;
    ngx_ws_packet_t   pkt;

    len = ngx_strlen(in);
    p = guard(in, len);

    is_int(ngx_ws_sio_decode(&pkt, p, len), NGX_OK, in);

    n = ngx_ws_sio_encode(NULL, &pkt);
    out = guard(expected, ngx_min(n, ngx_strlen(expected)));

    if (n == ngx_strlen(expected)) {
        ngx_memzero(out, n);
        is_text(out, ngx_ws_sio_encode(out, &pkt), n, expected);

    } else {
        is_int(n, ngx_strlen(expected), expected);
    }

    unguard(out, ngx_min(n, ngx_strlen(expected)));
    unguard(p, len);
}
