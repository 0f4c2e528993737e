
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_eio.h>

#include "test.h"


static void packet(const char *in, size_t len, ngx_int_t rc,
    ngx_ws_eio_type_e type, ngx_uint_t binary, const char *data,
    size_t data_len, const char *name);
static void text(const char *in, ngx_ws_eio_type_e type, const char *data);
static void base64(const char *in, const char *data, size_t len);
static void bad(const char *in, size_t len, const char *name);
static void payload(const char *in, const char *expected);
static void opens(void);
static void parts(void);
static void errors(void);


int
main(void)
{
    text("0", NGX_WS_EIO_OPEN, "");
    text("1", NGX_WS_EIO_CLOSE, "");
    text("2", NGX_WS_EIO_PING, "");
    text("2probe", NGX_WS_EIO_PING, "probe");
    text("3", NGX_WS_EIO_PONG, "");
    text("3probe", NGX_WS_EIO_PONG, "probe");
    text("4", NGX_WS_EIO_MESSAGE, "");
    text("4hello", NGX_WS_EIO_MESSAGE, "hello");
    text("42[\"a\"]", NGX_WS_EIO_MESSAGE, "2[\"a\"]");
    text("4b", NGX_WS_EIO_MESSAGE, "b");
    text("4\xe2\x82\xac", NGX_WS_EIO_MESSAGE, "\xe2\x82\xac");
    text("5", NGX_WS_EIO_UPGRADE, "");
    text("6", NGX_WS_EIO_NOOP, "");

    base64("b", "", 0);
    base64("bAQIDBA==", "\x01\x02\x03\x04", 4);
    base64("bAQIDBA", "\x01\x02\x03\x04", 4);
    base64("bAQIDBAU=", "\x01\x02\x03\x04\x05", 5);
    base64("bAQIDBAUG", "\x01\x02\x03\x04\x05\x06", 6);
    base64("b+/+/", "\xfb\xff\xbf", 3);
    base64("bAA==", "\0", 1);

    bad("", 0, "empty");
    bad("7", 1, "type 7");
    bad("/", 1, "below the types");
    bad("abc", 3, "a letter");
    bad(" 4", 2, "a space");
    bad("\0", 1, "NUL");
    bad("B", 1, "B is not b");
    bad("bA", 2, "base64: six bits");
    bad("bAQIDB", 6, "base64: one character too many");
    bad("bAQ=", 4, "base64: padding too short");
    bad("bAQI==", 6, "base64: padding too long");
    bad("b====", 5, "base64: only padding");
    bad("b=", 2, "base64: one =");
    bad("b==", 3, "base64: two");
    bad("bA===", 5, "base64: three");
    bad("bAQ==AQ==", 9, "base64: padding within");
    bad("bAQ-_", 5, "base64: of URLs");
    bad("bAQ I", 5, "base64: space");
    bad("bAQ\nI", 5, "base64: line feed");
    bad("b\xff\xff\xff\xff", 5, "base64: bytes");

    payload("4hello", "4:hello;");
    payload("4test1\x1e" "4test2\x1e" "4test3", "4:test1;4:test2;4:test3;");
    payload("4hello\x1e" "2\x1e" "4world", "4:hello;2:;4:world;");
    payload("4hello\x1e" "bAQIDBA==", "4:hello;b:4;");
    payload("4hello\x1e" "2\x1e" "bAQ==\x1e" "6", "4:hello;2:;b:1;6:;");
    payload("4\x1e" "4", "4:;4:;");
    payload("", "error");
    payload("\x1e", "error");
    payload("4a\x1e", "4:a;error");
    payload("\x1e" "4a", "error");
    payload("4a\x1e\x1e" "4b", "4:a;error");
    payload("4a\x1e" "abc\x1e" "4b", "4:a;error");
    payload("4a\x1e" "4\xff", "4:a;error");
    payload("4\xe2\x82\x1e" "4\xac", "error");
    payload("4\xe2\x82\xac", "4:\xe2\x82\xac;");

    opens();
    parts();
    errors();

    return done();
}


static void
packet(const char *in, size_t len, ngx_int_t rc, ngx_ws_eio_type_e type,
    ngx_uint_t binary, const char *data, size_t data_len, const char *name)
{
    u_char               *p;
    ngx_ws_eio_packet_t   pkt;

    p = guard(in, len);

    is_int(ngx_ws_eio_decode(&pkt, p, len), rc, name);

    if (rc == NGX_OK) {
        is_int(pkt.type, type, name);
        is_int(pkt.binary, binary, name);
        is_mem(pkt.data.data, pkt.data.len, data, data_len, name);
    }

    unguard(p, len);
}


static void
text(const char *in, ngx_ws_eio_type_e type, const char *data)
{
    packet(in, ngx_strlen(in), NGX_OK, type, 0, data, ngx_strlen(data), in);
}


