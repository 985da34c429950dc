/* SPDX-License-Identifier: GPL-2.0-only */
/* The sketch of sources against what was really sent. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "sources_estimate.h"

#define TRIALS 100

/* splitmix64: the n-th number of a seed. */
static u64 drawn(u64 seed, u64 n)
{
	u64 z = seed * 0xd1342543de82ef95ULL + n * 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static struct address v4(u32 n)
{
	return address_v4(htonl(n));
}

static struct sources *sources_of(struct stage *s)
{
	engine = s->engine;
	memset(&s->engine->sources[0], 0, sizeof(struct sources));
	return &s->engine->sources[0];
}

/* --- how many --- */

/* The ways in which addresses come: all different ones. */
static struct address random_v4(u64 seed, u32 n)
{
	u32 x = n * 2654435761u + (u32)seed; /* odd multiple: no address twice */

	x ^= x >> 16;
	return v4(x * 0x85ebca6bu);
}

static struct address neighbours(u64 seed, u32 n)
{
	return v4((u32)drawn(seed, 0) + n);
}

static struct address one_in_256(u64 seed, u32 n)
{
	return v4((u32)drawn(seed, 0) + (n << 8 | n >> 24));
}

static struct address random_v6(u64 seed, u32 n)
{
	return (struct address){ { drawn(seed, n), drawn(~seed, n) } };
}

static struct address hosts_of_a_64(u64 seed, u32 n)
{
	return (struct address){ { drawn(seed, 0), (u64)n << 32 } };
}

static const struct manner {
	const char *name;
	struct address (*address)(u64 seed, u32 n);
} manners[] = {
	{ "random v4", random_v4 },	{ "neighbours", neighbours },	    { "one in 256", one_in_256 },
	{ "random v6", random_v6 }, { "hosts of a /64", hosts_of_a_64 },
};

/* Only the registers: the look-up of the prefix would take most of the test's time. */
static u64 count_sources(struct sources *sources, const struct manner *manner, u64 seed, u32 n)
{
	struct sources_estimate estimate;
	u64 secret = drawn(seed, 77);

	memset(sources, 0, sizeof(*sources));
	for (u32 i = 0; i < n; i++) {
		struct address a = manner->address(seed, i);

		sources_raise(sources, source_hash(&a, secret));
	}
	sources_estimate(sources, &estimate);
	return estimate.distinct;
}

static void check_count(struct stage *s, const struct manner *manner, u32 n)
{
	struct sources *sources = sources_of(s);
	double sum = 0;
	u32 good = 0;

	for (u64 seed = 1; seed <= TRIALS; seed++) {
		u64 told = count_sources(sources, manner, seed, n);

		good += told * 100 >= (u64)n * 95 && told * 100 <= (u64)n * 105;
		sum += (double)told / n - 1;
	}
	if (good < TRIALS - 1)
		fail_msg("%s, %u: %u of %u within 5 %%", manner->name, n, good, TRIALS);
	/* no bias: the mean of the trials within three of its standard errors, of 1.6 % for each trial */
	if (sum * sum > 9 * 0.01625 * 0.01625 * TRIALS)
		fail_msg("%s, %u: bias %+.4f", manner->name, n, sum / TRIALS);
}

static void sources_are_counted_within_five_percent(void **state)
{
	static const u32 sizes[] = { 100, 1000, 3000, 10000, 20000, 30000, 100000 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u32 m = 0; m < ARRAY_SIZE(manners); m++)
			check_count(*state, &manners[m], sizes[i]);
	}
}

static void and_so_are_millions(void **state)
{
	check_count(*state, &manners[1], 1000000);
	check_count(*state, &manners[3], 1000000);
	check_count(*state, &manners[0], 10000000);
}

/* --- which --- */

static void note(struct address a)
{
	note_source(1, &a);
}

static void expect_top(const struct sources_estimate *estimate, u32 at, struct address prefix, u8 bits, u32 share)
{
	const struct top_source *top = &estimate->top[at];

	assert_true(at < estimate->top_count);
	assert_true(address_equal(&top->addr, &prefix));
	assert_int_equal(top->prefix, bits);
	assert_in_range(top->share, share - 5000, share + 5000);
}

