/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine on the host: the same code that runs in the kernel, over memory of
 * its own and a logical clock.
 */
#ifndef TCPSHAKE_HOST_H
#define TCPSHAKE_HOST_H

#include "config.h"
#include "counters.h"
#include "event.h"
#include "parse.h"
#include "service_table.h"
#include "summary.h"

struct host;

/* emit is called for each event, in order; the event is valid during the call only. */
int host_new(struct host **host, const struct config *config,
	     void (*emit)(void *arg, const struct event *event), void *arg);
void host_free(struct host *host); /* NULL is fine */

/*
 * One packet at its time (ns; never less than the one before): first all
 * deadlines up to then, then the packet. result: what the parser said; seg is
 * read only with PARSE_TCP.
 */
void host_packet(struct host *host, enum parse_result result, struct segment *seg, u64 time);

/* A segment that comes soon: fetches into the caches what it will need. Changes nothing that can be seen. */
void host_expect(struct host *host, const struct segment *seg);

/*
 * Is called after each tick whose counts may differ from those of the tick before,
 * and after the last of a run of ticks.
 */
void host_on_tick(struct host *host, void (*on_tick)(void *arg, u64 tick), void *arg);

/* Runs the clock to `time`, without a packet. */
void host_clock(struct host *host, u64 time);

/* Tells the close of all that still stands; how: HOW_END_OF_CAPTURE or HOW_END_OF_RUN. */
void host_conclude(struct host *host, u32 how, u64 time);

const struct tally *host_tally(const struct host *host);
void host_levels(const struct host *host, struct levels *levels);
void host_states(const struct host *host, u64 states[TCP_STATES]); /* ends by state */

/* For tests and the summary: the rows of the service table that are in use. */
u32 host_services(const struct host *host, const struct service **rows);

/* The same for who watches them. */
void host_service_table(struct host *host, struct service_table *table);

#endif
