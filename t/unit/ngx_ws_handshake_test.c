
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_handshake.h>

#include "test.h"


/* what the server wants */

#define OWN       0            /* no takeover, 15 bits: how the module asks */
#define TAKEOVER  1            /* takeover on both sides */
#define SMALL     2            /* windows of 10 bits */


static void keys(void);
static void tokens(void);
static void protocols(void);
static void offers(void);
static void malformed(void);
static void window_bits(void);
static ngx_int_t negotiate(const char *list, ngx_uint_t want, ngx_str_t *res,
    ngx_ws_deflate_params_t *params);


static u_char  answer[256];


static const struct {
    const char  *list;
    ngx_uint_t   want;
    const char  *answer;       /* NULL: declined */
} deflate_offers[] = {

    /* as browsers and libraries offer */

    { "permessage-deflate", OWN,
      "permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover" },
    { "permessage-deflate; client_max_window_bits", OWN,
      "permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover" },
    { "permessage-deflate; client_max_window_bits", TAKEOVER,
      "permessage-deflate" },

    /* each parameter for itself, RFC 7692, sections 7.1.1 and 7.1.2 */

    { "permessage-deflate", TAKEOVER, "permessage-deflate" },
    { "permessage-deflate; server_no_context_takeover", TAKEOVER,
      "permessage-deflate; server_no_context_takeover" },
    { "permessage-deflate; client_no_context_takeover", TAKEOVER,
      "permessage-deflate; client_no_context_takeover" },
    { "permessage-deflate; server_max_window_bits=10", TAKEOVER,
      "permessage-deflate; server_max_window_bits=10" },
    { "permessage-deflate; server_max_window_bits=15", TAKEOVER,
      "permessage-deflate; server_max_window_bits=15" },
    { "permessage-deflate; server_max_window_bits=8", TAKEOVER,
      "permessage-deflate; server_max_window_bits=8" },
    { "permessage-deflate; client_max_window_bits=15", TAKEOVER,
      "permessage-deflate" },
    { "permessage-deflate; client_max_window_bits=10", TAKEOVER,
      "permessage-deflate; client_max_window_bits=10" },
    { "permessage-deflate; client_max_window_bits=8", TAKEOVER,
      "permessage-deflate; client_max_window_bits=8" },
    { "permessage-deflate; client_max_window_bits; "
      "server_max_window_bits=9; server_no_context_takeover; "
      "client_no_context_takeover", TAKEOVER,
      "permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover; server_max_window_bits=9" },

    /* the server's own limits */

    { "permessage-deflate", SMALL, "permessage-deflate" },
    { "permessage-deflate; client_max_window_bits", SMALL,
      "permessage-deflate; client_max_window_bits=10" },
    { "permessage-deflate; client_max_window_bits=12", SMALL,
      "permessage-deflate; client_max_window_bits=10" },
    { "permessage-deflate; client_max_window_bits=9", SMALL,
      "permessage-deflate; client_max_window_bits=9" },
    { "permessage-deflate; server_max_window_bits=12", SMALL,
      "permessage-deflate; server_max_window_bits=10" },

    /* grammar that is unusual */

    { "permessage-deflate;server_max_window_bits=\"10\"", TAKEOVER,
      "permessage-deflate; server_max_window_bits=10" },
    { "permessage-deflate;server_max_window_bits=\"\\1\\0\"", TAKEOVER,
      "permessage-deflate; server_max_window_bits=10" },
    { " , permessage-deflate ;\tserver_max_window_bits = 10 ,", TAKEOVER,
      "permessage-deflate; server_max_window_bits=10" },

    /* the first one that is acceptable */

    { "x-webkit-deflate-frame, permessage-deflate", TAKEOVER,
      "permessage-deflate" },
    { "permessage-bzip2; x=\"a\"; y, "
      "permessage-deflate; server_no_context_takeover", TAKEOVER,
      "permessage-deflate; server_no_context_takeover" },
    { "permessage-deflate; server_max_window_bits=10, "
      "permessage-deflate", TAKEOVER,
      "permessage-deflate; server_max_window_bits=10" },
    { "permessage-deflate; server_max_window_bits=7, "
      "permessage-deflate; client_no_context_takeover", TAKEOVER,
      "permessage-deflate; client_no_context_takeover" },
    { "permessage-deflate; server_no_context_takeover; mode=fast, "
      "permessage-deflate", TAKEOVER, "permessage-deflate" },

    /* offers that are not: section 7.1 */

    { "x-webkit-deflate-frame", OWN, NULL },
    { "permessage-deflates", OWN, NULL },
    { "Permessage-Deflate", OWN, NULL },
    { "permessage-deflate; unknown", OWN, NULL },
    { "permessage-deflate; unknown=1", OWN, NULL },
    { "permessage-deflate; server_no_context_takeover=1", OWN, NULL },
    { "permessage-deflate; client_no_context_takeover=\"x\"", OWN, NULL },
    { "permessage-deflate; server_max_window_bits", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=16", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=7", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=0", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=08", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=010", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=100", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=1x", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=x1", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=+9", OWN, NULL },
    { "permessage-deflate; client_max_window_bits=16", OWN, NULL },
    { "permessage-deflate; client_max_window_bits=7", OWN, NULL },
    { "permessage-deflate; client_max_window_bits=\"\\7\"", OWN, NULL },
    { "permessage-deflate; client_max_window_bits=99999999999999999999",
      OWN, NULL },
    { "permessage-deflate; server_no_context_takeover; "
      "server_no_context_takeover", OWN, NULL },
    { "permessage-deflate; client_max_window_bits; "
      "client_max_window_bits=10", OWN, NULL },
    { "permessage-deflate; server_max_window_bits=10; "
      "server_max_window_bits=10", OWN, NULL }
};


int
main(void)
{
    keys();
    tokens();
    protocols();
    offers();
    malformed();
    window_bits();

    return done();
}


static void
keys(void)
{
    u_char      accept[NGX_WS_HANDSHAKE_ACCEPT_LEN], *p;
    ngx_str_t   key;
    ngx_uint_t  i;

    static const char  *bad[] = {
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQ= ",
        "dGhlIHNhbXBsZSBub25jZQA=",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25j====",
        "dGhlIHNhbXBsZSBub2=jZQ==",
        "dGhlIHNhbXBsZSBub-5jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        "========================"
    };

    ngx_str_set(&key, "dGhlIHNhbXBsZSBub25jZQ==");
    is_int(ngx_ws_handshake_accept(&key, accept), NGX_OK, "the RFC's key");
    is_mem(accept, sizeof(accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28,
           "the RFC's answer");

    ngx_str_set(&key, "AAAAAAAAAAAAAAAAAAAAAA==");
    is_int(ngx_ws_handshake_accept(&key, accept), NGX_OK, "a key of nulls");

    ngx_str_set(&key, "//////////////////////==");
    is_int(ngx_ws_handshake_accept(&key, accept), NGX_OK, "a key of slashes");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        key.len = ngx_strlen(bad[i]);
        p = guard(bad[i], key.len);
        key.data = p;

        is_int(ngx_ws_handshake_accept(&key, accept), NGX_ERROR, bad[i]);

        unguard(p, key.len);
    }
}


static void
tokens(void)
{
    u_char      *p;
    ngx_str_t    list, token;
    ngx_uint_t   i;

    static const struct {
        const char  *list;
        ngx_uint_t   found;
    } cases[] = {
        { "Upgrade", 1 },
        { "upgrade", 1 },
        { "UPGRADE", 1 },
        { "keep-alive, Upgrade", 1 },
        { "Upgrade, keep-alive", 1 },
        { "keep-alive,Upgrade,x", 1 },
        { " \t Upgrade \t ,", 1 },
        { ",, ,upgrade", 1 },
        { "", 0 },
        { ",", 0 },
        { "keep-alive", 0 },
        { "Upgrade-Insecure", 0 },
        { "xUpgrade", 0 },
        { "keep-alive Upgrade", 0 },
        { "Upgrade;q=1", 0 },
        { "Upgrad", 0 }
    };

    ngx_str_set(&token, "upgrade");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        list.len = ngx_strlen(cases[i].list);
        p = guard(cases[i].list, list.len);
        list.data = p;

        is_int((int64_t) ngx_ws_handshake_token(&list, &token),
               (int64_t) cases[i].found, cases[i].list);

        unguard(p, list.len);
    }
}


