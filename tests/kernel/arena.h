/* SPDX-License-Identifier: GPL-2.0-only */
/* Where two packets of a flow meet: the loaded programs, a batch of flows, and what was told of each. */
#ifndef TCPSHAKE_TEST_ARENA_H
#define TCPSHAKE_TEST_ARENA_H

#include "loader.h"
#include "lockstep.h"

#define BATCH	    512
#define SERVER_PORT 443

/* What was told of a flow. */
struct outcome {
	u8 opens, half_opens, closes, how;
};

struct arena {
	struct loaded loaded;
	struct lockstep *lockstep;
	int xdp, tc, sweep, seeds; /* programs */
	u64 flow;	    /* number of the batch's first; each has an address of its own */
	u64 time;	    /* ns */
	struct outcome outcome[BATCH];
	u64 won, lost; /* races that can go two ways: by the first of the pair; by the other */
	char fault[160];
};

enum way { OF_CLIENT, OF_SERVER };

/* The clock that the programs read. */
void arena_set_time(struct arena *arena, u64 time);

/* A packet of flow number `flow`, in sequence; all but its flags can still be changed. */
struct frame_spec arena_spec(u64 flow, enum way way, u8 flags);
struct shot arena_shot(const struct arena *arena, const struct frame_spec *spec);
struct shot arena_packet(const struct arena *arena, u64 flow, enum way way, u8 flags);
struct shot arena_last_ack(const struct arena *arena, u64 flow, enum way way);

void arena_play(struct arena *arena, u64 flow, enum way way, u8 flags);
void arena_race(struct arena *arena, struct shot here, struct shot there);

/* What the programs tell goes here. */
void arena_on_event(void *arena, const struct event *event);
void arena_step_aside(struct arena *arena);
void arena_rest(struct arena *arena);
void arena_expect_either(struct arena *arena, const char *when, u64 from, u64 step, struct outcome first,
			 struct outcome second);
void arena_expect(struct arena *arena, const char *when, u64 from, u64 step, struct outcome want);

#endif
