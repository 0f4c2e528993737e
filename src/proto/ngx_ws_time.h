
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TIME_H_INCLUDED_
#define _NGX_WS_TIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Timestamps (RFC 3339) in UTC from milliseconds since the epoch, years 1970
 * to 9999; later ones are written as the last of these.
 */

#define NGX_WS_TIME_LEN     (sizeof("2025-10-24T10:00:00Z") - 1)
#define NGX_WS_TIME_MS_LEN  (sizeof("2025-10-24T10:00:00.123Z") - 1)


/* Write exactly that many bytes and return the position behind them. */
u_char *ngx_ws_time_iso(u_char *p, uint64_t ms);
u_char *ngx_ws_time_iso_ms(u_char *p, uint64_t ms);


#endif /* _NGX_WS_TIME_H_INCLUDED_ */
