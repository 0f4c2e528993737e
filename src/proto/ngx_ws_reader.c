
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_reader.h>


/*
 *     message   data frame, { [control frames], continuation frame }
 *     element   message | control frame
 */


#define NGX_WS_READER_CHUNK  1024


static void ngx_ws_reader_begin(ngx_ws_reader_t *rd);
static void ngx_ws_reader_release(ngx_ws_reader_t *rd);
static size_t ngx_ws_reader_unmask(ngx_ws_reader_t *rd, u_char **pos,
    u_char *end);
static ngx_int_t ngx_ws_reader_control(ngx_ws_reader_t *rd, u_char **pos,
    u_char *end, ngx_ws_reader_out_t *out);
static ngx_int_t ngx_ws_reader_close(ngx_ws_reader_t *rd,
    ngx_ws_reader_out_t *out);
static ngx_int_t ngx_ws_reader_plain(ngx_ws_reader_t *rd, u_char **pos,
    u_char *end, ngx_ws_reader_out_t *out);
static ngx_int_t ngx_ws_reader_deflated(ngx_ws_reader_t *rd, u_char **pos,
    u_char *end, ngx_ws_reader_out_t *out);
static ngx_int_t ngx_ws_reader_inflate(ngx_ws_reader_t *rd, u_char *p,
    u_char *last);
static ngx_int_t ngx_ws_reader_inflate_create(ngx_ws_reader_t *rd);
static ngx_int_t ngx_ws_reader_text(ngx_ws_reader_t *rd, u_char *p,
    size_t len);
static ngx_int_t ngx_ws_reader_message(ngx_ws_reader_t *rd, u_char *p,
    size_t len, ngx_ws_reader_out_t *out);
static ngx_int_t ngx_ws_reader_append(ngx_ws_reader_t *rd, u_char *p,
    size_t len);
static ngx_int_t ngx_ws_reader_grow(ngx_ws_reader_t *rd, size_t size,
    uint64_t limit);
static ngx_int_t ngx_ws_reader_error(ngx_ws_reader_t *rd, ngx_uint_t code,
    const char *reason);


void
ngx_ws_reader_init(ngx_ws_reader_t *rd, size_t max,
    ngx_ws_deflate_params_t *params, ngx_ws_deflate_t *deflate, ngx_log_t *log)
{
    ngx_memzero(rd, sizeof(ngx_ws_reader_t));

    rd->frame.max = max;
    rd->log = log;

    if (params && params->on) {
        rd->frame.deflate = 1;
        rd->deflate = deflate;
        rd->params = *params;
    }
}


void
ngx_ws_reader_cleanup(ngx_ws_reader_t *rd)
{
    if (rd->message) {
        ngx_free(rd->message);
        rd->message = NULL;
    }

    if (rd->control) {
        ngx_free(rd->control);
        rd->control = NULL;
    }

    if (rd->inflate) {
        ngx_ws_inflate_drop(rd->inflate);
        ngx_free(rd->inflate);
        rd->inflate = NULL;
    }
}


ngx_int_t
ngx_ws_reader_next(ngx_ws_reader_t *rd, u_char **pos, u_char *end,
    ngx_ws_reader_out_t *out)
{
    ngx_int_t  rc;

    if (rd->given) {
        ngx_ws_reader_release(rd);
    }

    if (rd->error) {
        return NGX_ERROR;
    }

    if (rd->closed) {
        *pos = end;
        return NGX_AGAIN;
    }

    do {

        if (!rd->payload) {

            rc = ngx_ws_frame_parse(&rd->frame, pos, end);

            if (rc == NGX_AGAIN) {
                return NGX_AGAIN;
            }

            if (rc == NGX_ERROR) {
                return ngx_ws_reader_error(rd, rd->frame.error,
                                           rd->frame.reason);
            }

            ngx_ws_reader_begin(rd);
        }

        if (rd->frame.opcode & NGX_WS_FRAME_CONTROL) {
            rc = ngx_ws_reader_control(rd, pos, end, out);

        } else if (rd->frame.compressed) {
            rc = ngx_ws_reader_deflated(rd, pos, end, out);

        } else {
            rc = ngx_ws_reader_plain(rd, pos, end, out);
        }

        /* NGX_DONE: a fragment, there is nothing to give yet */

    } while (rc == NGX_DONE);

    return rc;
}


