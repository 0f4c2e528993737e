
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* Messages to channels and to users. */


#include <stdio.h>

#include "load.h"


static void load_channels(const char *name, unsigned n, unsigned size,
    unsigned messages, unsigned flight);


void
load_fanout(unsigned n, unsigned messages, unsigned flight)
{
    load_channels("fanout", n, n, messages, flight);
}


void
load_rooms(unsigned n, unsigned messages, unsigned flight)
{
    load_channels("rooms", n, 10, messages, flight);
}


static void
load_channels(const char *name, unsigned n, unsigned size, unsigned messages,
    unsigned flight)
{
    double    cpu, start;
    unsigned  i;

    if (flight == 0) {
        flight = 1;
    }

    load.room_size = size;
    load_socket_open_all(n, LOAD_OPENING);
    load_socket_turn(500);

    load.delivered = 0;
    load.wanted = (uint64_t) messages * size;
    cpu = load_cost_cpu(&load.cpu);
    start = load_now();

    while (load.delivered < load.wanted) {

        while (load.sent < messages
               && load.sent * size < load.delivered + (uint64_t) flight * size)
        {
            /* a room after the other, their members in turn */

            i = (unsigned) (load.sent * size + load.sent % size) % n;

            load_socket_send_group(&load.sockets[i]);
            load.sent++;
        }

        load_socket_turn(1000);
    }

    cpu = load_cost_cpu(&load.cpu) - cpu;

    printf("%s %u, %u in flight: %.2f CPU s a million deliveries, "
           "%.0f deliveries a second, %s\n",
           name, n, flight, cpu * 1e6 / (double) load.wanted,
           (double) load.wanted / (load_now() - start),
           load.delivered == load.wanted ? "none twice" : "TOO MANY");
}


void
load_pairs(unsigned n, unsigned messages, unsigned unused)
{
    double    cpu, start;
    unsigned  i;

    load_socket_open_all(2 * n, LOAD_OPENING);
    load_socket_turn(500);

    load.ping_pong = 1;
    load.delivered = 0;
    load.wanted = messages;
    cpu = load_cost_cpu(&load.cpu);
    start = load_now();

    for (i = 0; i < n; i++) {
        load_socket_send_direct(&load.sockets[2 * i]);
        load.sent++;
    }

    while (load.delivered < load.wanted) {
        load_socket_turn(1000);
    }

    cpu = load_cost_cpu(&load.cpu) - cpu;

    printf("pairs %u: %.2f CPU s a million messages, %.0f us to and fro\n",
           n, cpu * 1e6 / messages,
           (load_now() - start) * 2e6 * n / messages);
}
