
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* The scenarios, and what they share. */


#ifndef LOAD_H
#define LOAD_H


#include <stdint.h>

#include "load_cost.h"
#include "load_socket.h"


#define LOAD_OPENING     128       /* handshakes under way at once */
#define LOAD_WATCHERS    10        /* members who look on */


typedef struct {
    int                port;
    int                tls;
    int                floor;      /* there is nobody to authenticate with */
    const char        *redis;      /* path of its socket */
    load_cost_pids_t   cpu;
    load_cost_pids_t   memory;

    load_socket_t     *sockets;
    unsigned           n;
    unsigned           ready;
    unsigned           opening;

    unsigned           room_size;
    unsigned           round;      /* each has other channels */
    int                ping_pong;  /* a direct message is answered */
    int                members;    /* no channel is subscribed to */
    const char        *watched;    /* an event, at the first sockets */

    uint64_t           sent;
    uint64_t           delivered;
    uint64_t           wanted;
} load_t;


extern load_t  load;


/* A scenario with its N, M and W; prints its figures. */
typedef void (*load_scenario_pt)(unsigned n, unsigned m, unsigned w);

/* load_rest.c: sockets that do nothing, or have gone */
void load_idle(unsigned n, unsigned seconds, unsigned unused);
void load_cycle(unsigned n, unsigned times, unsigned unused);

/* load_message.c */
void load_fanout(unsigned n, unsigned messages, unsigned flight);
void load_rooms(unsigned n, unsigned messages, unsigned flight);
void load_pairs(unsigned n, unsigned messages, unsigned unused);

/* load_come.c: users who come, and go */
void load_connect(unsigned n, unsigned flight, unsigned unused);
void load_club(unsigned n, unsigned flight, unsigned unused);

/* Seconds. */
double load_now(void);

/* The end, with errno's text. */
void load_die(const char *text) __attribute__((noreturn));


#endif /* LOAD_H */
