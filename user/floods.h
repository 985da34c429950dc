/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floods and silent services: every tick the rows of the service table become
 * bins, bins go to the detector, and what it finds is told, one event for one
 * flood: of a service, or of an address whose ports are swept, or of a prefix
 * whose addresses are. The same for a live run and for a capture.
 */
#ifndef TCPSHAKE_FLOODS_H
#define TCPSHAKE_FLOODS_H

#include "bin.h"
#include "netstat.h"
#include "report.h"
#include "service_table.h"
#include "sockets.h"

struct floods_config {
	u32 sensitivity; /* as of struct detect_config */
	u32 min_rate;
	u32 one_sided;	 /* answers do not pass here: nothing is said of them */
	u32 crowds;	 /* flash crowds are told, too */
};

struct options;
struct floods_config floods_config_of(const struct options *options);

/* What a kernel says of its own services. */
struct floods_host {
	int (*has)(void *arg, const struct address *addr);  /* is it this host's? Of no other is anything said. */
	int (*netstat)(void *arg, struct netstat *netstat); /* 0 or a negative errno */
	int (*listeners)(void *arg, socket_fn each, void *each_arg); /* the same */
};

/* Who hears of it, and what the side knows beside the rows. */
struct floods_side {
	struct service_table table;
	/* flood or silent is set; time: ns, of the tick */
	void (*tell)(void *arg, const struct report *report, u64 time);
	const struct floods_host *host; /* NULL: none can be asked */
	void *arg;
};

struct floods_counts {
	u64 now, silent_now;	     /* levels */
	u64 total[VERDICTS];	     /* over, by the last verdict */
	u64 silent_total[SILENT_KINDS]; /* begun */
	u64 ns;			     /* how long there was a flood, summed over floods, those of now included */
};

struct floods;

/* tick: the last one before anything was counted; 0: that before the first call. 0 or -ENOMEM. */
int floods_new(struct floods **floods, const struct floods_config *config, const struct floods_side *side, u64 tick);
void floods_free(struct floods *floods); /* NULL is fine */

/* What the time since the last tick was. */
enum floods_gap {
	FLOODS_LATE,  /* ticks that came late: what is new is spread over them */
	FLOODS_QUIET, /* nothing happened in it but at its end */
};

/* All that was counted before tick * TICK_NS; ticks that were before do nothing. */
void floods_tick(struct floods *floods, u64 tick, enum floods_gap gap);

/* The end of the run: every flood and silence that was told ends. */
void floods_conclude(struct floods *floods, u64 time);

const struct floods_counts *floods_counts(const struct floods *floods);

#endif
