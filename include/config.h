/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the engine is told at its start. In the kernel it is read-only data,
 * so that the verifier removes what is switched off.
 */
#ifndef TCPSHAKE_CONFIG_H
#define TCPSHAKE_CONFIG_H

#include "key.h"

enum view { VIEW_HOST, VIEW_TAP, VIEW_ONE_SIDED };

enum table { TABLE_PENDING, TABLE_CONNECTIONS, TABLE_SERVICES, TABLES };

#define LINE_WORDS 8
#define BUCKET_TAG_BITS 11 /* of a tag, that choose the bucket of the watch filter within its column */
#define INSERT_LOCKS 4096
#define SEEDS_LEAST 8
#define SEEDS_MOST (1u << 20)
#define FILTER_PORTS 16 /* most entries of --port */
#define FILTER_HOSTS 16 /* most entries of --host */

struct port_range {
	u16 first, last;
};

/* An address matches when (address & mask) == value, word by word. */
struct host_prefix {
	struct address value, mask;
};

/*
 * Where a table lies in the one array of lines: rows of 2^row_bits lines. Line
 * numbers and record numbers are shared by all tables: record = 8 * line + i.
 */
struct table_plan {
	u32 first_line;
	u32 rows;
};

struct config {
	u64 secret;
	struct hash_keys hash_keys; /* they follow from the secret where an engine is made */
	struct table_plan table[TABLES];
	u32 row_bits;		/* lines a row, log2; the watch filter has 2^(BUCKET_TAG_BITS + row_bits) buckets */
	u32 seeds;		/* a power of two, SEEDS_LEAST or more; 0: none are kept */
	u32 events;		/* bit per enum event_kind: those made, not filtered */

	/* ticks of 100 ms; 0: never */
	u32 half_open_after;
	u32 give_up_after;
	u32 close_wait_after;
	u32 fin_wait_after;
	u32 time_wait_after;
	u32 idle_after;
	u64 slow_open_ns;	/* --slow-open; 0: every open is told */
	u32 pair_limit;		/* TIME_WAITs of one pair that are worth an event */

	u8 view;		/* enum view */
	u8 replay;		/* time comes with the packets, not from a clock */
	u8 ask_sockets;		/* peer_numbers may be asked */
	u8 no_ipv4, no_ipv6;
	u8 zero;
	u8 ports, hosts;	/* entries used below; 0: all pass */
	struct port_range port[FILTER_PORTS];
	struct host_prefix host[FILTER_HOSTS];
};

#endif
