/* SPDX-License-Identifier: GPL-2.0-only */
/* How --memory is divided: all tables are sized once, at the start. */
#ifndef TCPSHAKE_PLAN_H
#define TCPSHAKE_PLAN_H

#include <stdio.h>

#include "config.h"
#include "flow.h"

#define MEMORY_MIN     (1ULL << 20)
#define MEMORY_MAX     (256ULL << 30)
#define MEMORY_DEFAULT (128ULL << 20)

/* What the ring of seeds is sized for, and with what share of their slots in use the tables are. */
#define PLAN_SYN_RATE	  500000
#define PLAN_LOAD_PERCENT 75

/* Of a seed: the record, what answered it, its word, and as much of the index. */
#define PLAN_SEED_BYTES (sizeof(struct seed) + sizeof(struct answer) + 2 * sizeof(u64))

_Static_assert(sizeof(struct seed_line) == SEEDS_A_LINE * sizeof(u64), "");

struct plan {
	u64 asked;	 /* bytes */
	u64 used;	 /* bytes of everything below; never more than asked */
	u32 seeds;	 /* a power of two */
	u32 lines;	 /* of all tables, each of LINE_WORDS words */
	u32 pending;	 /* slots */
	u32 connections; /* slots; a record for each slot of these two */
	u32 services;	 /* slots, each with its row */
	u32 buckets;	 /* of the watch filter */
};

/*
 * Divides `bytes` and sets config->row_bits, config->seeds and config->table[]. Returns 0, or
 * -EINVAL (outputs untouched) when bytes lie outside of MEMORY_MIN .. MEMORY_MAX.
 */
int plan_memory(u64 bytes, struct config *config, struct plan *plan);

/* For -v: what came of it, in lines for a person. */
void plan_print(const struct plan *plan, FILE *out);

#endif
