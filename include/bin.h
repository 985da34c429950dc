/* SPDX-License-Identifier: GPL-2.0-only */
/* What the detector is told, and what it tells. */
#ifndef TCPSHAKE_BIN_H
#define TCPSHAKE_BIN_H

#include "base.h"
#include "verdict.h"

/* What happened in one tick (TICK_NS) at one service, or at all those of an address or prefix together. */
struct bin {
	u32 syn; /* handshakes begun */
	u32 syn_repeated;
	u32 synack; /* handshakes answered: first SYN-ACKs */
	u32 completed;
	u32 refused; /* RST of the server to a SYN */
	u32 reset;   /* RST of the server after its SYN-ACK */
	u32 aborted; /* RST of the client before completion: checks of health do it, and hosts whose address was forged */
	u32 timed_out;
	u32 replaced;
	u32 evicted;
};

/* What is known of the sources since the alarm, and of the kernel; 0: not known. */
struct evidence {
	u64 noted;   /* SYNs that were described */
	u64 sources; /* distinct, estimated */
	u64 listen_overflows; /* of the host since the start of the alarm: a hint, no proof */
};

#define DETECT_SENSITIVITY 5 /* 1: only what cannot be missed .. 10: the least trouble */
#define DETECT_SENSITIVITY_MAX 10
#define DETECT_MIN_RATE 50 /* SYN/s: nothing below is called a flood */

/*
 * Sums over the ports of an address or the addresses of a prefix: who scans
 * ports looks like a slow flood there, so they want a higher rate and are never silent.
 */
#define DETECT_SUM_FACTOR 20

/* When a run begins, SYNs are counted at once and completions only a round trip later. */
#define DETECT_SETTLING (2 * TICKS_PER_SEC)

struct detect_config {
	u32 sensitivity;
	u32 min_rate; /* of a service; of a sum, times DETECT_SUM_FACTOR */
	u32 sum;      /* 1: the bins are of many services */
	u32 settling; /* 1: the first DETECT_SETTLING ticks of a run, of every service: no alarm yet */
};

enum found {
	FOUND_NOTHING,
	FOUND_FLOOD_START,
	FOUND_FLOOD_UPDATE, /* at most one a second, while there are signs of it; the verdict may have changed */
	FOUND_FLOOD_END,
	FOUND_CROWD_START, /* a flash crowd is no alarm */
	FOUND_CROWD_END,
	FOUND_SILENT_START,
	FOUND_SILENT_END,
};

/*
 * Figures of what was found. Rates at the start are from the first sign of trouble on, at
 * an update of the last second, at the end of all the time.
 */
struct finding {
	enum verdict verdict;	 /* of a flood or a crowd */
	enum silent_kind silent; /* of FOUND_SILENT_* */
	u64 syn_rate, usual_rate; /* a second */
	u64 peak_rate;		  /* of the busiest second; while there was none, the present rate */
	u64 completion_ratio;	  /* millionths of the SYNs */
	u64 half_open;		  /* handshakes neither completed nor over */
	u64 syn_total;		  /* since the first sign of trouble */
	u64 ticks;		  /* since the first sign; at the end, to the last sign */
};

#endif