static void
base64(const char *in, const char *data, size_t len)
{
    packet(in, ngx_strlen(in), NGX_OK, NGX_WS_EIO_MESSAGE, 1, data, len, in);
}


static void
bad(const char *in, size_t len, const char *name)
{
    packet(in, len, NGX_ERROR, NGX_WS_EIO_OPEN, 0, NULL, 0, name);
}


static void
payload(const char *in, const char *expected)
{
    size_t                len;
    u_char               *p, *pos, *last, out[128];
    ngx_int_t             rc;
    ngx_ws_eio_packet_t   pkt;

    len = ngx_strlen(in);
    p = guard(in, len);

    pos = p;
    last = out;

    while ((rc = ngx_ws_eio_next(&pkt, &pos, p + len)) == NGX_OK) {

        if (pkt.binary) {
            last = ngx_sprintf(last, "b:%uz;", pkt.data.len);

        } else {
            last = ngx_sprintf(last, "%ui:%V;", pkt.type, &pkt.data);
        }
    }

    if (rc == NGX_ERROR) {
        last = ngx_sprintf(last, "error");
    }

    is_mem(out, last - out, expected, ngx_strlen(expected),
           len ? in : "empty");

    unguard(p, len);
}


static void
opens(void)
{
    size_t              len;
    u_char             *p;
    static u_char       zero[256];
    ngx_ws_eio_open_t   open;
    const char         *expected;

    ngx_str_set(&open.sid, "lv_VI97HAXpY6yYWAAAC");
    open.upgrade = 1;
    open.ping_interval = 25000;
    open.ping_timeout = 20000;
    open.max_payload = 1000000;

    expected = "0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\","
               "\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
               "\"pingTimeout\":20000,\"maxPayload\":1000000}";

    len = ngx_ws_eio_open(NULL, &open);
    p = guard(zero, len);

    is_int(ngx_ws_eio_open(p, &open), len, "open: length");
    is_mem(p, len, expected, ngx_strlen(expected), "open over polling");

    unguard(p, len);

    open.upgrade = 0;
    open.ping_interval = NGX_MAX_INT_T_VALUE;
    open.ping_timeout = NGX_MAX_INT_T_VALUE;
    open.max_payload = (size_t) -1;

    expected = "0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],"
               "\"pingInterval\":9223372036854775807,"
               "\"pingTimeout\":9223372036854775807,"
               "\"maxPayload\":18446744073709551615}";

    len = ngx_ws_eio_open(NULL, &open);
    p = guard(zero, len);

    is_int(ngx_ws_eio_open(p, &open), len, "open: the largest numbers");
    is_mem(p, len, expected, ngx_strlen(expected), "open over WebSocket");

    unguard(p, len);
}


static void
parts(void)
{
    u_char      out[64];
    size_t      len, n;
    ngx_str_t   hello, bytes, empty;

    ngx_str_set(&hello, "4hello");
    ngx_str_set(&bytes, "\x01\x02\x03\x04");
    ngx_str_null(&empty);

    len = ngx_ws_eio_part(out, &hello, 0, 1);
    is_int(ngx_ws_eio_part(NULL, &hello, 0, 1), len, "first: length");

    n = ngx_ws_eio_part(out + len, &bytes, 1, 0);
    is_int(ngx_ws_eio_part(NULL, &bytes, 1, 0), n, "binary: length");
    len += n;

    n = ngx_ws_eio_part(out + len, &hello, 0, 0);
    is_int(ngx_ws_eio_part(NULL, &hello, 0, 0), n, "text: length");
    len += n;

    len += ngx_ws_eio_part(out + len, &empty, 1, 0);

    is_mem(out, len, "4hello\x1e" "bAQIDBA==\x1e" "4hello\x1e" "b", 25,
           "joined");
}


static void
errors(void)
{
    size_t       len;
    u_char       out[128];
    ngx_uint_t   i;

    static const struct {
        ngx_uint_t   status;
        const char  *json;
    } all[] = {
        { 400, "{\"code\":0,\"message\":\"Transport unknown\"}" },
        { 400, "{\"code\":1,\"message\":\"Session ID unknown\"}" },
        { 400, "{\"code\":2,\"message\":\"Bad handshake method\"}" },
        { 400, "{\"code\":3,\"message\":\"Bad request\"}" },
        { 403, "{\"code\":4,\"message\":\"Forbidden\"}" },
        { 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}" }
    };

    for (i = NGX_WS_EIO_BAD_TRANSPORT; i <= NGX_WS_EIO_BAD_VERSION; i++) {

        len = ngx_ws_eio_error(out, i);

        is_int(ngx_ws_eio_error(NULL, i), len, "error: length");
        is_mem(out, len, all[i].json, ngx_strlen(all[i].json), all[i].json);
        is_int(ngx_ws_eio_error_status(i), all[i].status, "its status");
    }
}