static void
protocols(void)
{
    u_char      *p;
    ngx_str_t    list;
    ngx_uint_t   i;

    static const struct {
        const char  *list;
        ngx_int_t    rc;
    } cases[] = {
        { "chat", NGX_OK },
        { "chat, superchat", NGX_OK },
        { "chat,superchat,v1.json~!#$%&'*+-.^_`|", NGX_OK },
        { "chat, Chat", NGX_OK },
        { ",chat,,", NGX_OK },
        { "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6",
          NGX_OK },
        { "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7",
          NGX_ERROR },
        { "", NGX_ERROR },
        { " ", NGX_ERROR },
        { ",", NGX_ERROR },
        { "chat chat", NGX_ERROR },
        { "chat, superchat, chat", NGX_ERROR },
        { "chat;x", NGX_ERROR },
        { "\"chat\"", NGX_ERROR },
        { "a/b", NGX_ERROR },
        { "ch\xc3\xa4t", NGX_ERROR },
        { "ch\x7ft", NGX_ERROR }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        list.len = ngx_strlen(cases[i].list);
        p = guard(cases[i].list, list.len);
        list.data = p;

        is_int(ngx_ws_handshake_protocols(&list), cases[i].rc,
               cases[i].list);

        unguard(p, list.len);
    }
}


