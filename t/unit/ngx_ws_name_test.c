
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_name.h>

#include "test.h"


#define USER    7
#define TENANT  3


static void name_is(const char *text, ngx_ws_name_kind_e kind, uint64_t id,
    const char *record);
static void forbidden(const char *text);
static void invalid(const char *text, size_t len, const char *name);
static void lengths(void);
static void large_ids(void);
static void visible(void);


/* whatever begins like these is never plain */

static const char  *others[] = {
    "user:8", "user:", "user:0", "user:07", "user:007", "user:+7", "user:-7",
    "user:7 ", "user: 7", "user:77", "user:7.0", "user:7e0", "user:0x7",
    "user:7,8", "user:*", "user:Me", "user:ME", "user:me ", "user:mee",
    "user:m", "user:typing", "USER:7", "User:me", "uSER:8", "user:7:x",
    "user:\xd9\xa7", "user:18446744073709551623", "user:user:7",
    "private-user.8", "private-user.", "private-user.07", "Private-User.7",
    "PRIVATE-USER.me", "private-user.Me", "private-user.7.8", "private-user.*",
    "club:4", "club:", "club:03", "club:me", "Club:3", "CLUB:4", "club:3 ",
    "club:+3", "club:33",
    NULL
};


int
main(void)
{
    const char  **p;

    for (p = others; *p; p++) {
        forbidden(*p);
    }

    name_is("user:me", NGX_WS_NAME_PERSONAL, USER, "private-user.7");
    name_is("user:7", NGX_WS_NAME_PERSONAL, USER, "private-user.7");
    name_is("private-user.me", NGX_WS_NAME_PERSONAL, USER, "private-user.7");
    name_is("private-user.7", NGX_WS_NAME_PERSONAL, USER, "private-user.7");
    name_is("club:3", NGX_WS_NAME_TENANT, TENANT, "broadcast");
    name_is("broadcast", NGX_WS_NAME_TENANT, TENANT, "broadcast");
    name_is("presence", NGX_WS_NAME_PRESENCE, TENANT, "presence");

    name_is("group.events.2", NGX_WS_NAME_PLAIN, 0, "group.events.2");
    name_is("a", NGX_WS_NAME_PLAIN, 0, "a");
    name_is("two words", NGX_WS_NAME_PLAIN, 0, "two words");
    name_is("user", NGX_WS_NAME_PLAIN, 0, "user");
    name_is("users:1", NGX_WS_NAME_PLAIN, 0, "users:1");
    name_is("user.7", NGX_WS_NAME_PLAIN, 0, "user.7");
    name_is("private-user", NGX_WS_NAME_PLAIN, 0, "private-user");
    name_is("private-user:7", NGX_WS_NAME_PLAIN, 0, "private-user:7");
    name_is("club", NGX_WS_NAME_PLAIN, 0, "club");
    name_is("clubs:3", NGX_WS_NAME_PLAIN, 0, "clubs:3");
    name_is(" user:8", NGX_WS_NAME_PLAIN, 0, " user:8");
    name_is("presence:7", NGX_WS_NAME_PLAIN, 0, "presence:7");
    name_is("presence ", NGX_WS_NAME_PLAIN, 0, "presence ");
    name_is("Broadcast", NGX_WS_NAME_PLAIN, 0, "Broadcast");
    name_is("broadcasts", NGX_WS_NAME_PLAIN, 0, "broadcasts");
    name_is("\xd0\xba\xd0\xbe\xd0\xbc\xd0\xbd\xd0\xb0\xd1\x82\xd0\xb0",
            NGX_WS_NAME_PLAIN, 0,
            "\xd0\xba\xd0\xbe\xd0\xbc\xd0\xbd\xd0\xb0\xd1\x82\xd0\xb0");
    name_is("\xf0\x9f\x98\x80", NGX_WS_NAME_PLAIN, 0, "\xf0\x9f\x98\x80");
    name_is("\xc2\xa0", NGX_WS_NAME_PLAIN, 0, "\xc2\xa0");

    invalid("", 0, "empty");
    invalid("\0", 1, "NUL");
    invalid("a\0b", 3, "NUL within");
    invalid("user:8\0", 7, "NUL behind somebody else's");
    invalid("a\n", 2, "line feed");
    invalid("\ta", 2, "tab");
    invalid("a\x1f", 2, "U+001F");
    invalid("a\x7f", 2, "U+007F");
    invalid("\xc2\x80", 2, "U+0080");
    invalid("a\xc2\x85z", 4, "U+0085");
    invalid("\xc2\x9f", 2, "U+009F");
    invalid("\xc2", 1, "cut off");
    invalid("\xff", 1, "not UTF-8");
    invalid("\xc0\x80", 2, "overlong NUL");
    invalid("\xc1\xb5ser:8", 7, "overlong u");
    invalid("\xed\xa0\x80", 3, "a surrogate");

    lengths();
    large_ids();
    visible();

    return done();
}


