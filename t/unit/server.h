
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _SERVER_H_INCLUDED_
#define _SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A private Redis on a unix socket in a directory of its own; both are gone
 * at exit.  Whatever fails here ends the test.
 */

/* Fills in where it will listen. */
void server_init(ngx_addr_t *addr);

void server_start(void);
void server_signal(int sig);
void server_stop(void);

/* An inline command, by a connection of its own. */
void server_command(const char *text);

/* What such a connection logs in with, once Redis wants it. */
extern const char  *server_password;


#endif /* _SERVER_H_INCLUDED_ */
