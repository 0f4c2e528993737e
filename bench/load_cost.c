
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"


static double load_cost_proc(load_cost_pids_t *pids, const char *file,
    const char *field);
static void load_cost_redis(load_cost_t *cost, const char *path);


void
load_cost_pids(load_cost_pids_t *pids, char *list)
{
    char  *p;

    for (p = strtok(list, ","); p; p = strtok(NULL, ",")) {
        if (pids->n < LOAD_COST_PIDS) {
            pids->pids[pids->n++] = atoi(p);
        }
    }
}


double
load_cost_cpu(load_cost_pids_t *pids)
{
    int            i;
    char           path[64], line[1024], *p;
    FILE          *f;
    double         sum;
    unsigned long  user, kernel;

    sum = 0;

    for (i = 0; i < pids->n; i++) {
        snprintf(path, sizeof(path), "/proc/%d/stat", pids->pids[i]);

        f = fopen(path, "r");
        if (f == NULL || fgets(line, sizeof(line), f) == NULL) {
            load_die(path);
        }

        fclose(f);

        p = strrchr(line, ')');

        if (p == NULL
            || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                      "%lu %lu", &user, &kernel) != 2)
        {
            load_die(path);
        }

        sum += (double) (user + kernel) / (double) sysconf(_SC_CLK_TCK);
    }

    return sum;
}


/* The sum of a field, a format of scanf(), in that file of each. */

static double
load_cost_proc(load_cost_pids_t *pids, const char *file, const char *field)
{
    int            i;
    char           path[64], line[256];
    FILE          *f;
    double         sum;
    unsigned long  n;

    sum = 0;

    for (i = 0; i < pids->n; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pids->pids[i], file);

        f = fopen(path, "r");
        if (f == NULL) {
            load_die(path);
        }

        while (fgets(line, sizeof(line), f)) {
            if (sscanf(line, field, &n) == 1) {
                sum += (double) n;
            }
        }

        fclose(f);
    }

    return sum;
}


void
load_cost(load_cost_t *cost, load_cost_pids_t *workers, const char *redis)
{
    cost->workers = load_cost_cpu(workers);
    /* system calls that write to a descriptor; send() is none of them */
    cost->writes = load_cost_proc(workers, "io", "syscw: %lu");
    load_cost_redis(cost, redis);
}


/* What Redis says of itself; commands of scripts count as others do. */

static void
load_cost_redis(load_cost_t *cost, const char *path)
{
    int                 fd;
    char               *line;
    double              n;
    ssize_t             rc;
    size_t              len;
    struct sockaddr_un  sun;

    static char         info[1 << 17];
    static const char   request[] = "INFO everything\r\nQUIT\r\n";

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);

    fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == -1
        || write(fd, request, sizeof(request) - 1) == -1)
    {
        load_die(path);
    }

    len = 0;

    while ((rc = read(fd, info + len, sizeof(info) - 1 - len)) > 0) {
        len += (size_t) rc;
    }

    close(fd);

    info[len] = '\0';
    cost->redis = 0;
    cost->commands = 0;

    for (line = strtok(info, "\r\n"); line; line = strtok(NULL, "\r\n")) {

        if (sscanf(line, "used_cpu_sys:%lf", &n) == 1
            || sscanf(line, "used_cpu_user:%lf", &n) == 1)
        {
            cost->redis += n;

        } else if (sscanf(line, "cmdstat_%*[^:]:calls=%lf", &n) == 1) {
            cost->commands += n;
        }
    }
}


double
load_cost_memory(load_cost_pids_t *pids)
{
    return 1024 * load_cost_proc(pids, "smaps_rollup", "Anonymous: %lu");
}
