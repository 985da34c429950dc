/* SPDX-License-Identifier: GPL-2.0-only */
/* The division of --memory: what every plan keeps, from the smallest to the largest. */
#include "sample.h"

#include <errno.h>
#include <stdio.h>

#include "plan.h"
#include "sources.h"

#define MIB (1ULL << 20)

static void check_plan(u64 bytes)
{
	struct config config = { 0 };
	struct plan plan;
	u64 slots, line = 0, flow_bytes, all;

	assert_int_equal(plan_memory(bytes, &config, &plan), 0);
	for (int i = 0; i < TABLES; i++) {
		assert_int_equal(config.table[i].first_line, line);
		assert_true(config.table[i].rows >= 4);
		line += (u64)config.table[i].rows << config.row_bits;
	}
	assert_int_equal(plan.lines, line);
	assert_int_equal(plan.pending, (u64)config.table[TABLE_PENDING].rows * 8 << config.row_bits);
	assert_int_equal(plan.connections, (u64)config.table[TABLE_CONNECTIONS].rows * 8 << config.row_bits);
	assert_int_equal(plan.services, (u64)config.table[TABLE_SERVICES].rows * 8 << config.row_bits);
	assert_int_equal(plan.lines * 8ULL, (u64)plan.pending + plan.connections + plan.services);
	assert_int_equal(plan.buckets, 1u << (BUCKET_TAG_BITS + config.row_bits));
	assert_true(config.row_bits <= 8);
	assert_true(plan.services >= 512);

	slots = (u64)plan.pending + plan.connections;
	/* seeds: a power of two; with a word and their share of the index its answer not more than half of the memory */
	assert_int_equal(plan.seeds, config.seeds);
	assert_int_equal(plan.seeds & (plan.seeds - 1), 0);
	assert_in_range(plan.seeds, SEEDS_LEAST, SEEDS_MOST);
	assert_true(plan.seeds * 96ULL <= bytes / 2);
	if (plan.seeds < 500000)
		assert_true(plan.seeds * 2 * 96ULL > (plan.seeds * 96ULL + slots * (9 + sizeof(struct flow))) / 2);

	/* a slot is a word, a fingerprint and a record; never more than asked, and little left over */
	flow_bytes = slots * (9 + sizeof(struct flow)) + plan.seeds * 96ULL;
	all = flow_bytes + plan.services * (8 + sizeof(struct service)) + plan.buckets * 4ULL +
	      SOURCES * sizeof(struct sources) + 4096 * 8 + 65536;
	assert_int_equal(plan.used, all);
	assert_true(plan.used <= bytes);
	assert_true(bytes - plan.used < 2 * (8ULL << config.row_bits) * (9 + sizeof(struct flow)));

	/* a bucket for at most 32 flows, and no step finer than needed */
	if (config.row_bits < 8)
		assert_true(plan.buckets * 32ULL >= slots + plan.seeds - 31);
	if (config.row_bits)
		assert_true(plan.buckets / 2 * 32ULL < slots + plan.seeds + plan.buckets);
	assert_true(plan.connections + (8ULL << config.row_bits) >= slots / 2); /* in whole rows */
	if (bytes >= 128 * MIB)
		assert_true(plan.seeds >= 500000); /* a second of 500,000 SYN/s */
}

static void test_every_size(void **state)
{
	(void)state;
	for (u64 bytes = MEMORY_MIN; bytes <= MEMORY_MAX; bytes += bytes / 37 + 1)
		check_plan(bytes);
	check_plan(MEMORY_MAX);
	check_plan(128 * MIB);
}

static void test_default(void **state)
{
	struct config config = { 0 };
	struct plan plan;

	(void)state;
	assert_int_equal(plan_memory(MEMORY_DEFAULT, &config, &plan), 0);
	assert_int_equal(config.row_bits, 4);
	assert_int_equal(plan.services, 4096);
	assert_int_equal(plan.seeds, 524288);
	assert_in_range(plan.pending, 235000, 240000);
	assert_in_range(plan.connections, 235000, 240000);
}

static void test_large_goes_to_connections(void **state)
{
	struct config config = { 0 };
	struct plan plan;

	(void)state;
	assert_int_equal(plan_memory(1024 * MIB, &config, &plan), 0);
	assert_int_equal(plan.seeds, 524288);
	assert_in_range(plan.pending, 523000, 524288);
	assert_true(plan.connections > 5000000);
	assert_int_equal(plan_memory(16384 * MIB, &config, &plan), 0);
	assert_int_equal(plan.seeds, SEEDS_MOST);
}

static void test_refused_leaves_untouched(void **state)
{
	struct config config = { .row_bits = 77 };
	struct plan plan = { .lines = 77 };

	(void)state;
	assert_int_equal(plan_memory(MEMORY_MIN - 1, &config, &plan), -EINVAL);
	assert_int_equal(plan_memory(MEMORY_MAX + 1, &config, &plan), -EINVAL);
	assert_int_equal(plan_memory(0, &config, &plan), -EINVAL);
	assert_int_equal(config.row_bits, 77);
	assert_int_equal(plan.lines, 77);
}

static void test_print(void **state)
{
	struct config config = { 0 };
	struct plan plan;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(plan_memory(MEMORY_DEFAULT, &config, &plan), 0);
	plan_print(&plan, out);
	fclose(out);
	assert_non_null(strstr(text, "524288 for a SYN or a stray each"));
	assert_non_null(strstr(text, "1.048 s of 500000 SYN/s"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_large_goes_to_connections),
		cmocka_unit_test(test_refused_leaves_untouched),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