ngx_uint_t
ngx_ws_reader_resting(ngx_ws_reader_t *rd)
{
    if (rd->given) {
        ngx_ws_reader_release(rd);
    }

    return ngx_ws_frame_resting(&rd->frame)
           && !rd->payload
           && !rd->error
           && !rd->closed;
}


static void
ngx_ws_reader_begin(ngx_ws_reader_t *rd)
{
    rd->payload = 1;
    rd->rest = rd->frame.length;

    if (rd->frame.opcode == NGX_WS_FRAME_TEXT
        || rd->frame.opcode == NGX_WS_FRAME_BINARY)
    {
        rd->type = rd->frame.opcode;
    }
}


/* the memory of what was given; a message may be under way meanwhile */

static void
ngx_ws_reader_release(ngx_ws_reader_t *rd)
{
    u_char  **p;

    if (rd->given & NGX_WS_FRAME_CONTROL) {
        p = &rd->control;

    } else {
        p = &rd->message;
        rd->message_len = 0;
        rd->message_size = 0;
    }

    if (*p) {
        ngx_free(*p);
        *p = NULL;
    }

    rd->given = 0;
}


/* takes what there is of the payload */

static size_t
ngx_ws_reader_unmask(ngx_ws_reader_t *rd, u_char **pos, u_char *end)
{
    size_t  n;

    n = (size_t) ngx_min((uint64_t) (end - *pos), rd->rest);

    ngx_ws_frame_unmask(*pos, n, rd->frame.mask,
                        rd->frame.length - rd->rest);
    *pos += n;
    rd->rest -= n;

    return n;
}


