
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* Plain WebSocket by epoll, one JSON object a message. */


#ifndef LOAD_SOCKET_H
#define LOAD_SOCKET_H


#include <stddef.h>

#include <openssl/ssl.h>


typedef struct {
    int        fd;
    int        state;
    SSL       *ssl;
    char      *part;               /* of a frame that is not complete */
    size_t     npart;
    unsigned   room;
} load_socket_t;


/* Once, before all others. */
void load_socket_init(void);

/*
 * Opens n sockets, the first ones, or those from "first" on, and returns when
 * they have all authenticated and subscribed.
 */
void load_socket_open_all(unsigned n, unsigned flight);
void load_socket_open_some(unsigned first, unsigned n, unsigned flight);

void load_socket_close(load_socket_t *c);
void load_socket_close_all(void);

/*
 * Takes what has come, and waits for it so many milliseconds; ends the program
 * when nothing has been delivered for long.
 */
void load_socket_turn(int timeout);

/* The same for so many seconds. */
void load_socket_turns(double seconds, int timeout);

/* To the socket's channel. */
void load_socket_send_group(load_socket_t *c);

/* To the other one of the pair, which is another user's. */
void load_socket_send_direct(load_socket_t *c);


#endif /* LOAD_SOCKET_H */
