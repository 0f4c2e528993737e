
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * packet       = type [ attachments ] [ namespace ] [ id ] [ payload ]
 * type         = "0" CONNECT / "1" DISCONNECT / "2" EVENT / "3" ACK
 *                / "4" CONNECT_ERROR / "5" BINARY_EVENT / "6" BINARY_ACK
 * attachments  = 1*digit "-"             with a binary type, and only there
 * namespace    = "/" *character ( "," / end of packet )
 * id           = 1*digit
 * payload      = object                  CONNECT, may be absent
 *              / "[" name *( "," value ) "]"             EVENT
 *              / array                   ACK
 *              / object / string         CONNECT_ERROR, may be absent
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json.h>
#include <ngx_ws_json_scan.h>
#include <ngx_ws_name.h>
#include <ngx_ws_sio.h>


#define NGX_WS_SIO_BINARY_EVENT  5
#define NGX_WS_SIO_BINARY_ACK    6


static u_char *ngx_ws_sio_digits(ngx_str_t *s, u_char *p, u_char *end);
static u_char *ngx_ws_sio_attachments(ngx_ws_packet_t *pkt, u_char *p,
    u_char *end);
static u_char *ngx_ws_sio_namespace(ngx_ws_packet_t *pkt, u_char *p,
    u_char *end);
static ngx_int_t ngx_ws_sio_payload(ngx_ws_packet_t *pkt, u_char *p,
    size_t len);
static ngx_int_t ngx_ws_sio_value(ngx_ws_packet_t *pkt, u_char *p, size_t len);
static ngx_int_t ngx_ws_sio_array(ngx_ws_packet_t *pkt, u_char *p, size_t len);
static ngx_int_t ngx_ws_sio_name(ngx_ws_packet_t *pkt);
static ngx_int_t ngx_ws_sio_placeholders(ngx_ws_packet_t *pkt, u_char *p,
    size_t len);
static ngx_int_t ngx_ws_sio_placeholder(ngx_ws_json_t *node, ngx_uint_t n);
static size_t ngx_ws_sio_head(u_char *p, ngx_ws_packet_t *pkt);


/* what an event must not be called: words of the reference implementation */

static ngx_str_t  ngx_ws_sio_reserved[] = {
    ngx_string("connect"),
    ngx_string("connect_error"),
    ngx_string("disconnect"),
    ngx_string("disconnecting"),
    ngx_string("newListener"),
    ngx_string("removeListener"),
    ngx_null_string
};


ngx_int_t
ngx_ws_sio_decode(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    u_char      *end;
    ngx_uint_t   type;

    ngx_memzero(pkt, sizeof(ngx_ws_packet_t));

    if (len == 0 || *p < '0' || *p > '6') {
        return NGX_ERROR;
    }

    end = p + len;
    type = (ngx_uint_t) (*p++ - '0');

    switch (type) {

    case NGX_WS_SIO_BINARY_EVENT:
        pkt->kind = NGX_WS_PACKET_EVENT;
        p = ngx_ws_sio_attachments(pkt, p, end);
        break;

    case NGX_WS_SIO_BINARY_ACK:
        pkt->kind = NGX_WS_PACKET_ACK;
        p = ngx_ws_sio_attachments(pkt, p, end);
        break;

    default:
        pkt->kind = (ngx_ws_packet_kind_e) type;
    }

    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_ws_sio_namespace(pkt, p, end);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_ws_sio_digits(&pkt->id, p, end);

    if (pkt->id.len > NGX_WS_SIO_ID_LEN) {
        return NGX_ERROR;
    }

    return ngx_ws_sio_payload(pkt, p, (size_t) (end - p));
}


size_t
ngx_ws_sio_encode(u_char *p, ngx_ws_packet_t *pkt)
{
    size_t  len;

    len = ngx_ws_sio_head(p, pkt);

    switch (pkt->kind) {

    case NGX_WS_PACKET_EVENT:
        len = ngx_ws_packet_put_text(p, len, "[\"");
        len += ngx_ws_json_out_escape(p ? p + len : NULL, &pkt->event);
        len = ngx_ws_packet_put_text(p, len, "\"");

        if (pkt->args.len) {
            len = ngx_ws_packet_put_text(p, len, ",");
            len = ngx_ws_packet_put_str(p, len, &pkt->args);
        }

        return ngx_ws_packet_put_text(p, len, "]");

    case NGX_WS_PACKET_ACK:
        len = ngx_ws_packet_put_text(p, len, "[");
        len = ngx_ws_packet_put_str(p, len, &pkt->args);

        return ngx_ws_packet_put_text(p, len, "]");

    default:
        return ngx_ws_packet_put_str(p, len, &pkt->data);
    }
}


