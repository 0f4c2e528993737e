
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* What sockets take that do nothing, and what is left of them. */


#include <stdio.h>

#include "load.h"


#define LOAD_SETTLE      10        /* seconds to come to rest */
#define LOAD_TRIM        26        /* seconds until memory is given back */


void
load_idle(unsigned n, unsigned seconds, unsigned unused)
{
    double  cpu, memory;

    memory = load_cost_memory(&load.memory);

    load.room_size = 10;
    load_socket_open_all(n, LOAD_OPENING);
    load_socket_turns(LOAD_SETTLE, 100);

    memory = load_cost_memory(&load.memory) - memory;
    cpu = load_cost_cpu(&load.cpu);

    load_socket_turns(seconds, 100);
    cpu = load_cost_cpu(&load.cpu) - cpu;

    printf("idle %u: %.0f bytes a connection", n, memory / n);

    if (seconds) {
        printf(", %.1f us of CPU a connection and minute",
               cpu * 1e6 / n * 60 / seconds);
    }

    printf("\n");
}


/* The first half of the rounds is the warm-up. */

void
load_cycle(unsigned n, unsigned times, unsigned unused)
{
    double    memory, middle;
    unsigned  i, k;

    middle = 0;
    memory = 0;

    printf("cycle %u: KB after each round", n);

    for (i = 0; i < times; i++) {
        load.round = i;
        load_socket_open_all(n, LOAD_OPENING);

        load.delivered = 0;
        load.wanted = n;

        for (k = 0; k < n; k++) {
            load_socket_send_group(&load.sockets[k]);
        }

        while (load.delivered < load.wanted) {
            load_socket_turn(1000);
        }

        load_socket_close_all();
        load_socket_turns(LOAD_TRIM, 1000);
        memory = load_cost_memory(&load.memory);

        if (i == (times - 1) / 2) {
            middle = memory;
        }

        printf(" %.0f", memory / 1024);
        fflush(stdout);
    }

    printf(", %.1f bytes more a socket in the second half\n",
           (memory - middle) / n / (times / 2));
}
