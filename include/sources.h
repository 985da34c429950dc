/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends the SYNs of a service in alarm: how many addresses, and which
 * prefixes most of them. Fixed memory and some ten ns a SYN, however many they are.
 *
 * How many: HyperLogLog (Flajolet et al. 2007), 4,096 registers, standard error
 * 1.6 %. Which: rows of buckets by the prefix's hash; each counts all its SYNs and
 * holds by majority vote the prefix that has most of them (Boyer and Moore 1981;
 * with a count beside it: MV-Sketch, Tang et al. 2019). So the prefixes are read
 * out of the sketch, nothing has to be guessed back from hashes.
 */
#ifndef TCPSHAKE_SOURCES_H
#define TCPSHAKE_SOURCES_H

#include "service_row.h"

#define SOURCES 16 /* descriptions, each of one alarm */

/* service.alarm of an alarm that found no free description. */
#define ALARM_WITHOUT_SOURCES (SOURCES + 1)

#define SOURCES_REGISTER_BITS 12
#define SOURCES_RANK_MOST (64 - SOURCES_REGISTER_BITS)
#define SOURCES_REGISTERS (1 << SOURCES_REGISTER_BITS)
#define SOURCES_ROWS 2
#define SOURCES_BUCKETS 256 /* a row: the others' noise in a bucket is 0.4 % of all */

struct source_bucket {
	u64 prefix; /* source_prefix() of the candidate */
	u32 votes;  /* for it less those against it */
	u32 all;    /* SYNs that came here */
};

/* All zeros is a description of nothing: user space clears it before it gives it to an alarm. */
struct sources {
	u8 rank[SOURCES_REGISTERS]; /* HyperLogLog: longest run of zero bits plus one */
	struct source_bucket bucket[SOURCES_ROWS][SOURCES_BUCKETS];
};

_Static_assert(sizeof(struct sources) == 3 * 4096, "");

/* SYNs noted: each is in one bucket of every row. */
INLINE u64 sources_syns(const struct sources *sources)
{
	u64 syns = 0;

	for (u32 i = 0; i < SOURCES_BUCKETS; i++)
		syns += sources->bucket[0][i].all;
	return syns;
}

/*
 * A /24 of IPv4 or a /48 of IPv6 in one word: that half of the prefix's first address
 * which is not zero. A set last byte, which neither has, tells IPv4.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SOURCE_IS_V4 0x0100000000000000ULL
#else
#define SOURCE_IS_V4 0x0000000000000001ULL
#endif

INLINE u64 source_prefix(const struct address *addr)
{
	struct address first = address_prefix(addr);

	return address_is_v4(addr) ? first.word[1] | SOURCE_IS_V4 : first.word[0];
}

/* The first address of a prefix; its length, in the mapped form of IPv4, in *prefix. */
INLINE struct address source_prefix_address(u64 code, u8 *prefix)
{
	struct address addr = { { code, 0 } };

	*prefix = SERVICE_PREFIX_6;
	if (code & SOURCE_IS_V4) {
		addr = (struct address){ { 0, code & ~SOURCE_IS_V4 } };
		*prefix = SERVICE_PREFIX_4;
	}
	return addr;
}

#endif
