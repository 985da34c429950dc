/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Made-up traffic that means something: conversations that open, talk, close and
 * begin again, with losses, repeats, reordering, resets and forgeries, and with
 * silences of hours. The same for the same seed.
 */
#ifndef TCPSHAKE_TESTS_TRAFFIC_H
#define TCPSHAKE_TESTS_TRAFFIC_H

#include "frames.h"

#define CONVERSATIONS 256

struct conversation {
	u8 state;     /* enum talk */
	u8 fins;      /* bit per end: 0 the client's, 1 the server's */
	u32 next[2];  /* sequence number that comes next */
	u32 acked[2]; /* what each end acknowledges */
	u16 port;     /* the client's */
};

struct traffic {
	struct dice dice;
	u32 mutate; /* one in so many frames is mutated, and some are anything at all */
	struct conversation conversation[CONVERSATIONS];
	struct frame_spec last[8]; /* to be repeated, or told late */
	u32 sent;
};

struct sent {
	u64 step; /* ns since the one before */
	u32 size;
	int of_server;
	u8 frame[FRAME_MAX];
};

void traffic_begin(struct traffic *traffic, u64 seed, u32 mutate);
void traffic_next(struct traffic *traffic, struct sent *sent);

#endif