size_t
ngx_ws_sio_event(u_char *p, ngx_str_t *nsp, ngx_str_t *name, ngx_str_t *data)
{
    ngx_ws_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(ngx_ws_packet_t));

    pkt.kind = NGX_WS_PACKET_EVENT;
    pkt.nsp = *nsp;
    pkt.event = *name;
    pkt.args = *data;

    return ngx_ws_sio_encode(p, &pkt);
}


size_t
ngx_ws_sio_ack(u_char *p, ngx_str_t *nsp, ngx_str_t *id, ngx_str_t *data)
{
    ngx_ws_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(ngx_ws_packet_t));

    pkt.kind = NGX_WS_PACKET_ACK;
    pkt.nsp = *nsp;
    pkt.id = *id;
    pkt.args = *data;

    return ngx_ws_sio_encode(p, &pkt);
}


size_t
ngx_ws_sio_connect(u_char *p, ngx_str_t *nsp, ngx_str_t *sid)
{
    size_t           len;
    ngx_ws_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(ngx_ws_packet_t));

    pkt.kind = NGX_WS_PACKET_CONNECT;
    pkt.nsp = *nsp;

    len = ngx_ws_sio_head(p, &pkt);
    len = ngx_ws_packet_put_text(p, len, "{\"sid\":\"");
    len = ngx_ws_packet_put_str(p, len, sid);

    return ngx_ws_packet_put_text(p, len, "\"}");
}


size_t
ngx_ws_sio_connect_error(u_char *p, ngx_str_t *nsp, ngx_str_t *message,
    ngx_str_t *data)
{
    size_t           len;
    ngx_ws_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(ngx_ws_packet_t));

    pkt.kind = NGX_WS_PACKET_CONNECT_ERROR;
    pkt.nsp = *nsp;

    len = ngx_ws_sio_head(p, &pkt);
    len = ngx_ws_packet_put_text(p, len, "{\"message\":\"");
    len += ngx_ws_json_out_escape(p ? p + len : NULL, message);
    len = ngx_ws_packet_put_text(p, len, "\"");

    if (data->len) {
        len = ngx_ws_packet_put_text(p, len, ",\"data\":");
        len = ngx_ws_packet_put_str(p, len, data);
    }

    return ngx_ws_packet_put_text(p, len, "}");
}


size_t
ngx_ws_sio_disconnect(u_char *p, ngx_str_t *nsp)
{
    ngx_ws_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(ngx_ws_packet_t));

    pkt.kind = NGX_WS_PACKET_DISCONNECT;
    pkt.nsp = *nsp;

    return ngx_ws_sio_head(p, &pkt);
}


static u_char *
ngx_ws_sio_digits(ngx_str_t *s, u_char *p, u_char *end)
{
    s->data = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    s->len = (size_t) (p - s->data);

    return p;
}


static u_char *
ngx_ws_sio_attachments(ngx_ws_packet_t *pkt, u_char *p, u_char *end)
{
    ngx_int_t  n;
    ngx_str_t  s;

    p = ngx_ws_sio_digits(&s, p, end);

    n = ngx_atoi(s.data, s.len);

    if (n == NGX_ERROR
        || n > NGX_WS_SIO_ATTACHMENTS
        || p == end
        || *p != '-')
    {
        return NULL;
    }

    pkt->attachments = (ngx_uint_t) n;

    return p + 1;
}


static u_char *
ngx_ws_sio_namespace(ngx_ws_packet_t *pkt, u_char *p, u_char *end)
{
    u_char  *comma;

    if (p == end || *p != '/') {
        ngx_str_set(&pkt->nsp, "/");
        return p;
    }

    comma = ngx_strlchr(p, end, ',');

    pkt->nsp.data = p;
    pkt->nsp.len = (size_t) ((comma ? comma : end) - p);

    if (!ngx_ws_name_visible(&pkt->nsp, NGX_WS_SIO_NSP_LEN)) {
        return NULL;
    }

    return comma ? comma + 1 : end;
}


static ngx_int_t
ngx_ws_sio_payload(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    switch (pkt->kind) {

    case NGX_WS_PACKET_DISCONNECT:
        return len ? NGX_ERROR : NGX_OK;

    case NGX_WS_PACKET_EVENT:
    case NGX_WS_PACKET_ACK:
        return ngx_ws_sio_array(pkt, p, len);

    default: /* NGX_WS_PACKET_CONNECT, NGX_WS_PACKET_CONNECT_ERROR */
        return len ? ngx_ws_sio_value(pkt, p, len) : NGX_OK;
    }
}