static ngx_int_t
ngx_ws_reader_control(ngx_ws_reader_t *rd, u_char **pos, u_char *end,
    ngx_ws_reader_out_t *out)
{
    size_t   n, len;
    u_char  *p;

    p = *pos;
    len = (size_t) (rd->frame.length - rd->rest);

    n = ngx_ws_reader_unmask(rd, pos, end);

    if (n < rd->frame.length) {

        if (rd->control == NULL) {
            rd->control = ngx_alloc(NGX_WS_FRAME_CONTROL_MAX, rd->log);
            if (rd->control == NULL) {
                return ngx_ws_reader_error(rd, NGX_WS_CLOSE_INTERNAL,
                                           "more than memory holds");
            }
        }

        ngx_memcpy(rd->control + len, p, n);
        p = rd->control;
    }

    if (rd->rest) {
        return NGX_AGAIN;
    }

    rd->payload = 0;
    rd->given = rd->frame.opcode;

    out->opcode = rd->frame.opcode;
    out->data.data = p;
    out->data.len = (size_t) rd->frame.length;

    if (out->opcode == NGX_WS_FRAME_CLOSE) {
        return ngx_ws_reader_close(rd, out);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_close(ngx_ws_reader_t *rd, ngx_ws_reader_out_t *out)
{
    ngx_str_t  reason;

    if (ngx_ws_frame_close_parse(out->data.data, out->data.len, &out->code,
                                 &reason)
        != NGX_OK)
    {
        return ngx_ws_reader_error(rd, out->code, "an invalid close frame");
    }

    out->data = reason;
    rd->closed = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_plain(ngx_ws_reader_t *rd, u_char **pos, u_char *end,
    ngx_ws_reader_out_t *out)
{
    size_t   n;
    u_char  *p;

    p = *pos;
    n = ngx_ws_reader_unmask(rd, pos, end);

    if (ngx_ws_reader_text(rd, p, n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rd->rest == 0) {
        rd->payload = 0;

        if (rd->frame.fin && rd->message_len == 0) {

            /* all of it lies in the input */

            return ngx_ws_reader_message(rd, p, n, out);
        }
    }

    if (n && ngx_ws_reader_append(rd, p, n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rd->rest) {
        return NGX_AGAIN;
    }

    if (!rd->frame.fin) {
        return NGX_DONE;
    }

    return ngx_ws_reader_message(rd, rd->message, rd->message_len, out);
}


static ngx_int_t
ngx_ws_reader_deflated(ngx_ws_reader_t *rd, u_char **pos, u_char *end,
    ngx_ws_reader_out_t *out)
{
    size_t   n;
    u_char  *p;

    p = *pos;
    n = ngx_ws_reader_unmask(rd, pos, end);

    if (n && ngx_ws_reader_inflate(rd, p, *pos) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rd->rest) {
        return NGX_AGAIN;
    }

    rd->payload = 0;

    if (!rd->frame.fin) {
        return NGX_DONE;
    }

    if (ngx_ws_reader_inflate(rd, NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_ws_reader_message(rd, rd->message, rd->message_len, out);
}


/* p == NULL: the end of the message */

static ngx_int_t
ngx_ws_reader_inflate(ngx_ws_reader_t *rd, u_char *p, u_char *last)
{
    size_t      n;
    u_char     *start, *pos, *end;
    ngx_int_t   rc;

    if (rd->inflate == NULL && ngx_ws_reader_inflate_create(rd) != NGX_OK) {
        return NGX_ERROR;
    }

    do {

        /* one byte more than is allowed, to see that it comes */

        if (rd->message_len == rd->message_size
            && ngx_ws_reader_grow(rd, 0, (uint64_t) rd->frame.max + 1)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        start = rd->message + rd->message_len;
        end = rd->message + rd->message_size;
        pos = start;

        rc = p ? ngx_ws_inflate_read(rd->inflate, &p, last, &pos, end)
               : ngx_ws_inflate_finish(rd->inflate, &pos, end);

        if (rc == NGX_ERROR) {
            return ngx_ws_reader_error(rd, rd->inflate->error,
                                       rd->inflate->reason);
        }

        n = (size_t) (pos - start);
        rd->message_len += n;

        if (ngx_ws_reader_text(rd, start, n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (rd->message_len > rd->frame.max) {
            return ngx_ws_reader_error(rd, NGX_WS_CLOSE_TOO_BIG,
                                       "a too long message");
        }

    } while (rc == NGX_AGAIN);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_inflate_create(ngx_ws_reader_t *rd)
{
    rd->inflate = ngx_calloc(sizeof(ngx_ws_inflate_t), rd->log);
    if (rd->inflate == NULL) {
        return ngx_ws_reader_error(rd, NGX_WS_CLOSE_INTERNAL,
                                   "more than memory holds");
    }

    rd->inflate->deflate = rd->deflate;
    rd->inflate->bits = rd->params.client_bits;
    rd->inflate->takeover = rd->params.client_takeover;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_text(ngx_ws_reader_t *rd, u_char *p, size_t len)
{
    if (rd->type == NGX_WS_FRAME_TEXT
        && ngx_ws_utf8_check(&rd->utf8, p, len) != NGX_OK)
    {
        return ngx_ws_reader_error(rd, NGX_WS_CLOSE_INVALID, "invalid UTF-8");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_message(ngx_ws_reader_t *rd, u_char *p, size_t len,
    ngx_ws_reader_out_t *out)
{
    if (rd->type == NGX_WS_FRAME_TEXT && !ngx_ws_utf8_complete(&rd->utf8)) {
        return ngx_ws_reader_error(rd, NGX_WS_CLOSE_INVALID, "invalid UTF-8");
    }

    rd->given = rd->type;

    out->opcode = rd->type;
    out->data.data = p;
    out->data.len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_append(ngx_ws_reader_t *rd, u_char *p, size_t len)
{
    size_t    size;
    uint64_t  limit;

    size = rd->message_len + len;

    if (size > rd->message_size) {

        /* the rest of the last frame is all that can come */

        limit = rd->frame.fin ? size + rd->rest : rd->frame.max;

        if (ngx_ws_reader_grow(rd, size, limit) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_memcpy(rd->message + rd->message_len, p, len);
    rd->message_len = size;

    return NGX_OK;
}


/*
 * Room for "size" bytes at least, twice of what there was at most, so that
 * memory follows what has arrived and not what was announced.
 */

static ngx_int_t
ngx_ws_reader_grow(ngx_ws_reader_t *rd, size_t size, uint64_t limit)
{
    u_char  *p;

    size = ngx_max(size, 2 * rd->message_size);
    size = ngx_max(size, NGX_WS_READER_CHUNK);
    size = (size_t) ngx_min(size, limit);

    p = ngx_alloc(size, rd->log);
    if (p == NULL) {
        return ngx_ws_reader_error(rd, NGX_WS_CLOSE_INTERNAL,
                                   "more than memory holds");
    }

    if (rd->message) {
        ngx_memcpy(p, rd->message, rd->message_len);
        ngx_free(rd->message);
    }

    rd->message = p;
    rd->message_size = size;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_reader_error(ngx_ws_reader_t *rd, ngx_uint_t code, const char *reason)
{
    rd->error = (uint16_t) code;
    rd->reason = reason;

    ngx_ws_reader_cleanup(rd);

    return NGX_ERROR;
}
