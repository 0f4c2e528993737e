
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_agent.h>


typedef struct {
    const char      *mark;
    ngx_str_t        name;
} ngx_ws_agent_mark_t;


static ngx_uint_t ngx_ws_agent_has(ngx_str_t *agent, const char *mark);
static void ngx_ws_agent_find(ngx_str_t *agent,
    const ngx_ws_agent_mark_t *marks, ngx_str_t *name);


/*
 * The first mark decides: most browsers claim to be Chrome and Safari too,
 * so these come last.
 */

static const ngx_ws_agent_mark_t  ngx_ws_agent_browsers[] = {

    { "Edg/", ngx_string("Edge") },
    { "EdgA/", ngx_string("Edge") },
    { "EdgiOS/", ngx_string("Edge") },
    { "Edge/", ngx_string("Edge") },

    { "OPR/", ngx_string("Opera") },
    { "OPT/", ngx_string("Opera") },
    { "OPiOS/", ngx_string("Opera") },
    { "Opera", ngx_string("Opera") },

    { "SamsungBrowser/", ngx_string("Samsung Internet") },
    { "Vivaldi/", ngx_string("Vivaldi") },
    { "YaBrowser/", ngx_string("Yandex") },

    { "Firefox/", ngx_string("Firefox") },
    { "FxiOS/", ngx_string("Firefox") },

    { "Chrome/", ngx_string("Chrome") },
    { "Chromium/", ngx_string("Chrome") },
    { "CriOS/", ngx_string("Chrome") },

    { "Trident/", ngx_string("Internet Explorer") },
    { "MSIE ", ngx_string("Internet Explorer") },

    { "Safari/", ngx_string("Safari") },

    { NULL, ngx_null_string }
};


static const ngx_ws_agent_mark_t  ngx_ws_agent_devices[] = {

    { "iPad", ngx_string("tablet") },
    { "Tablet;", ngx_string("tablet") },
    { "PlayBook", ngx_string("tablet") },
    { "Kindle", ngx_string("tablet") },
    { "Silk/", ngx_string("tablet") },

    { "Mobi", ngx_string("mobile") },
    { "iPhone", ngx_string("mobile") },
    { "iPod", ngx_string("mobile") },
    { "Opera Mini", ngx_string("mobile") },

    /* phones say "Mobile" besides */
    { "Android", ngx_string("tablet") },

    { "Windows", ngx_string("desktop") },
    { "Macintosh", ngx_string("desktop") },
    { "X11", ngx_string("desktop") },
    { "Linux", ngx_string("desktop") },

    { NULL, ngx_null_string }
};


void
ngx_ws_agent_parse(ngx_str_t *agent, ngx_str_t *browser, ngx_str_t *device)
{
    ngx_ws_agent_find(agent, ngx_ws_agent_browsers, browser);
    ngx_ws_agent_find(agent, ngx_ws_agent_devices, device);
}


static void
ngx_ws_agent_find(ngx_str_t *agent, const ngx_ws_agent_mark_t *marks,
    ngx_str_t *name)
{
    for ( /* void */ ; marks->mark; marks++) {
        if (ngx_ws_agent_has(agent, marks->mark)) {
            break;
        }
    }

    *name = marks->name;
}


static ngx_uint_t
ngx_ws_agent_has(ngx_str_t *agent, const char *mark)
{
    size_t   len;
    u_char  *p, *last;

    len = ngx_strlen(mark);

    if (agent->len < len) {
        return 0;
    }

    last = agent->data + (agent->len - len);

    for (p = agent->data; p <= last; p++) {
        if (*p == (u_char) *mark && ngx_memcmp(p, mark, len) == 0) {
            return 1;
        }
    }

    return 0;
}