static void
name_is(const char *text, ngx_ws_name_kind_e kind, uint64_t id,
    const char *record)
{
    u_char          buf[NGX_WS_NAME_LEN];
    size_t          len;
    ngx_str_t       name;
    ngx_ws_name_t   out;

    name.len = ngx_strlen(text);
    name.data = guard(text, name.len);

    ok(ngx_ws_name_resolve(&name, USER, TENANT, &out) == NGX_OK
       && out.kind == kind && out.id == id,
       text);
    is_str(&out.name, text, "its name");

    len = ngx_ws_name_record(buf, &out);

    is_mem(buf, len, record, ngx_strlen(record), "its name for the record");
    is_int(ngx_ws_name_record(NULL, &out), len, "its length");

    unguard(name.data, name.len);
}


static void
forbidden(const char *text)
{
    ngx_str_t       name;
    ngx_ws_name_t   out;

    name.len = ngx_strlen(text);
    name.data = guard(text, name.len);

    is_int(ngx_ws_name_resolve(&name, USER, TENANT, &out), NGX_DECLINED, text);

    unguard(name.data, name.len);
}


static void
invalid(const char *text, size_t len, const char *name)
{
    ngx_str_t       s;
    ngx_ws_name_t   out;

    s.len = len;
    s.data = guard(text, len);

    is_int(ngx_ws_name_resolve(&s, USER, TENANT, &out), NGX_ERROR, name);

    unguard(s.data, len);
}


static void
lengths(void)
{
    u_char          buf[NGX_WS_NAME_LEN + 1];
    ngx_str_t       name;
    ngx_ws_name_t   out;

    ngx_memset(buf, 'n', sizeof(buf));

    name.data = buf;
    name.len = NGX_WS_NAME_LEN;

    is_int(ngx_ws_name_resolve(&name, USER, TENANT, &out), NGX_OK,
           "the longest name");

    name.len++;

    is_int(ngx_ws_name_resolve(&name, USER, TENANT, &out), NGX_ERROR,
           "one byte more");
}


static void
large_ids(void)
{
    u_char          buf[64];
    ngx_str_t       name;
    ngx_ws_name_t   out;

    ngx_str_set(&name, "user:18446744073709551615");

    ok(ngx_ws_name_resolve(&name, UINT64_MAX, TENANT, &out) == NGX_OK
       && out.id == UINT64_MAX,
       "the largest id");
    is_mem(buf, ngx_ws_name_record(buf, &out),
           "private-user.18446744073709551615", 33, "for the record");

    ngx_str_set(&name, "user:1");

    is_int(ngx_ws_name_resolve(&name, UINT64_MAX, TENANT, &out), NGX_DECLINED,
           "a part of it is somebody else's");
}


static void
visible(void)
{
    ngx_str_t  s;

    ngx_str_set(&s, "conn_1234567890_xyz");

    is_int(ngx_ws_name_visible(&s, 255), 1, "a connection's id");
    is_int(ngx_ws_name_visible(&s, s.len), 1, "just its length");
    is_int(ngx_ws_name_visible(&s, s.len - 1), 0, "one byte too long");

    ngx_str_set(&s, "a\r\nSet-Cookie: b");

    is_int(ngx_ws_name_visible(&s, 255), 0, "lines");

    ngx_str_null(&s);

    is_int(ngx_ws_name_visible(&s, 255), 0, "nothing");
}
