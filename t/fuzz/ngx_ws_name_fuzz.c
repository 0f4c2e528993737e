
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * A name, asked for by user 7 of tenant 3.  Only these few words are personal
 * or the tenant's, and nothing that looks like them is plain.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_name.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ngx_uint_t one_of(ngx_str_t *name, const char **words);
static ngx_uint_t begins(ngx_str_t *name, const char *prefix);
static void check(ngx_uint_t cond);


static const char  *personal[] = {
    "user:me", "user:7", "private-user.me", "private-user.7", NULL
};

static const char  *tenant[] = { "club:3", "broadcast", NULL };

static const char  *presence[] = { "presence", NULL };


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i, len;
    u_char          buf[NGX_WS_NAME_LEN];
    ngx_int_t       rc;
    ngx_str_t       name;
    ngx_ws_name_t   out;

    if (size == 0) {
        return 0;
    }

    name.len = size;
    name.data = malloc(size);
    check(name.data != NULL);

    ngx_memcpy(name.data, data, size);

    rc = ngx_ws_name_resolve(&name, 7, 3, &out);

    check((rc == NGX_ERROR) == !ngx_ws_name_visible(&name, NGX_WS_NAME_LEN));

    if (rc != NGX_ERROR) {
        check(size >= 1 && size <= NGX_WS_NAME_LEN);

        for (i = 0; i < size; i++) {
            check(data[i] >= 0x20 && data[i] != 0x7f);
        }
    }

    if (rc == NGX_OK) {
        check((out.kind == NGX_WS_NAME_PERSONAL) == one_of(&name, personal));
        check((out.kind == NGX_WS_NAME_TENANT) == one_of(&name, tenant));
        check((out.kind == NGX_WS_NAME_PRESENCE) == one_of(&name, presence));

        check(out.kind != NGX_WS_NAME_PLAIN
              || !(begins(&name, "user:") || begins(&name, "private-user.")
                   || begins(&name, "club:")));

        len = ngx_ws_name_record(NULL, &out);

        check(len <= NGX_WS_NAME_LEN);
        check(ngx_ws_name_record(buf, &out) == len);
    }

    free(name.data);

    return 0;
}


static ngx_uint_t
one_of(ngx_str_t *name, const char **words)
{
    for ( /* void */ ; *words; words++) {
        if (name->len == ngx_strlen(*words)
            && ngx_memcmp(name->data, *words, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
begins(ngx_str_t *name, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return name->len >= len
           && ngx_strncasecmp(name->data, (u_char *) prefix, len) == 0;
}


static void
check(ngx_uint_t cond)
{
    if (!cond) {
        abort();
    }
}
