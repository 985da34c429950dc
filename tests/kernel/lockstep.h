/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two runs of loaded programs at the same moment, on two CPUs, again and again:
 * the caller's thread and a helper meet at a barrier, and one of them waits up
 * to some microseconds more, so that over many rounds each order and each
 * overlap comes to pass.
 */
#ifndef TCPSHAKE_TESTS_LOCKSTEP_H
#define TCPSHAKE_TESTS_LOCKSTEP_H

#include "calls.h"
#include "frames.h"

/* A frame through a hook's program, or a call of the sweep. */
struct shot {
	int program;
	int is_sweep;
	u32 size;
	u8 frame[256];
	struct sweep_call sweep;
};

/* 0, or a negative errno. */
int shot_run(struct shot *shot);

struct lockstep;

/* Pins the caller to one CPU and a helper to another. NULL: there is only one. */
struct lockstep *lockstep_new(u64 seed);
void lockstep_free(struct lockstep *lockstep); /* the caller stays pinned */

/* Runs both, the second by the helper. Back when both are done: 0, or a negative errno. */
int lockstep_run(struct lockstep *lockstep, struct shot *here, struct shot *there);

#endif
