
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* bytes of their own, for free(): the sanitizer sees a step beyond them */

static ngx_inline u_char *
copy(const u_char *data, size_t len)
{
    u_char  *p;

    p = malloc(len ? len : 1);

    if (p == NULL) {
        abort();
    }

    if (len) {
        ngx_memcpy(p, data, len);
    }

    return p;
}


#endif /* _FUZZ_H_INCLUDED_ */
