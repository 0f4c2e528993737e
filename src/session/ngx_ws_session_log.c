
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_session.h>


void
ngx_ws_session_log_end(ngx_ws_session_t *s, ngx_uint_t code,
    const ngx_str_t *reason)
{
    uint64_t                tenant, user;
    ngx_msec_t              duration;
    const ngx_str_t        *connection_id;
    ngx_ws_session_past_t  *past;

    static const ngx_str_t  none = ngx_string("");

    ngx_ws_metrics[ngx_ws_metrics_close(code)]++;

    user = 0;
    tenant = 0;
    connection_id = &none;

    if (s->identity) {
        user = s->identity->user;
        tenant = s->identity->tenant;
        connection_id = &s->connection_id;

    } else if (s->state && s->conf->echo == NGX_WS_ECHO_OFF) {
        past = s->state;

        user = past->user;
        tenant = past->tenant;
        connection_id = &past->connection_id;
    }

    duration = ngx_current_msec - s->begun;

    ngx_log_error(NGX_LOG_INFO, s->transport->log, 0,
                  "websocket session ended, code: %ui, reason: \"%V\", "
                  "transport: %V, duration: %M.%03M, "
                  "received: %uD messages, %uL bytes, "
                  "sent: %uD messages, %uL bytes, "
                  "user_id: %uL, tenant_id: %uL, connection_id: \"%V\"",
                  code, reason, &s->transport->ops->name,
                  duration / 1000, duration % 1000,
                  s->nreceived, s->received, s->nsent, s->sent,
                  user, tenant, connection_id);
}


void
ngx_ws_session_log_past(ngx_ws_session_t *s)
{
    ngx_ws_session_past_t  *past;

    past = ngx_alloc(sizeof(ngx_ws_session_past_t) + s->connection_id.len,
                     s->transport->log);
    if (past == NULL) {
        return;
    }

    past->user = s->identity->user;
    past->tenant = s->identity->tenant;
    past->connection_id.len = s->connection_id.len;
    past->connection_id.data = past->data;

    ngx_memcpy(past->data, s->connection_id.data, s->connection_id.len);

    if (s->state) {
        ngx_free(s->state);
    }

    s->state = past;
}
