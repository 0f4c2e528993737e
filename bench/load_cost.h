
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/* What processes have cost, by what the kernel and Redis say of them. */


#ifndef LOAD_COST_H
#define LOAD_COST_H


#define LOAD_COST_PIDS  64


typedef struct {
    int        pids[LOAD_COST_PIDS];
    int        n;
} load_cost_pids_t;


typedef struct {
    double     workers;            /* seconds of CPU */
    double     redis;
    double     writes;
    double     commands;
} load_cost_t;


/* PID,PID,...; the list is cut up */
void load_cost_pids(load_cost_pids_t *pids, char *list);

/* Seconds of CPU time of the processes; the kernel counts clock ticks. */
double load_cost_cpu(load_cost_pids_t *pids);

/* Bytes that are the processes' own, without shared memory. */
double load_cost_memory(load_cost_pids_t *pids);

/* All of it; redis is the path of its socket. */
void load_cost(load_cost_t *cost, load_cost_pids_t *workers,
    const char *redis);


#endif /* LOAD_COST_H */
