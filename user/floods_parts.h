/* SPDX-License-Identifier: GPL-2.0-only */
/* What the floods*.c share. No one else includes it, but for tests. */
#ifndef TCPSHAKE_FLOODS_PARTS_H
#define TCPSHAKE_FLOODS_PARTS_H

#include <stdio.h>

#include "detect.h"
#include "floods.h"
#include "atomic.h"

#define NOBODY (~0u)
#define TOLD_MOST 64 /* floods at once */

/* From the outside in: who stands for whom. */
enum span { SPAN_PREFIX, SPAN_ADDRESS, SPAN_SERVICE, SPANS };

/*
 * What the detector is asked about. Subject number i is row i of the service
 * table; behind the rows come the sums: an address over its rows, a prefix over
 * its addresses.
 */
struct subject {
	struct address addr;
	u16 port;
	u8 prefix;  /* SERVICE_...; 0: all others */
	u8 span;    /* enum span */
	u8 running; /* its detector is asked: not of a sum of one, which would only repeat it */
	u8 silent;  /* enum silent_kind + 1 that was told, or 0 */
	u8 crowd;   /* a flash crowd was told */
	u8 covered; /* another stood for its alarm, last at .covered_at */
	u8 listed;  /* in run[] */
	u8 attached; /* a row in use */
	u32 parent; /* the sum it is part of, or NOBODY */
	u32 members, first; /* of a sum: how many parts, and the one that it began with, or NOBODY */
	u32 next;	    /* of a sum: in its chain of the hash, or of the free ones */
	u32 told;   /* the flood that was told of it, or NOBODY */
	u32 below;  /* of a sum: floods told of its parts since it is in alarm */
	u32 waited; /* ticks for which its alarm was not told */
	u32 scattered; /* ticks for which what was told of its parts was the lesser half */
	u32 alarmed; /* 1 + its place among those in alarm; 0: it is not */
	u64 covered_at;
	u64 taken; /* the last tick whose bin it has */
	u64 fail;  /* SYNs that did not complete, lately: see note_fail() */
	u32 fresh[SERVICE_COUNTS]; /* counted since the last tick */
	struct finding found; /* last of the flood or crowd */
	struct finding silence;
	u64 silent_tick; /* when it was told */
	u8 overflows;	 /* it is silent because its accept queue is full: only floods_queues.c ends that */
	struct detector detector;
};

/* A flood that was told. */
struct told {
	u32 subject; /* NOBODY: free */
	u32 sources; /* its description, or SOURCES: none was free */
	struct netstat before;
	int has_netstat;
	u64 evidence_tick; /* when it was made */
	struct evidence evidence;
};

/* What is remembered of a row. sum alone is read every tick. */
struct seen {
	u64 count[SERVICE_COUNTS];
};

/* A service whose accept queue is full. */
struct full_queue {
	u32 row;
	u64 since, full, dropped; /* ticks: first and last look that found it so; the last drop of the host meanwhile */
	u64 drops;	/* of the host, while it was full */
	u64 syn, asks;	/* the row's counts at `since` */
};

#define FULL_MOST 64

struct listener;

struct queues {
	struct full_queue full[FULL_MOST];
	u32 fulls;
	int read;	/* overflows is known */
	u64 overflows;	/* the host's count */
	u64 rose, next;	/* ticks: when that last rose; of the next look when no queue is full */
	struct listener *listener; /* as of the last look */
	u32 listeners;
};

struct floods {
	struct floods_config config;
	struct floods_side side;
	struct floods_counts counts;
	u32 rows, subjects; /* how many; the first `rows` subjects are rows */
	u64 tick;	    /* the last one; 0: none yet */
	u64 settled;	    /* live: until then no alarm, for each service is new and its first answers are under way */
	u64 *sums;	    /* by row: over its counts */
	u32 *born;	    /* by row */
	struct seen *seen;
	struct subject *subject;
	u32 *chains;	    /* hash of the sums */
	u32 chain_mask;
	u32 free_sum, fresh_sum; /* given back, a list; never used, the first of them */
	u32 *run, runs;	    /* whose detectors are asked in this tick, and in the next where they are not idle */
	u32 *alarmed, alarms;
	struct told told[TOLD_MOST];
	u32 used_sources;   /* bit per description */
	struct queues queues;
	FILE *bins;	    /* of $TCPSHAKE_BINS, or NULL */
};

/* --- floods_groups.c: which row belongs to which sums --- */

int groups_new(struct floods *floods);
/* The subject of a row that is another's now, zeroed; and the end of it, at `tick`. */
void groups_attach(struct floods *floods, u32 row);
void groups_detach(struct floods *floods, u32 row, u64 tick);
int is_part_of(const struct floods *floods, u32 part, u32 sum); /* or of one of its parts */

/* --- floods_bins.c: from counts to bins --- */

/* Subjects with something new come into run[], their sums too. tick: of now. */
void bins_collect(struct floods *floods, u64 tick);

/* The i-th of n even parts of what is new: together they are the whole. */
struct bin bins_part(const u32 fresh[SERVICE_COUNTS], u32 i, u32 n);
void bins_open(struct floods *floods);
void bins_print(const struct floods *floods, const struct subject *subject, const struct bin *bin, u64 tick);

/* --- floods_decide.c: which alarms are told --- */

void take_finding(struct floods *floods, u32 id, enum found found, const struct finding *finding, u64 tick);
void decide(struct floods *floods, u64 tick);

/* The subject is in alarm, by its detector; it is no more. */
void alarm_begin(struct floods *floods, u32 id);
void alarm_end(struct floods *floods, u32 id);

/* SYNs that did not complete, in the last second or so: to compare a part with its sum. */
void note_fail(struct subject *subject, const struct bin *bin, u64 tick);
u64 recent_fail(const struct subject *subject, u64 tick);

/* A flood was told of a sum over the subject. */
int is_told_above(const struct floods *floods, u32 id);

/* --- floods_queues.c: full accept queues of this host --- */

void queues_tick(struct floods *floods, u64 tick);
/* The detector finds the row silent. Whether its queue is full: then that was told. */
int queues_explain(struct floods *floods, u32 row, u64 tick);
/* A flood begins at the subject. */
void queues_interrupt(struct floods *floods, u32 id, u64 tick);
/* The row is another's. */
void queues_forget(struct floods *floods, u32 row);
void queues_free(struct floods *floods);

/* --- floods_tell.c: alarms, descriptions, events --- */

/* -ENOSPC: so many are told already that this one is not. */
int tell_start(struct floods *floods, u32 id, u64 tick);
void tell_update(struct floods *floods, u32 id, u64 tick);
void tell_end(struct floods *floods, u32 id, u64 tick);
void tell_crowd(struct floods *floods, u32 id, enum phase phase, u64 tick);
void tell_silent(struct floods *floods, u32 id, enum phase phase, u64 tick);

/* The side knows its kernel. */
int is_here(const struct floods *floods, const struct subject *subject);

/* Alarm on a new row of a flood that stands. */
void mark_row(struct floods *floods, u32 row);

/* What is known of a told flood, made anew each second; NULL: it was not told. */
const struct evidence *evidence_of(struct floods *floods, const struct subject *subject, u64 tick);

#endif
