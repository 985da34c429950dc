/* SPDX-License-Identifier: GPL-2.0-only */
/* The sums that must balance, and the summary at the end of a run. */
#ifndef TCPSHAKE_SUMMARY_H
#define TCPSHAKE_SUMMARY_H

#include <stdio.h>

#include "counters.h"
#include "output.h"
#include "proof.h"
#include "service_row.h"

/* Counted by walking the tables, never derived. */
struct levels {
	u64 unfinished;		  /* handshakes: seeds, and those in the pending table */
	u64 seeds;		  /* of these */
	u64 adoptions_unfinished; /* candidates there */
	u64 live;		  /* connections */
	u64 held;		  /* TIME_WAITs */
	u64 half_open;		  /* of the unfinished: SYN-ACK seen, no ACK */
	u64 deferred;		  /* packets put aside and not yet stepped */
	u64 filter_sum;		  /* of all buckets of the watch filter */
	u64 watched_words;	  /* words whose watch is not NONE */
	u64 lingering[TCP_STATES]; /* ends that were told to linger */
};

struct service_summary {
	struct address addr;
	u16 port;   /* 0: what has no row of its own: see prefix */
	u8 prefix;  /* as in struct service */
	u64 syn, completed, refused, half_open, timed_out;
	u64 median_ns, p99_ns; /* 0: no handshake completed */
};

enum sum {
	SUM_PACKETS,
	SUM_HANDSHAKES,
	SUM_COMPLETED,
	SUM_CONNECTIONS,
	SUM_ADOPTIONS,
	SUM_TIME_WAIT,
	SUM_EVENTS,
	SUM_WATCH,
	SUM_FILTER,
	SUMS
};

struct sum_sides {
	const char *name;
	u64 left, right;
};

/*
 * Works out both sides of every sum of counters.h. Returns how many do not
 * balance; exact whenever no packet is inside a program. output: where
 * the events went; NULL: none were told (they count as lost_in_ring or
 * filtered then).
 */
int sums_check(const struct tally *tally, const struct levels *levels, const struct output_counts *output,
	       struct sum_sides sides[SUMS]);

struct summary {
	const struct tally *tally; /* sum of all CPUs */
	const struct levels *levels;
	const struct output_counts *output;
	const struct service_summary *services; /* any order */
	size_t service_count;
	u64 duration_ns; /* for rates */
	int verbose;
};

#define SUMMARY_SERVICES 10

void summary_print(const struct summary *summary, FILE *out);

/* The value below which so many per mille of a histogram lie, ns; 0 when it is empty. */
u64 histogram_quantile(const struct tally *tally, enum histogram histogram, u32 per_mille);

#endif
