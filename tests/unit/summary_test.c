/* SPDX-License-Identifier: GPL-2.0-only */
/* The sums of the counters, and the summary that people read. */
#include "sample.h"

#include <stdio.h>

#include "summary.h"

/* Values that differ, so that a wrong term shows. */
static struct tally balanced(struct levels *levels, struct output_counts *output)
{
	struct tally tally = { 0 };
	u64 *n = tally.count;

	*levels = (struct levels){ .unfinished = 3, .adoptions_unfinished = 5, .live = 7, .held = 11,
				   .half_open = 2, .deferred = 13, .filter_sum = 17, .watched_words = 17 };
	*output = (struct output_counts){ .accepted = 60, .own = 1, .written = 50, .queued = 8, .lost = 3 };
	n[C_stepped] = 100;
	n[C_not_watched] = 1000;
	n[C_odd_flags] = 4;
	n[C_packets] = 100 + 1000 + 4 + 13;
	n[C_handshakes_completed] = 40;
	n[C_handshakes_refused] = 6;
	n[C_handshakes_started] = 40 + 6 + 3;
	n[C_begun_by_handshake] = 38;
	n[C_begun_refused_table_full] = 2;
	n[C_begun_by_adoption] = 9;
	n[C_connections_fin] = 30;
	n[C_connections_reset] = 10;
	n[C_adoptions_joined] = 1;
	n[C_adoptions_started] = 9 + 1 + 5;
	n[C_time_wait_entered] = 30;
	n[C_time_wait_expired] = 19;
	n[C_events_made] = 70;
	n[C_events_filtered] = 6;
	n[C_events_lost_in_ring] = 4;
	n[C_watch_begun] = 60;
	n[C_watch_ended] = 43;
	return tally;
}

static void test_all_balance(void **state)
{
	struct sum_sides sides[SUMS];
	struct levels levels;
	struct output_counts output;
	struct tally tally = balanced(&levels, &output);

	(void)state;
	assert_int_equal(sums_check(&tally, &levels, &output, sides), 0);
	for (int i = 0; i < SUMS; i++) {
		assert_non_null(sides[i].name);
		assert_true(sides[i].left > 0);
	}
}

/* Every counter that stands in a sum unbalances one or two of them when it is off by one. */
static void test_each_term_counts(void **state)
{
	static const enum counter outside[] = {
		C_deferred, C_syn_repeated, C_synack_repeated, C_synack_unfit, C_after_close, C_challenge_acks,
		C_rst_ignored, C_rst_disproved, C_fin_ignored, C_fin_disproved, C_stray_rst, C_accept_suspected,
		C_probation_delayed, C_services_other, C_internal_error,
	};
	struct sum_sides sides[SUMS];
	struct levels levels;
	struct output_counts output;
	struct tally tally = balanced(&levels, &output);
	int in_sums = 0;

	(void)state;
	for (int counter = 0; counter < COUNTERS; counter++) {
		tally.count[counter]++;
		in_sums += sums_check(&tally, &levels, &output, sides) > 0;
		tally.count[counter]--;
	}
	assert_int_equal(in_sums, COUNTERS - (int)ARRAY_SIZE(outside));
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		tally.count[outside[i]]++;
		assert_int_equal(sums_check(&tally, &levels, &output, sides), 0);
	}
}

static void test_quantiles(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	assert_int_equal(histogram_quantile(&tally, HIST_OPEN, 500), 0);
	tally.bucket[HIST_OPEN][10] = 98; /* [2^20, 2^21) ns */
	tally.bucket[HIST_OPEN][20] = 2;
	assert_in_range(histogram_quantile(&tally, HIST_OPEN, 500), 1 << 20, 1 << 21);
	assert_in_range(histogram_quantile(&tally, HIST_OPEN, 990), 1 << 30, 1u << 31);
	assert_in_range(histogram_quantile(&tally, HIST_OPEN, 1000), 1 << 30, 1u << 31);
	assert_int_equal(histogram_quantile(&tally, HIST_SYN_SYNACK, 990), 0);
}

