/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers from a seed, the same on every machine but for the last bits of libm; fast enough for 10^8 bins. */
#ifndef DETECTOR_RANDOM_H
#define DETECTOR_RANDOM_H

#include <math.h>

#include "base.h"

struct random {
	u64 state[2];
};

/* splitmix64 */
static inline u64 random_mix(u64 *x)
{
	u64 z = (*x += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline struct random random_seed(u64 seed)
{
	struct random r;

	r.state[0] = random_mix(&seed);
	r.state[1] = random_mix(&seed);
	return r;
}

/* xoroshiro128+ */
static inline u64 random_u64(struct random *r)
{
	u64 a = r->state[0], b = r->state[1], sum = a + b;

	b ^= a;
	r->state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
	r->state[1] = b << 37 | b >> 27;
	return sum;
}

/* [0, 1) */
static inline double uniform(struct random *r)
{
	return (double)(random_u64(r) >> 11) * 0x1p-53;
}

static inline double between(struct random *r, double low, double high)
{
	return low + (high - low) * uniform(r);
}

/* Even over the orders of magnitude. */
static inline double between_log(struct random *r, double low, double high)
{
	return exp(between(r, log(low), log(high)));
}

static inline int chance(struct random *r, double p)
{
	return uniform(r) < p;
}

/* Mean 0, deviation 1: bits of two words, and an even part between the steps. */
static inline double normal(struct random *r)
{
	int bits = __builtin_popcountll(random_u64(r)) + __builtin_popcountll(random_u64(r)) - 64;

	return (bits + uniform(r) + uniform(r) - 1) * (1 / 5.6716);
}

static inline u32 poisson(struct random *r, double mean)
{
	double x;

	if (mean <= 0)
		return 0;
	if (mean < 24) {
		double product = uniform(r), least = exp(-mean);
		u32 n = 0;

		for (; product > least; n++)
			product *= uniform(r);
		return n;
	}
	x = mean + sqrt(mean) * normal(r) + 0.5;
	return x > 0 ? (u32)x : 0;
}

/* How many of n, each with probability p. */
static inline u32 binomial(struct random *r, u32 n, double p)
{
	double x;

	if (p <= 0 || !n)
		return 0;
	if (p >= 1)
		return n;
	if (n * p < 12 || n * (1 - p) < 12) {
		u32 hits = 0;

		if (n > 256) {
			hits = p < 0.5 ? poisson(r, n * p) : n - poisson(r, n * (1 - p));
			return hits <= n ? hits : n;
		}
		for (u32 i = 0; i < n; i++)
			hits += (u32)chance(r, p);
		return hits;
	}
	x = n * p + sqrt(n * p * (1 - p)) * normal(r) + 0.5;
	return x < 0 ? 0 : x > n ? n : (u32)x;
}

#endif
