
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * envelope  = an object with
 *             "event"  string
 *             "data"   any value, may be absent
 *             "id"     number or string, may be absent or null
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json.h>
#include <ngx_ws_json_scan.h>
#include <ngx_ws_raw.h>


static ngx_int_t ngx_ws_raw_name(ngx_ws_packet_t *pkt);
static ngx_int_t ngx_ws_raw_id(ngx_ws_packet_t *pkt);
static ngx_uint_t ngx_ws_raw_is(ngx_str_t *key, const char *name, size_t len);


ngx_int_t
ngx_ws_raw_decode(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    ngx_int_t           rc;
    ngx_ws_json_scan_t  s;

    ngx_memzero(pkt, sizeof(ngx_ws_packet_t));

    pkt->kind = NGX_WS_PACKET_EVENT;
    ngx_str_set(&pkt->nsp, "/");

    if (ngx_ws_json_scan_open(&s, p, len, NGX_WS_JSON_DEPTH) != NGX_OK
        || !s.object)
    {
        return NGX_ERROR;
    }

    for ( ;; ) {
        rc = ngx_ws_json_scan_next(&s);

        if (rc != NGX_OK) {
            break;
        }

        ngx_ws_json_scan_unescape(&s.key);

        if (ngx_ws_raw_is(&s.key, "event", 5)) {
            pkt->event = s.value;

        } else if (ngx_ws_raw_is(&s.key, "data", 4)) {
            pkt->data = s.value;

        } else if (ngx_ws_raw_is(&s.key, "id", 2)) {
            pkt->id = s.value;
        }
    }

    if (rc != NGX_DONE) {
        return NGX_ERROR;
    }

    pkt->args = pkt->data;

    if (ngx_ws_raw_id(pkt) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_ws_raw_name(pkt);
}


size_t
ngx_ws_raw_event(u_char *p, ngx_str_t *nsp, ngx_str_t *name, ngx_str_t *data)
{
    size_t  len;

    len = ngx_ws_packet_put_text(p, 0, "{\"event\":\"");
    len += ngx_ws_json_out_escape(p ? p + len : NULL, name);
    len = ngx_ws_packet_put_text(p, len, "\"");

    if (data->len) {
        len = ngx_ws_packet_put_text(p, len, ",\"data\":");
        len = ngx_ws_packet_put_str(p, len, data);
    }

    return ngx_ws_packet_put_text(p, len, "}");
}


size_t
ngx_ws_raw_ack(u_char *p, ngx_str_t *nsp, ngx_str_t *id, ngx_str_t *data)
{
    size_t  len;

    len = ngx_ws_packet_put_text(p, 0, "{\"event\":\"ack\",\"id\":");
    len = ngx_ws_packet_put_str(p, len, id);

    if (data->len) {
        len = ngx_ws_packet_put_text(p, len, ",\"data\":");
        len = ngx_ws_packet_put_str(p, len, data);
    }

    return ngx_ws_packet_put_text(p, len, "}");
}


static ngx_int_t
ngx_ws_raw_name(ngx_ws_packet_t *pkt)
{
    if (pkt->event.len < sizeof("\"\"") || pkt->event.data[0] != '"') {
        return NGX_ERROR;
    }

    pkt->event.data++;
    pkt->event.len -= 2;

    ngx_ws_json_scan_unescape(&pkt->event);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_raw_id(ngx_ws_packet_t *pkt)
{
    size_t  len;

    if (pkt->id.len == 0) {
        return NGX_OK;
    }

    len = pkt->id.len;

    switch (pkt->id.data[0]) {

    case 'n':
        ngx_str_null(&pkt->id);
        return NGX_OK;

    case '"':
        len -= 2;
        break;

    case '{':
    case '[':
    case 't':
    case 'f':
        return NGX_ERROR;
    }

    return (len > NGX_WS_RAW_ID_LEN) ? NGX_ERROR : NGX_OK;
}


static ngx_uint_t
ngx_ws_raw_is(ngx_str_t *key, const char *name, size_t len)
{
    return key->len == len && ngx_memcmp(key->data, name, len) == 0;
}
