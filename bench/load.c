
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * A load generator for plain WebSocket (one JSON object a message), by epoll:
 *
 *     load -p PORT [-s] [-f] [-P PID,...] [-m PID,...] [-r PATH]
 *          SCENARIO [N [M [W]]]
 *
 *     -s  by TLS
 *     -f  to the floor (floor.c): there is nobody to authenticate with
 *     -P  processes whose CPU time counts
 *     -m  processes whose memory counts: the workers
 *     -r  path of Redis' socket
 *
 *     idle N S       N sockets with three channels, S seconds of rest (of ten
 *                    members, of the user and of the tenant)
 *     fanout N M W   M messages to a channel of N, W of them in flight
 *     rooms N M W    N sockets in channels of ten
 *     pairs N M      N pairs, each one message to and fro, M in all
 *     connect M W    M connections that authenticate and subscribe
 *     cycle N M      N sockets opened and closed M times, each time in other
 *                    channels, with a message each
 *     club N W       N members of a tenant who come, W at once, and all go at
 *                    once, but for ten who look on
 *
 * Each prints a line of figures, club one for each way.
 */


#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"


typedef struct {
    const char        *name;
    load_scenario_pt   run;
} load_scenario_t;


static const load_scenario_t  load_scenarios[] = {
    { "idle", load_idle },
    { "fanout", load_fanout },
    { "rooms", load_rooms },
    { "pairs", load_pairs },
    { "connect", load_connect },
    { "cycle", load_cycle },
    { "club", load_club },
    { NULL, NULL }
};


load_t  load = { .room_size = 1 };


int
main(int argc, char **argv)
{
    int                     opt;
    unsigned                i, arg[3] = { 0, 0, 0 };
    const char             *scenario;
    struct rlimit           rlmt;
    const load_scenario_t  *s;

    while ((opt = getopt(argc, argv, "p:sfP:m:r:")) != -1) {
        switch (opt) {

        case 'p':
            load.port = atoi(optarg);
            break;

        case 's':
            load.tls = 1;
            break;

        case 'f':
            load.floor = 1;
            break;

        case 'P':
            load_cost_pids(&load.cpu, optarg);
            break;

        case 'm':
            load_cost_pids(&load.memory, optarg);
            break;

        case 'r':
            load.redis = optarg;
            break;

        default:
            load_die("see the head of load.c");
        }
    }

    if (load.port == 0 || optind == argc) {
        load_die("see the head of load.c");
    }

    scenario = argv[optind++];

    for (i = 0; i < 3 && optind < argc; i++) {
        arg[i] = (unsigned) atoi(argv[optind++]);
    }

    signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rlmt) == 0) {
        rlmt.rlim_cur = rlmt.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rlmt);
    }

    load_socket_init();

    for (s = load_scenarios; s->name; s++) {

        if (strcmp(s->name, scenario) == 0) {
            s->run(arg[0], arg[1], arg[2]);
            return 0;
        }
    }

    load_die("no such scenario");
}


double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


void
load_die(const char *text)
{
    fprintf(stderr, "load: %s: %s\n", text, strerror(errno));
    exit(1);
}
