
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_AGENT_H_INCLUDED_
#define _NGX_WS_AGENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What a User-Agent header (RFC 9110, section 10.1.5) tells: the browser's
 * name ("Chrome", "Firefox", ...) and "mobile", "desktop" or "tablet".  Static
 * strings, empty where it cannot be known.
 */
void ngx_ws_agent_parse(ngx_str_t *agent, ngx_str_t *browser,
    ngx_str_t *device);


#endif /* _NGX_WS_AGENT_H_INCLUDED_ */
