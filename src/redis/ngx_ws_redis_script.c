
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include <ngx_ws_redis_script.h>
#include <ngx_ws_scripts.h>


static void ngx_ws_redis_script_digest(ngx_ws_redis_script_t *script);


static ngx_ws_redis_script_t  ngx_ws_redis_scripts[] = {

    [NGX_WS_REDIS_CONNECTION_CHANNEL] =
        { ngx_string(ngx_ws_lua_connection_channel), "" },

    [NGX_WS_REDIS_CONNECTION_DISCONNECT] =
        { ngx_string(ngx_ws_lua_connection_disconnect), "" },

    [NGX_WS_REDIS_CONNECTION_LIMIT] =
        { ngx_string(ngx_ws_lua_connection_limit), "" },

    [NGX_WS_REDIS_CONNECTION_MOVE] =
        { ngx_string(ngx_ws_lua_connection_move), "" },

    [NGX_WS_REDIS_CONNECTION_RECORD] =
        { ngx_string(ngx_ws_lua_connection_record), "" },

    [NGX_WS_REDIS_CONNECTION_REGISTER] =
        { ngx_string(ngx_ws_lua_connection_register), "" },

    [NGX_WS_REDIS_CONNECTION_TOUCH] =
        { ngx_string(ngx_ws_lua_connection_touch), "" },

    [NGX_WS_REDIS_DUE] =
        { ngx_string(ngx_ws_lua_due), "" },

    [NGX_WS_REDIS_ID_BLOCK] =
        { ngx_string(ngx_ws_lua_id_block), "" },

    [NGX_WS_REDIS_LEASE] =
        { ngx_string(ngx_ws_lua_lease), "" },

    [NGX_WS_REDIS_LEASE_END] =
        { ngx_string(ngx_ws_lua_lease_end), "" },

    [NGX_WS_REDIS_LETTER_SEND] =
        { ngx_string(ngx_ws_lua_letter_send), "" },

    [NGX_WS_REDIS_LOCK] =
        { ngx_string(ngx_ws_lua_lock), "" },

    [NGX_WS_REDIS_LOGIN] =
        { ngx_string(ngx_ws_lua_login), "" },

    [NGX_WS_REDIS_LOGOUT] =
        { ngx_string(ngx_ws_lua_logout), "" },

    [NGX_WS_REDIS_MEMBERS] =
        { ngx_string(ngx_ws_lua_members), "" },

    [NGX_WS_REDIS_MESSAGE_SEND] =
        { ngx_string(ngx_ws_lua_message_send), "" },

    [NGX_WS_REDIS_PENDING_FETCH] =
        { ngx_string(ngx_ws_lua_pending_fetch), "" },

    [NGX_WS_REDIS_PENDING_LAND] =
        { ngx_string(ngx_ws_lua_pending_land), "" },

    [NGX_WS_REDIS_PENDING_MARK] =
        { ngx_string(ngx_ws_lua_pending_mark), "" },

    [NGX_WS_REDIS_PENDING_SWEEP] =
        { ngx_string(ngx_ws_lua_pending_sweep), "" },

    [NGX_WS_REDIS_PRESENCE] =
        { ngx_string(ngx_ws_lua_presence), "" },

    [NGX_WS_REDIS_RECORD_BEGIN] =
        { ngx_string(ngx_ws_lua_record_begin), "" },

    [NGX_WS_REDIS_RECORD_DONE] =
        { ngx_string(ngx_ws_lua_record_done), "" },

    [NGX_WS_REDIS_RECORD_TRIM] =
        { ngx_string(ngx_ws_lua_record_trim), "" },

    [NGX_WS_REDIS_TAKEOVER] =
        { ngx_string(ngx_ws_lua_takeover), "" },

    [NGX_WS_REDIS_THROTTLE] =
        { ngx_string(ngx_ws_lua_throttle), "" },

    [NGX_WS_REDIS_TYPING_CLEAR] =
        { ngx_string(ngx_ws_lua_typing_clear), "" },

    [NGX_WS_REDIS_TYPING_LIST] =
        { ngx_string(ngx_ws_lua_typing_list), "" },

    [NGX_WS_REDIS_TYPING_SET] =
        { ngx_string(ngx_ws_lua_typing_set), "" },

    [NGX_WS_REDIS_UNLOCK] =
        { ngx_string(ngx_ws_lua_unlock), "" }
};


ngx_ws_redis_script_t *
ngx_ws_redis_script(ngx_ws_redis_script_e script)
{
    ngx_ws_redis_script_t  *s;

    s = &ngx_ws_redis_scripts[script];

    if (s->sha1[0] == '\0') {
        ngx_ws_redis_script_digest(s);
    }

    return s;
}


static void
ngx_ws_redis_script_digest(ngx_ws_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    (void) ngx_hex_dump(script->sha1, digest, sizeof(digest));
}
