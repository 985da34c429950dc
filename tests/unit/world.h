/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two endpoints, a channel that loses, doubles and reorders, and the engine in
 * the middle of it. What happens next is always one of several moves; a chooser
 * picks it, so that histories can be gone through one after the other, drawn at
 * random, or repeated.
 *
 * A packet is first on its way to the monitor, then behind it. The first move is
 * always what a quiet network would do; any other is a deviation, and a history
 * has so many of them as its budget allows.
 */
#ifndef TCPSHAKE_TESTS_WORLD_H
#define TCPSHAKE_TESTS_WORLD_H

#include <stdio.h>

#include "env_host.h"
#include "host.h"
#include "oracle.h"

#define FLIGHT_MAX 24
#define CHOICES_MAX 512

struct chooser {
	u8 path[CHOICES_MAX], width[CHOICES_MAX];
	u32 length, at; /* of the path that is given; of what was chosen in this history */
	u32 budget;	/* deviations left */
	u64 random;	/* 0: the path decides, then the first move */
	u32 odds;	/* of a deviation, in 256, when drawn */
};

/* Where the monitor stands. */
enum stand {
	STAND_BETWEEN,	/* packets are on their way before and behind it */
	STAND_AT_CLIENT, /* no way between this end and the monitor */
	STAND_AT_SERVER,
};

struct scenario {
	const char *name;
	/*
	 * What the ends do, in this order when nothing else is going on; ahead of
	 * it as a deviation: o open, O open with data, d send data, f close,
	 * l send the last data with the FIN, r abort, n lose all memory and open anew.
	 * Capitals are those of the server, but for O; 'a' is an open of the server.
	 */
	const char *script;
	enum stand stand;
	int blind;  /* packets may pass by unseen */
	int lossy_before; /* packets may be lost in front of the monitor */
	int two_queues;	  /* the monitor may see a packet after its receiver, and after the answer */
};

struct in_flight {
	struct packet packet;
	u8 sender, seen, used;
	u8 got;		/* the receiver has it: only the monitor has not */
	u32 order;
};

enum { CLIENT, SERVER };

struct diary_line {
	const char *what;
	struct packet packet;
	u8 sender, state[2];
};

struct world {
	struct host *host;
	struct engine *engine;
	const struct scenario *scenario;
	struct chooser *chooser;
	struct endpoint end[2];	  /* by enum: CLIENT, SERVER */
	struct in_flight flight[FLIGHT_MAX];
	u32 orders, in_flight;
	u32 played[2];		  /* of each end's part of the script */
	u64 now;
	u16 port;		  /* of the client: another one each history */
	u32 could[2];		  /* bits of the states each end would have been in, had it got all that was seen */
	struct packet unread[2][8]; /* seen, and not yet got by this end */
	u32 unreads[2];
	u32 passed[2];		  /* key's end of each */
	int lives;		  /* how often the client opened */
	int stale;		  /* a SYN or FIN of a life before was seen in a later one: as good as forged */
	int bypassed, lost_unseen, aborted, rst_seen, syns_seen, fins_seen; /* bit per end */
	int ack_first;		  /* the ACK of a FIN was seen before it, by one who did not watch */
	u32 moves, opens, closes;
	struct event close;
	u64 events;		  /* told, of all histories */
	const char *fault;
	struct diary_line diary[256]; /* of this history: what was sent, seen, got and lost */
	u32 written;
};

/* The proofs that the engine has of an end; its entry is the one that lives, else the tombstone. */
struct shown {
	int found, tomb, pending;
	u64 word;
	enum tcp_state state[2];
};

enum move_kind {
	MOVE_ADVANCE, MOVE_ACK, MOVE_ACT, MOVE_REPEAT, MOVE_REPEAT_FIN, MOVE_LOSE, MOVE_DOUBLE, MOVE_BYPASS,
	MOVE_OVERTAKE,
};

struct move {
	u8 kind, which; /* which: an end, or a place in flight */
};

struct moves {
	struct move move[128];
	u32 n;
};

/* All that can happen next, the quiet course first; none: at rest. */
void world_moves(const struct world *world, struct moves *moves);
void world_move(struct world *world, struct move move);

/* The client has crashed: from the same port it opens again, with another ISN. */
void world_restart(struct world *world);

/* The channel. */
void world_emit(struct world *world, u32 sender, struct packet packet);
struct in_flight *world_put(struct world *world, u32 sender, const struct packet *packet, int seen);
void world_drop(struct world *world, struct in_flight *f);
void world_deliver(struct world *world, struct in_flight *f);
void world_overtake(struct world *world, struct in_flight *f); /* to the receiver, ahead of the monitor */
void world_advance(struct world *world, struct in_flight *f); /* to the monitor, or from it to the receiver */

int world_new(struct world *world);
void world_free(struct world *world);

/* Plays one history until nothing is in flight and nothing left to do. */
void world_play(struct world *world, const struct scenario *scenario, struct chooser *chooser);

/* Lets everything run out. */
void world_end(struct world *world);

/* As tcpdump would print it; numbers are relative to the ISNs. */
void world_print_diary(const struct world *world, FILE *out);

struct shown world_shown(struct world *world);

/* Checks that are made after each packet that the engine has seen. Set by the test. */
extern void (*world_seen)(struct world *world);
/* And after each move. */
extern void (*world_moved)(struct world *world);

u32 choose(struct chooser *chooser, u32 n);
/* The next history of an exhaustive walk; 0 when there is none. */
int chooser_next(struct chooser *chooser, u32 budget);

#endif
