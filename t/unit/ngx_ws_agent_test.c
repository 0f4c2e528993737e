
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_agent.h>

#include "test.h"


static void check(const char *agent, const char *browser,
    const char *device);


int
main(void)
{
    check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
          "(KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
          "Chrome", "desktop");

    check("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
          "Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
          "Chrome", "desktop");

    check("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 "
          "(KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
          "Chrome", "mobile");

    check("Mozilla/5.0 (Linux; Android 13; SM-X900) AppleWebKit/537.36 "
          "(KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
          "Chrome", "tablet");

    check("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) "
          "AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0.0.0 "
          "Mobile/15E148 Safari/604.1",
          "Chrome", "mobile");

    check("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) "
          "Gecko/20100101 Firefox/131.0",
          "Firefox", "desktop");

    check("Mozilla/5.0 (Android 14; Tablet; rv:131.0) Gecko/131.0 "
          "Firefox/131.0",
          "Firefox", "tablet");

    check("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) "
          "AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/131.0 "
          "Mobile/15E148 Safari/605.1.15",
          "Firefox", "tablet");

    check("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
          "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
          "Safari/605.1.15",
          "Safari", "desktop");

    check("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) "
          "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
          "Mobile/15E148 Safari/604.1",
          "Safari", "mobile");

    check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
          "(KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
          "Edge", "desktop");

    check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
          "(KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 "
          "Edge/18.17763",
          "Edge", "desktop");

    check("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
          "Gecko) Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
          "Opera", "desktop");

    check("Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 "
          "(KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile "
          "Safari/537.36",
          "Samsung Internet", "mobile");

    check("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; Tablet PC 2.0; rv:11.0)"
          " like Gecko",
          "Internet Explorer", "desktop");

    check("curl/8.5.0", "", "");
    check("node", "", "");
    check("Edg", "", "");
    check("", "", "");

    return done();
}


static void
check(const char *agent, const char *browser, const char *device)
{
    ngx_str_t  in, b, d;

    in.len = ngx_strlen(agent);
    in.data = guard(agent, in.len);

    ngx_ws_agent_parse(&in, &b, &d);

    is_str(&b, browser, agent[0] ? agent : "empty");
    is_str(&d, device, agent[0] ? agent : "empty");

    unguard(in.data, in.len);
}
