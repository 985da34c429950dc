/* SPDX-License-Identifier: GPL-2.0-only */
#include "sources_estimate.h"

#include <stddef.h>

#define TWO_LN_2 1.3862943611198906

/* x + x^2 + 2 x^4 + 4 x^8 + ...: what registers still at 0 say. x below 1. */
static double sigma(double x)
{
	double sum = x, before = -1, weight = 1;

	while (sum != before) {
		x *= x;
		before = sum;
		sum += x * weight;
		weight *= 2;
	}
	return sum;
}

/*
 * Addresses, by the improved raw estimator of Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017), algorithm 6: without bias over the
 * whole range, so no corrections by range. Its term for registers that have run
 * out (some 2^60 addresses) is left away.
 */
static double distinct(const u8 rank[SOURCES_REGISTERS])
{
	const double m = SOURCES_REGISTERS;
	u32 held[SOURCES_RANK_MOST + 1] = { 0 };
	double sum = 0;

	for (u32 i = 0; i < SOURCES_REGISTERS; i++)
		held[rank[i] <= SOURCES_RANK_MOST ? rank[i] : SOURCES_RANK_MOST]++;
	if (held[0] == SOURCES_REGISTERS)
		return 0;
	for (u32 k = SOURCES_RANK_MOST; k; k--)
		sum = (sum + held[k]) / 2;
	sum += m * sigma(held[0] / m);
	return m * m / (TWO_LN_2) / sum;
}

static const struct source_bucket *candidate(const struct source_bucket *row, u64 prefix)
{
	for (u32 i = 0; i < SOURCES_BUCKETS; i++) {
		if (row[i].prefix == prefix && row[i].votes)
			return &row[i];
	}
	return NULL;
}

/* The most that the candidate can have: all, less what it takes to come to so few votes. */
static u64 most(const struct source_bucket *bucket)
{
	return ((u64)bucket->all + bucket->votes) / 2;
}

/*
 * SYNs of a candidate. Its votes are the least that it has. Where it leads in
 * both rows the smaller of what it can have at most is closer: those who
 * share its buckets are others in each.
 */
static u64 syns_of(const struct source_bucket *bucket, const struct source_bucket *other)
{
	if (!other)
		return bucket->votes;
	return most(bucket) < most(other) ? most(bucket) : most(other);
}

static u32 share_of(u64 syns, u64 all)
{
	return syns < all ? (u32)(syns * 1000000 / all) : 1000000;
}

/* Into its place among the largest; what falls out at the end was smaller than all. */
static void rank_in(struct sources_estimate *out, u64 prefix, u32 share)
{
	struct top_source source = { .share = share };
	u32 at;

	if (out->top_count == TOP_SOURCES && out->top[TOP_SOURCES - 1].share >= share)
		return;
	source.addr = source_prefix_address(prefix, &source.prefix);
	at = out->top_count < TOP_SOURCES ? out->top_count++ : TOP_SOURCES - 1;
	for (; at && out->top[at - 1].share < share; at--)
		out->top[at] = out->top[at - 1];
	out->top[at] = source;
}

static void rank_rows(const struct sources *sources, struct sources_estimate *out)
{
	for (u32 row = 0; row < SOURCES_ROWS; row++) {
		for (u32 i = 0; i < SOURCES_BUCKETS; i++) {
			const struct source_bucket *bucket = &sources->bucket[row][i], *other;
			u32 share;

			if (!bucket->votes || share_of(most(bucket), out->syns) < TOP_SHARE_LEAST)
				continue;
			other = candidate(sources->bucket[!row], bucket->prefix);
			if (other && row && share_of(most(other), out->syns) >= TOP_SHARE_LEAST)
				continue; /* was ranked with the first row */
			share = share_of(syns_of(bucket, other), out->syns);
			if (share >= TOP_SHARE_LEAST)
				rank_in(out, bucket->prefix, share);
		}
	}
}

void sources_estimate(const struct sources *sources, struct sources_estimate *out)
{
	*out = (struct sources_estimate){
		.syns = sources_syns(sources),
		.distinct = (u64)(distinct(sources->rank) + 0.5),
	};
	if (out->syns)
		rank_rows(sources, out);
}