static void
offers(void)
{
    ngx_int_t                 rc;
    ngx_str_t                 res;
    ngx_uint_t                i;
    ngx_ws_deflate_params_t   params;

    for (i = 0; i < sizeof(deflate_offers) / sizeof(deflate_offers[0]); i++) {

        rc = negotiate(deflate_offers[i].list, deflate_offers[i].want, &res,
                       &params);

        if (deflate_offers[i].answer == NULL) {
            ok(rc == NGX_DECLINED && !params.on, deflate_offers[i].list);

        } else if (rc != NGX_OK || !params.on) {
            diag("%d", (int) rc);
            ok(0, deflate_offers[i].list);

        } else {
            is_str(&res, deflate_offers[i].answer, deflate_offers[i].list);
        }
    }
}


/* RFC 6455, section 9.1: the handshake has to fail */

static void
malformed(void)
{
    ngx_uint_t                i;
    ngx_str_t                 res;
    ngx_ws_deflate_params_t   params;

    static const char  *lists[] = {
        "",
        " ",
        ",",
        ";",
        "=",
        "permessage-deflate;",
        "permessage-deflate; ",
        "permessage-deflate;;server_no_context_takeover",
        "permessage-deflate; =10",
        "permessage-deflate server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; server_max_window_bits=\"10\\",
        "permessage-deflate; server_max_window_bits=\"10\\\"",
        "permessage-deflate; server_max_window_bits=\"1 0\"",
        "permessage-deflate; server_max_window_bits=\"10\"x",
        "permessage-deflate; server_max_window_bits=10 11",
        "permessage-deflate; server_max_window_bits==10",
        "permessage-deflate; a=b=c",
        "permessage-deflate, (x)",
        "permessage-deflate, x;",
        "permessage-deflate, x; y=\"a,b\"",
        "permessage-deflate, \"x\"",
        "permessage-\xc3\xa9",
        "permessage-deflate\x7f",
        "permessage-deflate\r"
    };

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        ok(negotiate(lists[i], OWN, &res, &params) == NGX_ERROR && !params.on,
           lists[i][0] ? lists[i] : "an empty header");
    }
}


static void
window_bits(void)
{
    char                      list[100];
    ngx_str_t                 res;
    ngx_int_t                 rc;
    ngx_uint_t                bits, bad;
    ngx_ws_deflate_params_t   params;

    bad = 0;

    for (bits = 0; bits < 200; bits++) {
        snprintf(list, sizeof(list),
                 "permessage-deflate; server_max_window_bits=%d; "
                 "client_max_window_bits=%d", (int) bits, (int) (23 - bits));

        rc = negotiate(list, TAKEOVER, &res, &params);

        if (bits < 8 || bits > 15) {
            bad += (rc == NGX_OK);

        } else {
            bad += (rc != NGX_OK || params.server_bits != bits
                    || params.client_bits != 23 - bits
                    || !params.server_takeover || !params.client_takeover);
        }
    }

    ok(bad == 0, "every window");

    (void) negotiate("permessage-deflate", SMALL, &res, &params);
    ok(params.server_bits == 10 && params.client_bits == 15,
       "a client that can't limit its window has the largest");

    (void) negotiate("permessage-deflate; server_no_context_takeover",
                     TAKEOVER, &res, &params);
    ok(!params.server_takeover && params.client_takeover,
       "takeover on the client's side alone");

    (void) negotiate("permessage-deflate; client_no_context_takeover",
                     TAKEOVER, &res, &params);
    ok(params.server_takeover && !params.client_takeover,
       "takeover on the server's side alone");
}


static ngx_int_t
negotiate(const char *list, ngx_uint_t want, ngx_str_t *res,
    ngx_ws_deflate_params_t *params)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   offers;

    ngx_memzero(params, sizeof(ngx_ws_deflate_params_t));
    params->server_takeover = (want != OWN);
    params->client_takeover = (want != OWN);
    params->server_bits = (want == SMALL) ? 10 : 15;
    params->client_bits = (want == SMALL) ? 10 : 15;

    offers.len = ngx_strlen(list);
    p = guard(list, offers.len);
    offers.data = p;

    rc = ngx_ws_handshake_deflate(&offers, params);

    unguard(p, offers.len);

    if (rc != NGX_OK) {
        return rc;
    }

    res->data = answer;
    res->len = ngx_ws_handshake_deflate_answer(NULL, params);

    if ((u_char *) ngx_ws_handshake_deflate_answer(answer, params)
        != answer + res->len)
    {
        diag("the length of the answer is wrong");
        return NGX_DONE;
    }

    return NGX_OK;
}
