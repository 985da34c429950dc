/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service and its clients, tick by tick, of which only bins come out.
 *
 * A client's SYN is answered when the server is up, not full and its SYN-ACK not
 * lost; else the client's stack tries again after 1, 2, 4, 8 and 16 s. What completes
 * does so a round trip later. What does not ends after 75 s without a sign, or
 * when the monitor's table is full.
 */
#ifndef DETECTOR_WORLD_H
#define DETECTOR_WORLD_H

#include "bin.h"
#include "random.h"

#define AHEAD 2048 /* ticks known in advance; a power of two */
#define TRIES 5
#define GIVE_UP_TICKS (75 * TICKS_PER_SEC)
#define BACKLOG_TICKS (63 * TICKS_PER_SEC) /* five SYN-ACKs more: 1 + 2 + 4 + 8 + 16 + 32 s */
#define LAG_CLASSES 32

/* How long something takes: the share of each number of ticks, and of one more tick or less. */
struct lag {
	double left[LAG_CLASSES]; /* share of class i among those not below it */
	u8 of_byte[256];	  /* a random byte's class */
	u32 classes;
};

/* Log-normal round trips from a SYN somewhere within its tick; 0: within the tick. */
struct lag lag_of(double median_ms, double spread);

struct clients {
	struct lag lag;
	double loss;  /* of SYN-ACKs behind the monitor */
	double fail;  /* never come back */
	double abort; /* RST instead of the ACK */
};

enum server_state { SERVER_UP, SERVER_REFUSES, SERVER_SILENT };

struct server {
	enum server_state state;
	struct lag lag; /* of the SYN-ACK */
	double drop;	/* share of SYNs that a full accept queue drops */
	u32 backlog;	/* half-open connections; with cookies no limit */
	int cookies;
	u64 half_open;
};

enum flood_kind {
	FLOOD_SPOOFED,
	FLOOD_FORGED_ACK, /* ACKs that prove nothing come with the SYNs */
	FLOOD_RST_SOME,	  /* a third of the forged addresses are hosts that answer by RST */
	FLOOD_RST_ALL,
	FLOOD_FEW,	  /* 50 hosts, raw SYNs, no second tries */
	FLOOD_STACKS,	  /* hosts whose answers are kept from them */
	FLOOD_UNANSWERED, /* a filter behind the monitor throws it away, and only it */
	FLOOD_KINDS
};

struct flood {
	enum flood_kind kind;
	double rate; /* SYN/s; 0: none */
	double on_s, off_s; /* pulses; on_s 0: without pause */
	double ramp_s;	    /* rises as long */
	u64 since;	    /* tick */
	double owed;	    /* below one SYN */
};

struct world {
	struct random random;
	u64 now;
	struct clients clients;
	struct server server;
	struct flood flood;
	double rate;		/* of the clients' opens, a second */
	double again;		/* share of refused clients that open anew after a second */
	u64 stalled_until;	/* ACKs are held until then */
	u64 table;		/* entries of the monitor for this service */
	u64 pending, evicted;
	struct bin ahead[AHEAD];
	u32 retry[AHEAD][TRIES];
	u32 anew[AHEAD];
	u32 backlog_freed[AHEAD];
	u32 probes[AHEAD];	/* checks of health: SYN, SYN-ACK, RST */
	u64 clients_seen, flood_seen; /* SYNs since the alarm */
};

void world_begin(struct world *world, u64 seed);
/* One tick; rate, server and flood may be changed between two. */
struct bin world_tick(struct world *world);

#endif
