
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* Users who come, and members of a tenant who come and go. */


#include <stdio.h>
#include <stdlib.h>

#include "load.h"


static void load_club_wait(const char *what, load_cost_t *before,
    double start);


void
load_connect(unsigned n, unsigned flight, unsigned unused)
{
    double  cpu, start;

    if (flight == 0) {
        flight = 64;
    }

    cpu = load_cost_cpu(&load.cpu);
    start = load_now();

    load_socket_open_all(n, flight);

    printf("connect %u, %u at once: %.0f a second, "
           "%.2f CPU s a million\n", n, flight, n / (load_now() - start),
           (load_cost_cpu(&load.cpu) - cpu) * 1e6 / n);
}


/* Those who look on have come before; each is to hear of all others. */

void
load_club(unsigned n, unsigned flight, unsigned unused)
{
    double       start;
    unsigned     i;
    load_cost_t  before;

    load.sockets = calloc(n, sizeof(load_socket_t));
    load.n = n;

    load.members = 1;
    load_socket_open_some(0, LOAD_WATCHERS, flight);
    load_socket_turns(3, 100);

    load.wanted = (uint64_t) LOAD_WATCHERS * (n - LOAD_WATCHERS);

    load.watched = "{\"event\":\"user:online\"";
    load.delivered = 0;
    load_cost(&before, &load.memory, load.redis);

    load_socket_open_some(LOAD_WATCHERS, n, flight);

    start = load_now();
    load_club_wait("come", &before, start);

    load.watched = "{\"event\":\"user:offline\"";
    load.delivered = 0;
    load_cost(&before, &load.memory, load.redis);
    start = load_now();

    for (i = LOAD_WATCHERS; i < n; i++) {
        load_socket_close(&load.sockets[i]);
    }

    load_club_wait("gone", &before, start);
}


static void
load_club_wait(const char *what, load_cost_t *before, double start)
{
    double       known, n;
    load_cost_t  after;

    while (load.delivered < load.wanted) {
        load_socket_turn(1000);
    }

    known = load_now();

    load_socket_turns(1, 100);
    load_cost(&after, &load.memory, load.redis);

    n = (double) load.wanted / LOAD_WATCHERS;

    printf("club %u, %s: %.0f us of the workers a member, %.0f of Redis, "
           "%.1f commands, %.1f writes; known after %.1f s, %s\n",
           load.n, what, (after.workers - before->workers) * 1e6 / n,
           (after.redis - before->redis) * 1e6 / n,
           (after.commands - before->commands) / n,
           (after.writes - before->writes) / n, known - start,
           load.delivered == load.wanted ? "none twice" : "TOO MANY");
}
