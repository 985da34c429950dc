/* SPDX-License-Identifier: GPL-2.0-only */
/* One day without a flood, one flood, and what the detector made of them. */
#ifndef DETECTOR_LAB_H
#define DETECTOR_LAB_H

#include <stdio.h>

#include "detect.h"
#include "patterns.h"

#define DAY_TICKS (24 * 60 * 60 * TICKS_PER_SEC)

/*
 * Seeds that were looked at while the detector was tuned end below this; reports begin here. (Reports
 * from 1,000,000 on, which missed something, and from 2,000,000 to 8,000,000 on were looked at.)
 */
#define REPORT_SEED 9000000

struct day {
	u64 alarms, crowds, silences;
};

/* met: the service is first seen in a run that goes on for long. */
struct day run_day(const struct pattern *pattern, u64 seed, u64 ticks, int met);

struct attack {
	double opens;	/* a second, of the clients */
	double rate;	/* SYN/s of the flood */
	enum flood_kind kind;
	double on_s, off_s; /* pulses */
	double ramp_s;
	int cookies;
	int sum;	/* of an address or prefix */
	int dead;	/* from its first SYN on no one is answered */
	u64 warm_s; /* 0: three minutes */
};

struct outcome {
	int early;	  /* alarms before the flood */
	double latency_s; /* from the first SYN of the flood to the end of the bin that tells; below 0: unseen */
	int verdict;	  /* the last one told; -1: none */
	u32 starts, ends;
	double end_s; /* the last end, from the tick at which it would be told at the earliest; below 0: before */
	u32 overtold; /* updates beyond one a second */
};

struct outcome run_attack(const struct attack *attack, u64 seed);

/* The verdict that is right. */
enum verdict true_verdict(const struct attack *attack);

struct curve_point {
	double opens, share; /* of the flood in the opens */
	double rate;
	double median_s, most_s; /* most: 95 of 100 are faster */
	double found;		 /* share, within 30 s */
};

/* RESULTS.md around its tables. tune: these seeds may be looked at. */
void write_head(FILE *out, u64 seed, int tune);
void write_limits(FILE *out);

void curve_svg(FILE *out, const struct curve_point *points, u32 count);

#endif
