/* SPDX-License-Identifier: GPL-2.0-only */
/* A row of the service table: one server address and port, and what its handshakes came to. */
#ifndef TCPSHAKE_SERVICE_ROW_H
#define TCPSHAKE_SERVICE_ROW_H

#include "key.h"

enum service_count {
	SERVICE_SYN,	     /* handshakes begun */
	SERVICE_SYN_REPEATED,
	SERVICE_SYNACK,	     /* handshakes answered: first SYN-ACKs */
	SERVICE_COMPLETED,
	SERVICE_REFUSED,
	SERVICE_RESET,
	SERVICE_ABORTED,
	SERVICE_TIMED_OUT,
	SERVICE_REPLACED,
	SERVICE_EVICTED,
	SERVICE_COUNTS
};

/*
 * Round trips in four buckets an octave (12 % wide at the worst): bucket 4 * e + m
 * counts [2^e * (1 + m/4), 2^e * (1 + (m + 1)/4)) of 1024 ns units; e below 32.
 */
#define SERVICE_BUCKETS 128

struct service {
	struct address addr;
	u16 port;
	u16 zero[3];
	u64 count[SERVICE_COUNTS];
	u32 open_time[SERVICE_BUCKETS]; /* first SYN to completing ACK */
	u64 reserved[19];		/* the flood detector's bins */
};

_Static_assert(sizeof(struct service) == 768, "");

INLINE u32 log2_of(u64 x) /* x > 0 */
{
	u32 n = 0;

	if (x >> 32) { n += 32; x >>= 32; }
	if (x >> 16) { n += 16; x >>= 16; }
	if (x >> 8) { n += 8; x >>= 8; }
	if (x >> 4) { n += 4; x >>= 4; }
	if (x >> 2) { n += 2; x >>= 2; }
	return n + (u32)(x >> 1);
}

INLINE u32 service_bucket(u64 ns)
{
	u64 units = ns >> 10;
	u32 e, b;

	if (!units)
		return 0;
	e = log2_of(units);
	b = e * 4 + (u32)((units << 2 >> e) & 3);
	return b < SERVICE_BUCKETS ? b : SERVICE_BUCKETS - 1;
}

/* The middle of a bucket, ns. */
INLINE u64 service_bucket_ns(u32 bucket)
{
	return ((1024ULL << (bucket / 4)) * (9 + 2 * (bucket % 4))) / 8;
}

#endif
