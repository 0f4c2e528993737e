
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_event.h>
#include <ngx_ws_letter.h>
#include <ngx_ws_listen.h>
#include <ngx_ws_session.h>


typedef struct {
    ngx_str_t       verb;
    void          (*handler)(ngx_ws_worker_t *w, ngx_str_t *rest);
} ngx_ws_session_control_t;


static void ngx_ws_session_control_close(ngx_ws_worker_t *w, ngx_str_t *rest);
static void ngx_ws_session_control_evict(ngx_ws_worker_t *w, ngx_str_t *rest);
static void ngx_ws_session_control_dismiss(ngx_ws_worker_t *w,
    ngx_str_t *rest, ngx_ws_error_e error);
static void ngx_ws_session_control_join(ngx_ws_worker_t *w, ngx_str_t *rest);
static void ngx_ws_session_control_leave(ngx_ws_worker_t *w, ngx_str_t *rest);
static void ngx_ws_session_control_typing(ngx_ws_worker_t *w,
    ngx_str_t *rest);


static const ngx_ws_session_control_t  ngx_ws_session_controls[] = {

    { ngx_string("close"), ngx_ws_session_control_close },

    { ngx_string("evict"), ngx_ws_session_control_evict },

    { ngx_string("join"), ngx_ws_session_control_join },

    { ngx_string("leave"), ngx_ws_session_control_leave },

    { ngx_string("joined"), ngx_ws_listen_answered },

    { ngx_string("typing"), ngx_ws_session_control_typing },

    { ngx_string("letter"), ngx_ws_letter_receive },

    { ngx_null_string, NULL }
};


void
ngx_ws_session_control(ngx_ws_worker_t *w, ngx_str_t *verb, ngx_str_t *rest)
{
    const ngx_ws_session_control_t  *control;

    for (control = ngx_ws_session_controls; control->handler; control++) {

        if (control->verb.len == verb->len
            && ngx_strncmp(control->verb.data, verb->data, verb->len) == 0)
        {
            control->handler(w, rest);
            return;
        }
    }

    ngx_log_error(NGX_LOG_ERR, w->log, 0,
                  "unknown verb \"%V\" on the worker's channel", verb);
}


/* disconnected by REST */

static void
ngx_ws_session_control_close(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    ngx_ws_session_control_dismiss(w, rest, NGX_WS_OK);
}


/* one too many */

static void
ngx_ws_session_control_evict(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    ngx_ws_session_control_dismiss(w, rest, NGX_WS_REPLACED);
}


/* "number connection_id" */

static void
ngx_ws_session_control_dismiss(ngx_ws_worker_t *w, ngx_str_t *rest,
    ngx_ws_error_e error)
{
    uint64_t           number;
    ngx_ws_session_t  *s;

    if (ngx_ws_bus_number(rest, &number) != NGX_OK) {
        return;
    }

    s = ngx_ws_session_find(w, number);

    /* another connection may have been linked meanwhile */

    if (s && s->connection_id.len == rest->len
        && ngx_memcmp(s->connection_id.data, rest->data, rest->len) == 0)
    {
        ngx_ws_session_dismiss(s, error);
    }
}


static void
ngx_ws_session_control_join(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    ngx_ws_event_remote(w, rest, 1);
}


static void
ngx_ws_session_control_leave(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    ngx_ws_event_remote(w, rest, 0);
}


/* "number conversation": the client has said by REST that it types there */

static void
ngx_ws_session_control_typing(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    uint64_t           number;
    ngx_ws_session_t  *s;

    if (ngx_ws_bus_number(rest, &number) != NGX_OK) {
        return;
    }

    s = ngx_ws_session_find(w, number);

    if (s && s->identity && !s->shell && !s->frozen) {
        ngx_ws_event_typing_add(s, rest);
    }
}
