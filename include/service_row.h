/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A row of the service table: a server's address and port, an address as a whole
 * or a prefix as a whole, and what their handshakes came to.
 */
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

/* Bits of the address that a row stands for, IPv4 in its mapped form. */
#define SERVICE_WHOLE 128   /* a service, or with port 0 an address as a whole */
#define SERVICE_PREFIX_4 120 /* a /24 */
#define SERVICE_PREFIX_6 48

struct service {
	struct address addr; /* of a prefix the first */
	u16 port;	     /* 0: the address or the prefix as a whole (what is sent to port 0 counts there, too) */
	u8 prefix;	     /* SERVICE_...; 0: the row of all others, or never used */
	u8 zero;
	u32 born;	     /* changes when the row is given to another; odd while it is being given */
	u32 alarm;	     /* 0, or 1 + index of its sources; written by user space alone */
	u32 zero2;
	u64 count[SERVICE_COUNTS];
	u32 open_time[SERVICE_BUCKETS]; /* first SYN to completing ACK */
	u64 zero3[2];
};

_Static_assert(sizeof(struct service) == 640, "whole cache lines");

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SERVICE_MASK_4 0x00ffffffffffffffULL
#define SERVICE_MASK_6 0x0000ffffffffffffULL
#else
#define SERVICE_MASK_4 0xffffffffffffff00ULL
#define SERVICE_MASK_6 0xffffffffffff0000ULL
#endif

/* The first address of the prefix that an address lies in. */
INLINE struct address address_prefix(const struct address *addr)
{
	struct address first = { { addr->word[0] & SERVICE_MASK_6, 0 } };

	if (address_is_v4(addr))
		first = (struct address){ { 0, addr->word[1] & SERVICE_MASK_4 } };
	return first;
}

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
