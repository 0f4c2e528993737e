
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_agent.h>
#include <ngx_ws_login_claim.h>
#include <ngx_ws_token.h>


static ngx_int_t ngx_ws_login_claim_id(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_str_t *value);
static ngx_uint_t ngx_ws_login_claim_is(ngx_str_t *claim, uint64_t id);


ngx_int_t
ngx_ws_login_claim(ngx_ws_call_t *call, ngx_ws_session_client_t *client,
    ngx_ws_json_t *in, ngx_ws_login_claim_t *claim)
{
    ngx_str_t                      token, *str[5];
    ngx_uint_t                     i;
    ngx_ws_registry_connection_t  *conn;

    conn = &claim->connection;
    token = client->token;

    (void) ngx_ws_call_string(call, in, "token",
                              token.len ? 0 : NGX_WS_FIELD_REQUIRED,
                              NGX_WS_TOKEN_LEN, &token);
    (void) ngx_ws_call_name(call, in, "connectionId", 0,
                            &conn->connection_id);
    (void) ngx_ws_login_claim_id(call, in, "userId", &claim->user);
    (void) ngx_ws_login_claim_id(call, in, "clubId", &claim->club);

    if (call->error != NGX_WS_OK) {
        return NGX_ERROR;
    }

    claim->token = token;
    conn->ip_address = client->address;
    ngx_ws_agent_parse(&client->agent, &conn->browser,
                       &conn->device_type);

    str[0] = &claim->token;
    str[1] = &claim->user;
    str[2] = &claim->club;
    str[3] = &conn->connection_id;
    str[4] = &conn->ip_address;

    for (i = 0; i < 5; i++) {
        if (str[i]->len == 0) {
            ngx_str_null(str[i]);
            continue;
        }

        str[i]->data = ngx_pstrdup(call->pool, str[i]);
        if (str[i]->data == NULL) {
            call->error = NGX_WS_INTERNAL;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* An id that the client claims: a number or a text, compared as texts. */

static ngx_int_t
ngx_ws_login_claim_id(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_str_t *value)
{
    uint64_t        id;
    ngx_ws_json_t  *node;

    node = ngx_ws_json_get(in, field);

    if (ngx_ws_json_type(node) != NGX_WS_JSON_NUMBER) {
        return ngx_ws_call_string(call, in, field, 0, 64, value);
    }

    if (ngx_ws_json_id(node, &id) != NGX_OK) {
        /* nobody's */
        ngx_str_set(value, "0");
        return NGX_OK;
    }

    value->data = ngx_pnalloc(call->pool, NGX_INT64_LEN);
    if (value->data == NULL) {
        call->error = NGX_WS_INTERNAL;
        return NGX_ERROR;
    }

    value->len = ngx_sprintf(value->data, "%uL", id) - value->data;

    return NGX_OK;
}


ngx_int_t
ngx_ws_login_claim_check(ngx_ws_call_t *call, ngx_ws_login_claim_t *claim,
    ngx_ws_identity_t *id)
{
    if (!ngx_ws_login_claim_is(&claim->user, id->user)) {
        ngx_str_set(&call->message, "The userId is not the token's.");
        return NGX_DECLINED;
    }

    if (!ngx_ws_login_claim_is(&claim->club, id->tenant)) {
        ngx_str_set(&call->message, "The clubId is not the token's.");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_ws_login_claim_is(ngx_str_t *claim, uint64_t id)
{
    size_t  len;
    u_char  text[NGX_INT64_LEN];

    if (claim->len == 0) {
        return 1;
    }

    len = ngx_sprintf(text, "%uL", id) - text;

    return claim->len == len && ngx_memcmp(claim->data, text, len) == 0;
}