static char *print(const struct summary *summary)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	summary_print(summary, out);
	fclose(out);
	return text;
}

static void test_print(void **state)
{
	struct levels levels;
	struct output_counts output;
	struct tally tally = balanced(&levels, &output);
	struct service_summary services[40] = { 0 };
	struct summary summary = {
		.tally = &tally, .levels = &levels, .output = &output, .services = services,
		.service_count = ARRAY_SIZE(services), .duration_ns = SECONDS(60), .verbose = 1,
	};
	char *text, *busiest;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(services); i++) {
		services[i].addr = v4("10.0.0.2");
		services[i].port = (u16)(1000 + i);
		services[i].syn = 100 + i * 7 % 40;
		services[i].completed = 1200;
		services[i].median_ns = 1500000;
		services[i].p99_ns = 40000000;
	}
	text = print(&summary);
	assert_non_null(strstr(text, "tcpshake: after 60 s\n"));
	assert_non_null(strstr(text, "packets      1,117: 100 followed, 1,000 not watched, 4 with odd flags\n"));
	assert_non_null(strstr(text, "49: 40 completed, 6 refused, 0 timed out, 3 unfinished (2 half-open)\n"));
	assert_non_null(strstr(text, "40, the busiest:\n"));
	assert_non_null(strstr(text, "all balance:\n"));
	/* i * 7 % 40 is 39 at 17: the busiest comes first, and ten of them */
	busiest = strstr(text, "10.0.0.2:");
	assert_memory_equal(busiest, "10.0.0.2:1017 ", 14);
	assert_non_null(strstr(text, "1,200 opened (20.0/s) of 139 SYN, median 1.5 ms, 99th percentile 40.0 ms\n"));
	for (int i = 0; i < SUMMARY_SERVICES; i++)
		busiest = strstr(busiest, "10.0.0.2:") + 1;
	assert_null(strstr(busiest, "10.0.0.2:"));
	free(text);
	tally.count[C_packets]++;
	text = print(&summary);
	assert_non_null(strstr(text, "1118 IS NOT 1117\n"));
	free(text);
}

/* Rows of more than one service say what they stand for. */
static void test_print_wholes(void **state)
{
	struct levels levels;
	struct output_counts output;
	struct tally tally = balanced(&levels, &output);
	struct service_summary services[] = {
		{ .addr = v4("10.0.0.2"), .prefix = SERVICE_WHOLE, .syn = 5 },
		{ .addr = v4("10.9.0.0"), .prefix = SERVICE_PREFIX_4, .syn = 4 },
		{ .addr = { { 0, 0 } }, .prefix = SERVICE_PREFIX_6, .syn = 3 },
		{ .syn = 2 },
	};
	struct summary summary = {
		.tally = &tally, .levels = &levels, .output = &output, .services = services,
		.service_count = ARRAY_SIZE(services), .duration_ns = SECONDS(60),
	};
	char *text;

	(void)state;
	text = print(&summary);
	assert_non_null(strstr(text, "    10.0.0.2, other ports "));
	assert_non_null(strstr(text, "    10.9.0.0/24 "));
	assert_non_null(strstr(text, "    ::/48 "));
	assert_non_null(strstr(text, "    all others "));
	free(text);
}

static void test_print_nothing(void **state)
{
	static struct tally tally;
	static struct levels levels;
	struct summary summary = { .tally = &tally, .levels = &levels };
	char *text = print(&summary);

	(void)state;
	assert_non_null(strstr(text, "handshakes   0: 0 completed"));
	assert_null(strstr(text, "services"));
	assert_null(strstr(text, "median"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_balance), cmocka_unit_test(test_each_term_counts),
		cmocka_unit_test(test_quantiles),   cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_wholes), cmocka_unit_test(test_print_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
