/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One stream of frames through two engines: the loaded programs, and the host's
 * as the capture reader has it. Whatever differs fails the test, at the packet
 * that it comes to light with.
 */
#ifndef TCPSHAKE_TESTS_REPLAY_H
#define TCPSHAKE_TESTS_REPLAY_H

#include "host.h"
#include "loader.h"

struct told {
	struct event *event;
	u32 count;
};

struct replay {
	struct loaded loaded;
	struct host *host;
	struct told by_kernel, by_host;
	u32 compared;
	u64 packets, events, ticks;
	const char *what; /* the traffic's name, for what is said of a difference */
	int started;
};

enum hook { XDP_ETHER, XDP_FRAGS, XDP_IP, TC_IN, TC_OUT, HOOKS };

/* A frame, and how much of it the hook's program sees in place: all, or with XDP_FRAGS from 14 bytes on. */
struct piece {
	const u8 *frame;
	u32 size, first;
};

/* The largest frame that each hook takes in one piece. */
#define PIECE_MAX 3400

/* what: points to what remains. */
void replay_open(struct replay *replay, const struct config *config, const char *what);
void replay_close(struct replay *replay);

/*
 * All ticks up to this time, then the packet; time (ns) never goes backwards.
 * A frame of which the kernel makes no packet for a test run is none for the
 * host either.
 */
void replay_packet(struct replay *replay, enum hook hook, struct piece piece, u64 time);

/* Puts every row of the services, on both sides, in this alarm; 0: in none. */
void replay_alarm(struct replay *replay, u32 alarm);

/* All that stands is the same, and balances. */
void replay_compare(struct replay *replay);

/* The end of the capture, on both sides, and one line about what was the same. */
void replay_conclude(struct replay *replay, u64 time);

#endif
