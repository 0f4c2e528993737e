
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_error.h>

#include "test.h"


#define SCRIPT  "ERR Error running script (call to "                          \
                "f_1b936e3fe509bcbc9cd0664897bbe8fd0cac101b): "


typedef struct {
    const char  *text;
    ngx_int_t    rc;
} answer_t;


static ngx_int_t error(const char *text);


volatile ngx_msec_t  ngx_current_msec = 1000000;


/* as Redis 6.2 and 7.0 write them */

static const answer_t  answers[] = {
    { "LOADING Redis is loading the dataset in memory", NGX_DECLINED },
    { "READONLY You can't write against a read only replica.", NGX_DECLINED },
    { "OOM command not allowed when used memory > 'maxmemory'. script: "
      "1b936e3fe509bcbc9cd0664897bbe8fd0cac101b, on @user_script:1.",
      NGX_DECLINED },
    { "EXECABORT Transaction discarded because of previous errors.",
      NGX_DECLINED },
    { "MOVED 3999 127.0.0.1:6381", NGX_DECLINED },
    { "NOPERM this user has no permissions to run the 'get' command",
      NGX_OK },
    { "WRONGTYPE Operation against a key holding the wrong kind of value",
      NGX_OK },
    { "OOMPH", NGX_OK },
    { "ERR", NGX_OK },

    { SCRIPT "@user_script:7: @user_script: 7: -OOM command not allowed when "
      "used memory > 'maxmemory'.  ", NGX_DECLINED },
    { SCRIPT "@user_script:31: @user_script: 31: -READONLY You can't write "
      "against a read only replica.  ", NGX_DECLINED },
    { SCRIPT "@user_script:1: @user_script: 1: -MISCONF Errors writing to the "
      "AOF file: No space left on device  ", NGX_DECLINED },
    { SCRIPT "@user_script:1: @user_script: 1: Wrong number of args calling "
      "Redis command From Lua script ", NGX_OK },
    { SCRIPT "@user_script:1: user_script:1: attempt to index a nil value ",
      NGX_OK },
    { SCRIPT, NGX_OK },
    { SCRIPT "-", NGX_OK },
    { "ERR unknown command `OOM`, with args beginning with: `: -OOM`, ",
      NGX_OK }
};


int
main(void)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(answers) / sizeof(answer_t); i++) {
        is_int(error(answers[i].text), answers[i].rc, answers[i].text);
    }

    return done();
}


static ngx_int_t
error(const char *text)
{
    ngx_str_t              s;
    ngx_ws_redis_errors_t  errors;

    ngx_memzero(&errors, sizeof(ngx_ws_redis_errors_t));

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    return ngx_ws_redis_error(&errors, &s, &test_log);
}
