
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * payload  = packet *( %x1e packet )
 * packet   = type text / "b" base64
 * type     = "0" open / "1" close / "2" ping / "3" pong / "4" message
 *            / "5" upgrade / "6" noop
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_eio.h>
#include <ngx_ws_packet.h>
#include <ngx_ws_utf8.h>


static ngx_int_t ngx_ws_eio_base64(ngx_str_t *data);


typedef struct {
    ngx_uint_t      status;        /* of HTTP */
    ngx_str_t       text;
} ngx_ws_eio_answer_t;


static ngx_ws_eio_answer_t  ngx_ws_eio_answers[] = {

    { 400, ngx_string("Transport unknown") },

    { 400, ngx_string("Session ID unknown") },

    { 400, ngx_string("Bad handshake method") },

    { 400, ngx_string("Bad request") },

    { 403, ngx_string("Forbidden") },

    { 400, ngx_string("Unsupported protocol version") }
};


ngx_int_t
ngx_ws_eio_decode(ngx_ws_eio_packet_t *pkt, u_char *p, size_t len)
{
    ngx_memzero(pkt, sizeof(ngx_ws_eio_packet_t));

    if (len == 0) {
        return NGX_ERROR;
    }

    pkt->data.data = p + 1;
    pkt->data.len = len - 1;

    if (*p == 'b') {
        pkt->type = NGX_WS_EIO_MESSAGE;
        pkt->binary = 1;

        return ngx_ws_eio_base64(&pkt->data);
    }

    if (*p < '0' || *p > '6') {
        return NGX_ERROR;
    }

    pkt->type = (ngx_ws_eio_type_e) (*p - '0');

    return NGX_OK;
}


ngx_int_t
ngx_ws_eio_next(ngx_ws_eio_packet_t *pkt, u_char **pos, u_char *end)
{
    size_t          len;
    u_char         *p, *separator;
    ngx_ws_utf8_t   utf8;

    p = *pos;

    if (p == NULL) {
        return NGX_DONE;
    }

    separator = ngx_strlchr(p, end, NGX_WS_EIO_SEPARATOR);

    if (separator) {
        len = (size_t) (separator - p);
        *pos = separator + 1;

    } else {
        len = (size_t) (end - p);
        *pos = NULL;
    }

    /* nobody has looked at a body's bytes so far, unlike those of a frame */

    ngx_ws_utf8_init(&utf8);

    if (ngx_ws_utf8_check(&utf8, p, len) != NGX_OK
        || !ngx_ws_utf8_complete(&utf8))
    {
        return NGX_ERROR;
    }

    return ngx_ws_eio_decode(pkt, p, len);
}


size_t
ngx_ws_eio_open(u_char *p, ngx_ws_eio_open_t *open)
{
    size_t   len;
    u_char  *last, buf[sizeof("\",\"upgrades\":[\"websocket\"],"
                              "\"pingInterval\":,\"pingTimeout\":,"
                              "\"maxPayload\":}")
                       + 3 * NGX_INT64_LEN];

    last = ngx_sprintf(buf, "\",\"upgrades\":[%s],\"pingInterval\":%M,"
                       "\"pingTimeout\":%M,\"maxPayload\":%uz}",
                       open->upgrade ? "\"websocket\"" : "",
                       open->ping_interval, open->ping_timeout,
                       open->max_payload);

    len = ngx_ws_packet_put_text(p, 0, "0{\"sid\":\"");
    len = ngx_ws_packet_put_str(p, len, &open->sid);

    return ngx_ws_packet_put(p, len, buf, (size_t) (last - buf));
}


size_t
ngx_ws_eio_part(u_char *p, ngx_str_t *packet, ngx_uint_t binary,
    ngx_uint_t first)
{
    size_t     len;
    ngx_str_t  base64;

    len = first ? 0 : ngx_ws_packet_put_text(p, 0, "\x1e");

    if (!binary) {
        return ngx_ws_packet_put_str(p, len, packet);
    }

    len = ngx_ws_packet_put_text(p, len, "b");

    if (p) {
        base64.data = p + len;
        ngx_encode_base64(&base64, packet);
    }

    return len + ngx_base64_encoded_length(packet->len);
}


size_t
ngx_ws_eio_error(u_char *p, ngx_ws_eio_error_e e)
{
    size_t   len;
    u_char  *last, buf[NGX_INT64_LEN];

    last = ngx_sprintf(buf, "%ui", (ngx_uint_t) e);

    len = ngx_ws_packet_put_text(p, 0, "{\"code\":");
    len = ngx_ws_packet_put(p, len, buf, (size_t) (last - buf));
    len = ngx_ws_packet_put_text(p, len, ",\"message\":\"");
    len = ngx_ws_packet_put_str(p, len, &ngx_ws_eio_answers[e].text);

    return ngx_ws_packet_put_text(p, len, "\"}");
}


ngx_uint_t
ngx_ws_eio_error_status(ngx_ws_eio_error_e e)
{
    return ngx_ws_eio_answers[e].status;
}


/* strict but for the padding, which may be left out */

static ngx_int_t
ngx_ws_eio_base64(ngx_str_t *data)
{
    size_t     padding;
    ngx_str_t  src, dst;

    src = *data;

    for (padding = 0; padding < 2 && src.len; padding++) {

        if (src.data[src.len - 1] != '=') {
            break;
        }

        src.len--;
    }

    if ((padding && data->len % 4)
        || (src.len && ngx_strlchr(src.data, src.data + src.len, '=')))
    {
        return NGX_ERROR;
    }

    /* three bytes are written where four have been read */

    dst.data = data->data;

    if (ngx_decode_base64(&dst, &src) != NGX_OK) {
        return NGX_ERROR;
    }

    *data = dst;

    return NGX_OK;
}