static struct address v6(const char *text)
{
	struct address a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* Six prefixes of 30 % to 2 %, mixed with random sources. */
static void the_largest_prefixes_are_named(void **state)
{
	struct address six = v6("2001:db8:77::"), other = v6("2001:db8:78::");
	struct sources *sources = sources_of(*state);
	struct sources_estimate estimate;

	for (u32 n = 0; n < 200000; n++) {
		u64 random = drawn(5, n);
		u32 of_hundred = (u32)(random >> 40) % 100, host = (u32)random & 0xff;

		if (of_hundred < 30)
			note(v4(0xc6336400 | host));
		else if (of_hundred < 50)
			note((struct address){ { six.word[0] | (random & 0xffff) << 48, random } });
		else if (of_hundred < 60)
			note(v4(0xcb007100 | host));
		else if (of_hundred < 65)
			note((struct address){ { other.word[0], random } });
		else if (of_hundred < 67)
			note(v4(0x0a000000 | host));
		else
			note(v4((u32)drawn(6, n)));
	}
	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.syns, 200000);
	assert_int_equal(estimate.top_count, 5);
	expect_top(&estimate, 0, v4(0xc6336400), SERVICE_PREFIX_4, 300000);
	expect_top(&estimate, 1, six, SERVICE_PREFIX_6, 200000);
	expect_top(&estimate, 2, v4(0xcb007100), SERVICE_PREFIX_4, 100000);
	expect_top(&estimate, 3, other, SERVICE_PREFIX_6, 50000);
	expect_top(&estimate, 4, v4(0x0a000000), SERVICE_PREFIX_4, 20000);
	for (u32 i = 1; i < estimate.top_count; i++)
		assert_true(estimate.top[i - 1].share >= estimate.top[i].share);
}

/* Two halves, for every pair of prefixes the same: also of those that share a bucket. */
static void a_shared_bucket_hides_none(void **state)
{
	for (u32 pair = 0; pair < 2000; pair++) {
		struct sources *sources = sources_of(*state);
		struct sources_estimate estimate;
		u32 a = (u32)drawn(9, pair) << 8, b = (u32)drawn(10, pair) << 8;

		for (u32 n = 0; n < 100; n++) {
			note(v4(a | n));
			if (n % 2)
				note(v4(b | n));
		}
		sources_estimate(sources, &estimate);
		assert_int_equal(estimate.top_count, 2);
		expect_top(&estimate, 0, v4(a), SERVICE_PREFIX_4, 666667);
		expect_top(&estimate, 1, v4(b), SERVICE_PREFIX_4, 333333);
	}
}

static void random_sources_have_no_prefix(void **state)
{
	struct sources *sources = sources_of(*state);
	struct sources_estimate estimate;

	for (u32 n = 0; n < 100000; n++)
		note(v4((u32)drawn(7, n)));
	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.top_count, 0);
	assert_in_range(estimate.distinct, 95000, 105000);
}

static void more_than_can_be_told_are_the_largest(void **state)
{
	struct sources *sources = sources_of(*state);
	struct sources_estimate estimate;

	for (u32 round = 0; round < 100; round++) {
		for (u32 p = 1; p <= 20; p++) {
			for (u32 n = 0; n < p; n++)
				note(v4(0x0a000000 | p << 8 | n));
		}
	}
	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.top_count, TOP_SOURCES);
	for (u32 i = 0; i < TOP_SOURCES; i++)
		expect_top(&estimate, i, v4(0x0a000000 | (20 - i) << 8), SERVICE_PREFIX_4, 1000000 * (20 - i) / 210);
}

/* A single SYN; none; an alarm without description. */
static void little_is_told_of_little(void **state)
{
	struct sources *sources = sources_of(*state);
	struct sources_estimate estimate;
	struct address a = v4(0x01020304);

	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.distinct, 0);
	assert_int_equal(estimate.top_count, 0);
	note_source(ALARM_WITHOUT_SOURCES, &a);
	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.syns, 0);
	note(a);
	sources_estimate(sources, &estimate);
	assert_int_equal(estimate.distinct, 1);
	expect_top(&estimate, 0, v4(0x01020300), SERVICE_PREFIX_4, 1000000 - 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(sources_are_counted_within_five_percent), scene(and_so_are_millions),
		scene(the_largest_prefixes_are_named),		scene(a_shared_bucket_hides_none),
		scene(random_sources_have_no_prefix),		scene(more_than_can_be_told_are_the_largest),
		scene(little_is_told_of_little),
	};

	return cmocka_run_group_tests_name("sources_test", tests, NULL, NULL);
}
