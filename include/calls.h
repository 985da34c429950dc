/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space asks of the kernel side outside of packets, by BPF_PROG_RUN. */
#ifndef TCPSHAKE_CALLS_H
#define TCPSHAKE_CALLS_H

#include "segment.h"

/* Lines that one call takes: some 20 us of work when nothing is due. It ends sooner when so many flows were. */
#define SWEEP_CALL_LINES 1024
#define SWEEP_CALL_DUE 32

/* Places of the ring of seeds that one call takes; one that hatches costs as many as SWEEP_HATCHED. */
#define SWEEP_CALL_SEEDS 1024

/* The sweep goes twice along the ring: for half-opens, and for those that are given up after them. */
enum seed_stage { STAGE_HALF_OPEN, STAGE_GIVE_UP, SEED_STAGES };

/*
 * call_sweep takes lines of the flow tables and returns how many it took; call_seeds
 * takes places with `how`, and without goes on where it was, `first` being the stage:
 * it returns 0, or how many it has passed when there may be more.
 */
struct sweep_call {
	u32 first;
	u32 count;   /* not more than SWEEP_CALL_LINES, SWEEP_CALL_SEEDS */
	u64 tick;    /* deadlines up to it are due */
	u32 how;     /* 0: sweep; else conclude every flow with this enum close_how */
	u32 zero;
	u64 time;    /* ns, with how */
};

/* A connection that user space knows of: from the socket table, or asked about. */
enum socket_verdict { SOCKET_ADOPT, SOCKET_ALIVE };

struct socket_call {
	struct segment seg; /* key and time; sender: the local end */
	u32 verdict;	    /* enum socket_verdict */
	u32 proofs[2];	    /* by end, with SOCKET_ADOPT */
	u32 client;	    /* end index, with SOCKET_ADOPT */
	u32 result;	    /* out: 1 when a flow was found or made */
	u32 zero;
};

#endif
