
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_login.h>
#include <ngx_ws_random.h>


static ngx_int_t ngx_ws_login_door(ngx_ws_session_t *s, ngx_ws_json_t *in,
    ngx_ws_call_pt done);
static void ngx_ws_login_connect_done(ngx_ws_call_t *call);
static void ngx_ws_login_connect_error(ngx_ws_session_t *s,
    ngx_ws_error_e error);
static void ngx_ws_login_handshake_done(ngx_ws_call_t *call);
static void ngx_ws_login_unhold(ngx_ws_session_t *s);


void
ngx_ws_login_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_ws_json_t   *in;
    ngx_ws_error_e   error;

    in = NULL;

    if (pkt->data.len) {
        in = ngx_ws_json_parse(pkt->data.data, pkt->data.len,
                               NGX_WS_JSON_DEPTH, &error);
        if (in == NULL) {
            ngx_ws_login_connect_error(s, error);
            return;
        }
    }

    if (s->client->token.len == 0
        && ngx_ws_json_get(in, "token") == NULL)
    {
        ngx_ws_login_connect_ok(s);

    } else if (ngx_ws_login_door(s, in, ngx_ws_login_connect_done)
               != NGX_OK)
    {
        ngx_ws_login_connect_error(s, NGX_WS_INTERNAL);
    }

    ngx_ws_json_free(in);
}


void
ngx_ws_login_handshake(ngx_ws_session_t *s)
{
    (void) ngx_ws_login_door(s, NULL, ngx_ws_login_handshake_done);
}


/* The client's events wait until it is known. */

static ngx_int_t
ngx_ws_login_door(ngx_ws_session_t *s, ngx_ws_json_t *in, ngx_ws_call_pt done)
{
    ngx_ws_call_t  *call;

    call = ngx_ws_call_create(s->worker, NULL, s->conf->service, done, NULL);
    if (call == NULL) {
        return NGX_ERROR;
    }

    s->held = 1;
    ngx_ws_event_flow(s);

    if (ngx_ws_login_begin(s, call, in) != NGX_OK) {
        ngx_ws_login_unhold(s);
        ngx_ws_call_done(call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_ws_login_connect_done(ngx_ws_call_t *call)
{
    ngx_ws_session_t  *s;

    s = ngx_ws_login_session(call);

    if (s == NULL) {
        return;
    }

    ngx_ws_login_unhold(s);

    if (call->error != NGX_WS_OK) {
        ngx_ws_login_connect_error(s, call->error);
    }
}


void
ngx_ws_login_connect_ok(ngx_ws_session_t *s)
{
    u_char         id[NGX_WS_RANDOM_ID_LEN];
    size_t         len;
    ngx_str_t      nsp, sid;
    ngx_ws_buf_t  *wb;

    s->connected = 1;

    ngx_ws_random_id(id);

    ngx_str_set(&nsp, "/");
    sid.len = NGX_WS_RANDOM_ID_LEN;
    sid.data = id;

    len = s->dialect->connect(NULL, &nsp, &sid);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->transport->log);
    if (wb) {
        (void) s->dialect->connect(ngx_ws_buf_payload(wb), &nsp, &sid);
        ngx_ws_session_send(s, wb);
    }
}


static void
ngx_ws_login_connect_error(ngx_ws_session_t *s, ngx_ws_error_e error)
{
    ngx_str_t  nsp;

    ngx_str_set(&nsp, "/");

    ngx_ws_event_connect_error(s, &nsp, error);
}


static void
ngx_ws_login_handshake_done(ngx_ws_call_t *call)
{
    ngx_ws_session_t  *s;

    s = ngx_ws_login_session(call);

    if (s == NULL) {
        return;
    }

    ngx_ws_login_unhold(s);

    if (call->error != NGX_WS_OK) {
        ngx_ws_event_refuse_auth(s, call->error);
    }
}


static void
ngx_ws_login_unhold(ngx_ws_session_t *s)
{
    s->held = 0;
    ngx_ws_event_flow(s);
}
