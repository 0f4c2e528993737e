
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_handshake.h>

#include "fuzz.h"


/* first byte: what the server wants; the rest: the value of a header */

static void deflate_terms(ngx_str_t *value, ngx_uint_t want);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char      *p, accept[NGX_WS_HANDSHAKE_ACCEPT_LEN];
    ngx_str_t    value, token;

    if (size == 0) {
        return 0;
    }

    p = copy(data + 1, size - 1);

    value.data = p;
    value.len = size - 1;

    ngx_str_set(&token, "upgrade");

    (void) ngx_ws_handshake_accept(&value, accept);
    (void) ngx_ws_handshake_token(&value, &token);
    (void) ngx_ws_handshake_protocols(&value);

    deflate_terms(&value, data[0]);

    free(p);

    return 0;
}


/* the answer, read as an offer, means the same */

static void
deflate_terms(ngx_str_t *value, ngx_uint_t want)
{
    u_char                   *p, answer[200];
    size_t                    len;
    ngx_str_t                 again;
    ngx_int_t                 rc;
    ngx_ws_deflate_params_t   params, same;

    ngx_memzero(&params, sizeof(ngx_ws_deflate_params_t));

    params.server_takeover = want & 1;
    params.client_takeover = want >> 1 & 1;
    params.server_bits = 8 + (want >> 2 & 7);
    params.client_bits = 8 + (want >> 5 & 7);

    same = params;

    rc = ngx_ws_handshake_deflate(value, &params);

    if (rc != NGX_OK) {
        if (params.on) {
            abort();
        }

        return;
    }

    if (!params.on
        || params.server_takeover > same.server_takeover
        || params.client_takeover > same.client_takeover
        || params.server_bits > same.server_bits
        || params.server_bits < 8
        || params.client_bits < 8)
    {
        abort();
    }

    len = ngx_ws_handshake_deflate_answer(NULL, &params);
    p = (u_char *) ngx_ws_handshake_deflate_answer(answer, &params);

    if (p != answer + len || len > sizeof(answer)) {
        abort();
    }

    again.data = answer;
    again.len = len;

    if (ngx_ws_handshake_deflate(&again, &same) != NGX_OK
        || same.server_takeover != params.server_takeover
        || same.client_takeover != params.client_takeover
        || same.client_bits != params.client_bits
        || (params.server_bits_named
            && same.server_bits != params.server_bits))
    {
        abort();
    }
}
