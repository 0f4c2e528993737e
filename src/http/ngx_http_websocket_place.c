
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>


static ngx_int_t ngx_http_websocket_place_door(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place);
static ngx_int_t ngx_http_websocket_place_echo(ngx_conf_t *cf,
    ngx_http_websocket_place_t *place);
static void ngx_http_websocket_place_bundle(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place);
static void ngx_http_websocket_place_check_query(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place);


ngx_int_t
ngx_http_websocket_place_add(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_http_websocket_loc_conf_t *wlcf)
{
    ngx_http_websocket_place_t      *place;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_websocket_module);

    place = ngx_array_push(&wmcf->places);
    if (place == NULL) {
        return NGX_ERROR;
    }

    place->conf = wlcf;
    place->core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    place->directive = *directive;
    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;

    return NGX_OK;
}


ngx_int_t
ngx_http_websocket_place_check(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_websocket_place_t  *place;

    static ngx_str_t  echo = ngx_string("websocket_echo");

    place = wmcf->places.elts;

    for (i = 0; i < wmcf->places.nelts; i++) {

        if (place[i].directive.len == echo.len
            && ngx_strncmp(place[i].directive.data, echo.data, echo.len) == 0)
        {
            rc = ngx_http_websocket_place_echo(cf, &place[i]);

        } else {
            rc = ngx_http_websocket_place_door(cf, wmcf, &place[i]);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_websocket_place_door(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place)
{
    if (place->core->handler != place->conf->handler) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" conflicts with another content handler of the "
                      "location in %V:%ui",
                      &place->directive, &place->file, place->line);
        return NGX_ERROR;
    }

    if (place->conf->door == NGX_HTTP_WEBSOCKET_STATUS
        || place->conf->session.echo != NGX_WS_ECHO_OFF)
    {
        return NGX_OK;
    }

    if (!wmcf->redis || !wmcf->mysql) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" needs \"%s\" in the http block in %V:%ui",
                      &place->directive,
                      wmcf->redis ? "websocket_mysql" : "websocket_redis",
                      &place->file, place->line);
        return NGX_ERROR;
    }

    ngx_http_websocket_place_bundle(cf, wmcf, place);
    ngx_http_websocket_place_check_query(cf, wmcf, place);

    return NGX_OK;
}


static ngx_int_t
ngx_http_websocket_place_echo(ngx_conf_t *cf,
    ngx_http_websocket_place_t *place)
{
    ngx_http_websocket_loc_conf_t  *wlcf;

    wlcf = place->conf;

    if (wlcf->door == NGX_HTTP_WEBSOCKET_SOCKETIO
        || (wlcf->door == NGX_HTTP_WEBSOCKET_RAW
            && wlcf->session.echo == NGX_WS_ECHO_ON))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%V\" needs %s in the same location in %V:%ui",
                  &place->directive,
                  wlcf->session.echo == NGX_WS_ECHO_ENGINEIO
                  ? "\"websocket_socketio on\" for \"engineio\""
                  : "\"websocket on\" or \"websocket_socketio on\"",
                  &place->file, place->line);

    return NGX_ERROR;
}


static void
ngx_http_websocket_place_bundle(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place)
{
    if (place->conf->door != NGX_HTTP_WEBSOCKET_SOCKETIO
        || place->conf->bundle.len
        || wmcf->warned)
    {
        return;
    }

    wmcf->warned = 1;

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"websocket_socketio_bundle\" is not set, so "
                  "\"socket.io.js\" will not be found in the location "
                  "in %V:%ui", &place->file, place->line);
}


/* Sockets of a token that was deleted go on, unless it is looked for. */

static void
ngx_http_websocket_place_check_query(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf, ngx_http_websocket_place_t *place)
{
    if (place->conf->door == NGX_HTTP_WEBSOCKET_API
        || place->conf->service.token_check
        || wmcf->warned_check)
    {
        return;
    }

    wmcf->warned_check = 1;

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"websocket_auth_query\" without "
                  "\"websocket_token_check_query\": live sockets will not "
                  "notice that their token was deleted, only that it has "
                  "expired or was revoked, in the location in %V:%ui",
                  &place->file, place->line);
}
