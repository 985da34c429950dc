/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark's two sides share. */
#ifndef TCPSHAKE_BENCH_H
#define TCPSHAKE_BENCH_H

#include "base.h"

/* What the driving program writes into the packet before it calls the program that is measured. */
enum traffic {
	TRAFFIC_DATA,	    /* data of `flows` connections, at random */
	TRAFFIC_SYN,	    /* SYNs, each of a new source */
	TRAFFIC_SYN_ACK,    /* each of an unknown pair */
	TRAFFIC_FIN,
	TRAFFIC_RST,
	TRAFFIC_CONNECTION, /* ten packets each: SYN, SYN-ACK, ACK, 4 of data, FIN, FIN, ACK */
};

enum target { TARGET_EMPTY, TARGET_PARSE, TARGET_REFERENCE, TARGET_TCPSHAKE, TARGETS };

struct drive {
	u32 traffic;
	u32 target;
	u32 flows; /* a power of two */
	u32 zero;
	u64 count; /* packets so far: no source comes twice */
};

#endif
