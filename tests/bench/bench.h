/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark's two sides share. */
#ifndef TCPSHAKE_BENCH_H
#define TCPSHAKE_BENCH_H

#include "base.h"

/* What the driving program writes into the packet before it calls the program that is measured. */
enum traffic {
	TRAFFIC_DATA,	    /* data of `flows` connections, at random */
	TRAFFIC_SYN,	    /* SYNs, each of a new source */
	TRAFFIC_SYN_TWICE,
	TRAFFIC_ANSWERED,   /* the same with the server's answer, whom nobody acknowledges */
	TRAFFIC_SYN_ACK,    /* each of an unknown pair */
	TRAFFIC_FIN,
	TRAFFIC_RST,
	TRAFFIC_HANDSHAKE,  /* the first three packets of a connection */
	TRAFFIC_CONNECTION, /* ten packets each: SYN, SYN-ACK, ACK, 4 of data, FIN, FIN, ACK */
};

/* where all of it goes to */
#define SERVICE_PORT 443

enum target { TARGET_EMPTY, TARGET_PARSE, TARGET_REFERENCE, TARGET_TCPSHAKE, TARGETS };

/* A driver's orders. Each CPU that drives has a lane of its own, on a cache line of its own. */
#define LANES 2

struct lane {
	u32 traffic;
	u32 target;
	u32 flows; /* a power of two */
	u32 shift; /* its logarithm */
	u32 salt;  /* of the data flows: another for each lane */
	u64 count; /* packets so far: no source comes twice */
	u64 unused[5];
} __attribute__((aligned(64)));

#endif
