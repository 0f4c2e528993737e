
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_time.h>

#include "test.h"


#define DAY   ((uint64_t) 86400)
#define LAST  253402300799999ULL


static void iso(uint64_t ms, const char *expected);
static void iso_ms(uint64_t ms, const char *expected);
static void calendar(void);


static const u_char  zero[NGX_WS_TIME_MS_LEN];


int
main(void)
{
    iso(0, "1970-01-01T00:00:00Z");
    iso(999, "1970-01-01T00:00:00Z");
    iso(1000, "1970-01-01T00:00:01Z");
    iso(1761300000000ULL, "2025-10-24T10:00:00Z");
    iso(951782400000ULL, "2000-02-29T00:00:00Z");
    iso(951868800000ULL, "2000-03-01T00:00:00Z");
    iso(4107542399999ULL, "2100-02-28T23:59:59Z");
    iso(4107542400000ULL, "2100-03-01T00:00:00Z");
    iso(LAST, "9999-12-31T23:59:59Z");
    iso(LAST + 1, "9999-12-31T23:59:59Z");
    iso(UINT64_MAX, "9999-12-31T23:59:59Z");

    iso_ms(0, "1970-01-01T00:00:00.000Z");
    iso_ms(7, "1970-01-01T00:00:00.007Z");
    iso_ms(1761300000123ULL, "2025-10-24T10:00:00.123Z");
    iso_ms(LAST, "9999-12-31T23:59:59.999Z");
    iso_ms(UINT64_MAX, "9999-12-31T23:59:59.999Z");

    calendar();

    return done();
}


static void
iso(uint64_t ms, const char *expected)
{
    u_char  *p, *buf;

    buf = guard(zero, NGX_WS_TIME_LEN);

    p = ngx_ws_time_iso(buf, ms);

    is_mem(buf, p - buf, expected, NGX_WS_TIME_LEN, expected);

    unguard(buf, NGX_WS_TIME_LEN);
}


static void
iso_ms(uint64_t ms, const char *expected)
{
    u_char  *p, *buf;

    buf = guard(zero, NGX_WS_TIME_MS_LEN);

    p = ngx_ws_time_iso_ms(buf, ms);

    is_mem(buf, p - buf, expected, NGX_WS_TIME_MS_LEN, expected);

    unguard(buf, NGX_WS_TIME_MS_LEN);
}


/* each day until 2110, some of each later year, against the C library */

static void
calendar(void)
{
    char        buf[sizeof("1970-01-01T00:00:00Z")];
    u_char      got[NGX_WS_TIME_LEN];
    time_t      sec;
    struct tm   tm;

    for (sec = 12345; (uint64_t) sec < LAST / 1000;
         sec += (uint64_t) sec < 51136 * DAY ? DAY : 59 * DAY)
    {
        gmtime_r(&sec, &tm);
        strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);

        ngx_ws_time_iso(got, (uint64_t) sec * 1000);

        if (ngx_memcmp(got, buf, NGX_WS_TIME_LEN) != 0) {
            is_mem(got, NGX_WS_TIME_LEN, buf, NGX_WS_TIME_LEN, "calendar");
            return;
        }
    }

    ok(1, "calendar");
}
