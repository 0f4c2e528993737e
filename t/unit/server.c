
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "loop.h"
#include "server.h"
#include "test.h"


static void server_clean(void);
static void failed(const char *what);


static char                dir[64];
static struct sockaddr_un  sun;
static pid_t               server;

const char                *server_password;


void
server_init(ngx_addr_t *addr)
{
    signal(SIGPIPE, SIG_IGN);

    /* a test that hangs is killed */

    (void) alarm(120);

    snprintf(dir, sizeof(dir), "/tmp/ws-redis.XXXXXX");

    if (mkdtemp(dir) == NULL) {
        failed("mkdtemp()");
    }

    (void) atexit(server_clean);

    sun.sun_family = AF_UNIX;
    (void) ngx_snprintf((u_char *) sun.sun_path, sizeof(sun.sun_path),
                        "%s/redis.sock%Z", dir);

    addr->sockaddr = (struct sockaddr *) &sun;
    addr->socklen = sizeof(struct sockaddr_un);
    addr->name.data = (u_char *) sun.sun_path;
    addr->name.len = ngx_strlen(sun.sun_path);
}


void
server_start(void)
{
    ngx_uint_t  i;

    server = fork();

    if (server == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) dup2(STDERR_FILENO, STDOUT_FILENO);
        (void) execlp("redis-server", "redis-server", "--port", "0",
                      "--unixsocket", sun.sun_path, "--save", "",
                      "--appendonly", "no", "--loglevel", "warning",
                      "--logfile", "/dev/null", "--dir", dir, (char *) NULL);
        _exit(127);
    }

    for (i = 0; i < 500; i++) {

        if (access(sun.sun_path, F_OK) == 0) {
            return;
        }

        loop_run(10);
    }

    failed("redis-server");
}


void
server_signal(int sig)
{
    (void) kill(server, sig);
}


void
server_stop(void)
{
    if (server == 0) {
        return;
    }

    server_signal(SIGKILL);
    (void) waitpid(server, NULL, 0);
    (void) unlink(sun.sun_path);

    server = 0;
}


void
server_command(const char *text)
{
    int   s;
    char  buf[256];

    s = socket(AF_UNIX, SOCK_STREAM, 0);

    if (s == -1
        || connect(s, (struct sockaddr *) &sun, sizeof(sun)) == -1
        || (server_password && dprintf(s, "AUTH %s\r\n", server_password) < 0)
        || dprintf(s, "%s\r\n", text) < 0
        || read(s, buf, sizeof(buf)) <= 0)
    {
        failed(text);
    }

    loop_run(10);
    close(s);
}


static void
server_clean(void)
{
    server_stop();
    (void) rmdir(dir);
}


static void
failed(const char *what)
{
    diag("%s failed", what);
    exit(2);
}
