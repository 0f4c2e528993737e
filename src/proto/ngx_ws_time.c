
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_time.h>


#define NGX_WS_TIME_MAX        253402300799999ULL  /* end of year 9999 */

#define NGX_WS_TIME_DAY        86400               /* in seconds */

#define NGX_WS_TIME_1600       135080              /* in days, from 1 March */
#define NGX_WS_TIME_400_YEARS  146097
#define NGX_WS_TIME_100_YEARS  36524
#define NGX_WS_TIME_4_YEARS    1461


static u_char *ngx_ws_time_second(u_char *p, uint64_t sec);
static u_char *ngx_ws_time_date(u_char *p, uint64_t days);


u_char *
ngx_ws_time_iso(u_char *p, uint64_t ms)
{
    ms = ngx_min(ms, NGX_WS_TIME_MAX);

    p = ngx_ws_time_second(p, ms / 1000);
    *p++ = 'Z';

    return p;
}


u_char *
ngx_ws_time_iso_ms(u_char *p, uint64_t ms)
{
    ms = ngx_min(ms, NGX_WS_TIME_MAX);

    p = ngx_ws_time_second(p, ms / 1000);

    return ngx_sprintf(p, ".%03uiZ", (ngx_uint_t) (ms % 1000));
}


static u_char *
ngx_ws_time_second(u_char *p, uint64_t sec)
{
    ngx_uint_t  rest;

    p = ngx_ws_time_date(p, sec / NGX_WS_TIME_DAY);

    rest = (ngx_uint_t) (sec % NGX_WS_TIME_DAY);

    return ngx_sprintf(p, "T%02ui:%02ui:%02ui", rest / 3600,
                       rest / 60 % 60, rest % 60);
}


/*
 * Years are counted from 1 March, so that the leap day is their last one, and
 * from a multiple of 400, so that the calendar repeats from there.
 */

static u_char *
ngx_ws_time_date(u_char *p, uint64_t days)
{
    ngx_uint_t  n, year, month, day, part;

    n = NGX_WS_TIME_1600 + (ngx_uint_t) days;

    year = 1600 + n / NGX_WS_TIME_400_YEARS * 400;
    n %= NGX_WS_TIME_400_YEARS;

    part = ngx_min(n / NGX_WS_TIME_100_YEARS, 3);
    year += part * 100;
    n -= part * NGX_WS_TIME_100_YEARS;

    year += n / NGX_WS_TIME_4_YEARS * 4;
    n %= NGX_WS_TIME_4_YEARS;

    part = ngx_min(n / 365, 3);
    year += part;
    n -= part * 365;

    /* from March on, five months have 153 days */

    month = (n * 5 + 2) / 153;
    day = n - (month * 153 + 2) / 5 + 1;

    if (month < 10) {
        month += 3;

    } else {
        month -= 9;
        year++;
    }

    return ngx_sprintf(p, "%04ui-%02ui-%02ui", year, month, day);
}
