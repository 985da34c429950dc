/* SPDX-License-Identifier: GPL-2.0-only */
/* Days without a flood. */
#ifndef DETECTOR_PATTERNS_H
#define DETECTOR_PATTERNS_H

#include "world.h"

struct pattern_state {
	double base, level; /* opens a second; level: slow noise around 1 */
	u64 next, until;    /* of episodes */
	double height;
	u64 scan_until;
	u64 from;
	u32 checkers;
};

struct pattern {
	const char *name, *what;
	void (*begin)(struct world *world, struct pattern_state *state);
	void (*tick)(struct world *world, struct pattern_state *state);
	u32 sum; /* the bins are of many services */
};

extern const struct pattern patterns[];
extern const u32 pattern_count;

#endif