static ngx_int_t
ngx_ws_sio_value(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    ngx_ws_json_scan_t  s;

    if (ngx_ws_json_scan(&s, p, len, NGX_WS_JSON_DEPTH) != NGX_OK) {
        return NGX_ERROR;
    }

    pkt->data = s.value;

    if (pkt->data.data[0] == '{') {
        return NGX_OK;
    }

    if (pkt->data.data[0] == '"' && pkt->kind == NGX_WS_PACKET_CONNECT_ERROR) {
        return NGX_OK;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_ws_sio_array(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    ngx_int_t           rc;
    ngx_ws_json_scan_t  s;

    if (ngx_ws_json_scan_open(&s, p, len, NGX_WS_JSON_DEPTH) != NGX_OK
        || s.object)
    {
        return NGX_ERROR;
    }

    if (pkt->kind == NGX_WS_PACKET_EVENT) {

        if (ngx_ws_json_scan_next(&s) != NGX_OK) {
            return NGX_ERROR;
        }

        pkt->event = s.value;
    }

    for ( ;; ) {
        rc = ngx_ws_json_scan_next(&s);

        if (rc != NGX_OK) {
            break;
        }

        if (pkt->data.len == 0) {
            pkt->data = s.value;
            pkt->args.data = s.value.data;
        }

        pkt->args.len = (size_t) (s.pos - pkt->args.data);
    }

    if (rc != NGX_DONE) {
        return NGX_ERROR;
    }

    if (pkt->attachments
        && ngx_ws_sio_placeholders(pkt, p, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return (pkt->kind == NGX_WS_PACKET_EVENT) ? ngx_ws_sio_name(pkt) : NGX_OK;
}


static ngx_int_t
ngx_ws_sio_name(ngx_ws_packet_t *pkt)
{
    u_char     *p;
    ngx_str_t  *reserved;

    p = pkt->event.data;

    if (*p != '"') {

        /* a number is a name, too */

        return (*p == '-' || (*p >= '0' && *p <= '9')) ? NGX_OK : NGX_ERROR;
    }

    pkt->event.data++;
    pkt->event.len -= 2;

    ngx_ws_json_scan_unescape(&pkt->event);

    for (reserved = ngx_ws_sio_reserved; reserved->len; reserved++) {

        if (reserved->len == pkt->event.len
            && ngx_memcmp(reserved->data, pkt->event.data, reserved->len) == 0)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Whoever gets the packet next puts attachments where the placeholders are:
 * one that points nowhere would end the connection there.
 */

static ngx_int_t
ngx_ws_sio_placeholders(ngx_ws_packet_t *pkt, u_char *p, size_t len)
{
    ngx_int_t        rc;
    ngx_ws_json_t   *root;
    ngx_ws_error_e   error;

    root = ngx_ws_json_parse(p, len, NGX_WS_JSON_DEPTH, &error);
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_ws_sio_placeholder(root, pkt->attachments);

    ngx_ws_json_free(root);

    return rc;
}


static ngx_int_t
ngx_ws_sio_placeholder(ngx_ws_json_t *node, ngx_uint_t n)
{
    uint64_t             num;
    ngx_uint_t           i;
    ngx_ws_json_t       *mark;
    ngx_ws_json_iter_t   it;

    for (i = 0; i < ngx_ws_json_array_n(node); i++) {

        if (ngx_ws_sio_placeholder(ngx_ws_json_array_get(node, i), n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    mark = ngx_ws_json_get(node, "_placeholder");

    if (ngx_ws_json_type(mark) == NGX_WS_JSON_BOOL
        && ngx_ws_json_bool(mark, &i) == NGX_OK
        && i)
    {
        node = ngx_ws_json_get(node, "num");

        if (ngx_ws_json_type(node) != NGX_WS_JSON_NUMBER) {
            return NGX_ERROR;
        }

        return ngx_ws_json_uint(node, 0, n - 1, &num);
    }

    ngx_ws_json_first(&it, node);

    while (ngx_ws_json_next(&it) == NGX_OK) {

        if (ngx_ws_sio_placeholder(it.value, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static size_t
ngx_ws_sio_head(u_char *p, ngx_ws_packet_t *pkt)
{
    size_t   len;
    u_char  *last, buf[sizeof("45-") + NGX_INT_T_LEN];

    last = ngx_sprintf(buf, "4%ui", pkt->kind);

    if (pkt->attachments) {
        last = ngx_sprintf(buf, "4%ui%ui-",
                           (pkt->kind == NGX_WS_PACKET_EVENT)
                               ? (ngx_uint_t) NGX_WS_SIO_BINARY_EVENT
                               : (ngx_uint_t) NGX_WS_SIO_BINARY_ACK,
                           pkt->attachments);
    }

    len = ngx_ws_packet_put(p, 0, buf, (size_t) (last - buf));

    if (pkt->nsp.len > 1) {
        len = ngx_ws_packet_put_str(p, len, &pkt->nsp);
        len = ngx_ws_packet_put_text(p, len, ",");
    }

    return ngx_ws_packet_put_str(p, len, &pkt->id);
}
