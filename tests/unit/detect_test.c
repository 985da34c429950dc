// SPDX-License-Identifier: GPL-2.0-only
/* The detector by hand: each thing that it tells, and what it must not take for a flood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "detect.h"

#define SECOND TICKS_PER_SEC
#define MINUTE (60 * SECOND)

static struct detector detector;
static struct finding finding;
static struct evidence evidence;
static struct detect_config config;
static u32 told[FOUND_SILENT_END + 1];

static int begin(void **state)
{
	(void)state;
	memset(&detector, 0, sizeof(detector));
	memset(&evidence, 0, sizeof(evidence));
	memset(told, 0, sizeof(told));
	config = (struct detect_config){ .sensitivity = DETECT_SENSITIVITY, .min_rate = DETECT_MIN_RATE };
	return 0;
}

/* So many ticks of the same; what was found last, and all of it counted. */
static enum found pass(u32 ticks, struct bin bin)
{
	enum found last = FOUND_NOTHING;

	while (ticks--) {
		enum found found = detect(&detector, &bin, &evidence, &config, &finding);

		told[found]++;
		if (found)
			last = found;
	}
	return last;
}

/* Ticks until this is found, 0 when it is not within so many. */
static u32 until(enum found what, u32 ticks, struct bin bin)
{
	for (u32 i = 1; i <= ticks; i++)
		if (pass(1, bin) == what)
			return i;
	return 0;
}

static const struct bin calm = { .syn = 10, .synack = 10, .completed = 10 };
static const struct bin flood = { .syn = 110, .synack = 110, .completed = 10 };

static void warm(void)
{
	assert_int_equal(pass(2 * MINUTE, calm), FOUND_NOTHING);
}

static void calm_traffic_tells_nothing(void **state)
{
	(void)state;
	warm();
	assert_int_equal(told[FOUND_NOTHING], 2 * MINUTE);
}

static void flood_starts_updates_and_ends_once(void **state)
{
	(void)state;
	warm();
	assert_in_range(until(FOUND_FLOOD_START, 5, flood), 1, 5);
	assert_int_equal(finding.verdict, VERDICT_SPOOFED);
	assert_int_equal(finding.usual_rate, 100);
	assert_in_range(finding.syn_rate, 1000, 1100);
	assert_in_range(finding.completion_ratio, 80000, 100000);
	assert_int_equal(until(FOUND_FLOOD_UPDATE, SECOND, flood), SECOND);
	assert_int_equal(finding.syn_rate, 1100);
	pass(9 * SECOND, flood);
	assert_int_equal(told[FOUND_FLOOD_UPDATE], 10);
	assert_true(until(FOUND_FLOOD_END, 15 * SECOND, calm));
	assert_int_equal(told[FOUND_FLOOD_START], 1);
	assert_int_equal(finding.peak_rate, 1100);
	assert_int_equal(finding.usual_rate, 100);
	assert_in_range(finding.ticks, 10 * SECOND, 14 * SECOND);
	assert_int_equal(pass(MINUTE, calm), FOUND_NOTHING);
}

static void half_open_are_those_not_over(void **state)
{
	(void)state;
	warm();
	pass(10, flood);
	pass(10, (struct bin){ .timed_out = 100 });
	assert_int_equal(detector.pending, 0);
	pass(1, (struct bin){ .syn = 10, .aborted = 1, .refused = 2, .reset = 1, .evicted = 1, .replaced = 1 });
	assert_int_equal(detector.pending, 4);
}

static void pulses_are_one_flood(void **state)
{
	(void)state;
	warm();
	for (u32 i = 0; i < 6; i++) {
		pass(SECOND, flood);
		pass(5 * SECOND, calm);
	}
	pass(MINUTE, calm);
	assert_int_equal(told[FOUND_FLOOD_START], 1);
	assert_int_equal(told[FOUND_FLOOD_END], 1);
}

/* Of a service never seen before: its clients may be far away, unless they are very many. */
static void first_seen_with_a_flood(void **state)
{
	(void)state;
	assert_in_range(until(FOUND_FLOOD_START, 20, (struct bin){ .syn = 5, .synack = 5 }), 14, 16);
	assert_int_equal(finding.usual_rate, 0);
	begin(state);
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 200, .synack = 200 }), 1, 5);
	begin(state);
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 200 }), 1, 5);
	assert_int_equal(finding.verdict, VERDICT_SERVER_SILENT);
}

/* One that has opened some connections: no more is waited for, answered or not. */
static void flood_in_the_first_minute(void **state)
{
	(void)state;
	pass(5 * SECOND, (struct bin){ .syn = 1, .synack = 1, .completed = 1 });
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 11, .synack = 11, .completed = 1 }), 1, 5);
	assert_int_equal(finding.verdict, VERDICT_SPOOFED);
	begin(state);
	pass(5 * SECOND, (struct bin){ .syn = 1, .synack = 1, .completed = 1 });
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 11, .synack = 1, .completed = 1 }), 1, 5);
	assert_int_equal(finding.verdict, VERDICT_SERVER_SILENT);
	begin(state);
	pass(5 * SECOND, (struct bin){ .syn = 1, .synack = 1, .completed = 1 });
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 11 }), 1, 5);
	assert_int_equal(finding.verdict, VERDICT_SERVER_SILENT);
}

/* Half a second away: a thousand a second of a service never seen, then steadily. */
static void far_clients_at_first_sight(void **state)
{
	(void)state;
	pass(6, (struct bin){ .syn = 100, .synack = 100 });
	pass(MINUTE, (struct bin){ .syn = 100, .synack = 100, .completed = 100 });
	begin(state);
	pass(6, (struct bin){ .syn = 100 });
	pass(6, (struct bin){ .syn = 100, .synack = 100 });
	pass(MINUTE, (struct bin){ .syn = 100, .synack = 100, .completed = 100 });
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

/* The application stops in the first minute of a busy service: its clients are not more than usual. */
static void stopped_in_the_first_minute(void **state)
{
	(void)state;
	pass(10 * SECOND, (struct bin){ .syn = 20, .synack = 20, .completed = 20 });
	assert_in_range(until(FOUND_SILENT_START, 4 * SECOND, (struct bin){ .syn = 20, .syn_repeated = 20 }), 1,
			4 * SECOND);
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

/* It was too much for the service: the flood ends all the same, and then it is a silence. */
static void service_dies_of_a_flood(void **state)
{
	const struct bin dead = { .syn = 10, .syn_repeated = 10 };

	(void)state;
	warm();
	pass(5 * SECOND, flood);
	assert_in_range(until(FOUND_FLOOD_END, 20 * SECOND, dead), FLOOD_CALM, FLOOD_CALM + 2 * SECOND);
	assert_in_range(until(FOUND_SILENT_START, 5 * SECOND, dead), 1, 4 * SECOND);
	assert_int_equal(told[FOUND_FLOOD_START], 1);
}

/* Ten quiet seconds after its last SYN, wherever it was and whatever goes on beside. */
static void ends_are_in_time(void **state)
{
	const struct bin beside[] = { { 0 }, calm, { .syn = 500, .synack = 500, .completed = 495 } };

	for (u32 i = 0; i < 3 * 2 * 2; i++) {
		struct bin with = beside[i % 3];
		u32 syn = i / 3 % 2 ? 1000 : 10 * with.syn + 300;

		begin(state);
		config.sum = i / 6;
		pass(i % 2 ? 10 * SECOND : 2 * MINUTE, beside[i % 3]);
		with.syn += syn;
		with.synack += syn;
		assert_int_equal(pass(4 * SECOND, with), FOUND_FLOOD_UPDATE);
		assert_in_range(until(FOUND_FLOOD_END, 20 * SECOND, beside[i % 3]), FLOOD_CALM, FLOOD_CALM + 2);
		assert_in_range(finding.ticks, 4 * SECOND, 4 * SECOND + 2);
	}
}

static void below_the_least_rate_nothing_is_a_flood(void **state)
{
	(void)state;
	pass(10 * MINUTE, (struct bin){ .syn = 2, .synack = 2, .timed_out = 2 });
	assert_int_equal(told[FOUND_FLOOD_START], 0);
	begin(NULL);
	config.min_rate = 1000;
	pass(MINUTE, (struct bin){ .syn = 50, .synack = 50 });
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

static void settling_raises_no_alarm(void **state)
{
	(void)state;
	config.settling = 1;
	assert_int_equal(pass(DETECT_SETTLING, (struct bin){ .syn = 100, .synack = 100 }), FOUND_NOTHING);
	config.settling = 0;
	assert_int_equal(pass(SECOND, (struct bin){ .syn = 100, .synack = 100, .completed = 100 }), FOUND_NOTHING);
}

static void sums_want_a_higher_rate(void **state)
{
	(void)state;
	config.sum = 1;
	pass(MINUTE, (struct bin){ .syn = 20, .synack = 20 });
	assert_int_equal(told[FOUND_FLOOD_START], 0);
	begin(NULL);
	config.sum = 1;
	assert_in_range(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 200, .synack = 200 }), 1, 5);
}

static void few_sources_are_real_hosts(void **state)
{
	(void)state;
	warm();
	pass(5, flood);
	evidence = (struct evidence){ .noted = 1100, .sources = 90 };
	assert_int_equal(pass(SECOND, flood), FOUND_FLOOD_UPDATE);
	assert_int_equal(finding.verdict, VERDICT_REAL_HOSTS);
	evidence = (struct evidence){ .noted = 100000, .sources = 95000 };
	pass(SECOND, flood);
	assert_int_equal(finding.verdict, VERDICT_SPOOFED);
}

static void who_tries_again_is_a_real_host(void **state)
{
	struct bin again = flood;

	(void)state;
	warm();
	pass(10, flood);
	again.syn_repeated = 100;
	pass(2 * SECOND, again);
	assert_int_equal(finding.verdict, VERDICT_REAL_HOSTS);
}

static void unanswered_flood_is_a_silent_server(void **state)
{
	(void)state;
	warm();
	assert_true(until(FOUND_FLOOD_START, 5, (struct bin){ .syn = 110, .synack = 10, .completed = 10 }));
	assert_int_equal(finding.verdict, VERDICT_SERVER_SILENT);
}

static void rst_of_forged_hosts_is_a_flood(void **state)
{
	(void)state;
	warm();
	assert_true(until(FOUND_FLOOD_START, 5,
			  (struct bin){ .syn = 110, .synack = 110, .completed = 10, .aborted = 100 }));
	assert_int_equal(finding.verdict, VERDICT_SPOOFED);
}

static void checks_of_health_are_usual(void **state)
{
	const struct bin checked = { .syn = 30, .synack = 30, .completed = 10, .aborted = 20 };

	(void)state;
	pass(30 * MINUTE, checked);
	assert_int_equal(told[FOUND_FLOOD_START], 0);
	assert_true(until(FOUND_FLOOD_START, 5,
			  (struct bin){ .syn = 330, .synack = 330, .completed = 10, .aborted = 20 }));
}

static void crowd_is_no_alarm(void **state)
{
	const struct bin crowd = { .syn = 100, .synack = 100, .completed = 100 };

	(void)state;
	warm();
	/* the first completions are a round trip late */
	pass(2, (struct bin){ .syn = 100, .synack = 100, .completed = 10 });
	assert_true(until(FOUND_CROWD_START, 5 * SECOND, crowd));
	assert_int_equal(finding.verdict, VERDICT_FLASH_CROWD);
	assert_in_range(finding.usual_rate, 100, 200);
	assert_true(until(FOUND_CROWD_END, 10 * SECOND, calm));
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

static void flood_ends_a_crowd_first(void **state)
{
	(void)state;
	warm();
	assert_true(until(FOUND_CROWD_START, 5 * SECOND, (struct bin){ .syn = 100, .synack = 100, .completed = 100 }));
	assert_true(until(FOUND_CROWD_END, SECOND, (struct bin){ .syn = 2000, .synack = 2000, .completed = 100 }));
	assert_int_equal(pass(1, (struct bin){ .syn = 2000, .synack = 2000, .completed = 100 }), FOUND_FLOOD_START);
}

static void stalled_path_is_no_flood(void **state)
{
	(void)state;
	warm();
	pass(3 * SECOND, (struct bin){ .syn = 12, .synack = 12 });
	pass(1, (struct bin){ .syn = 12, .synack = 12, .completed = 372 });
	pass(MINUTE, calm);
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

static void refused_scan_is_no_flood(void **state)
{
	(void)state;
	config.sum = 1;
	pass(MINUTE, (struct bin){ .syn = 100, .refused = 100 });
	assert_int_equal(told[FOUND_NOTHING], MINUTE);
}

static void silent_without_answer(void **state)
{
	(void)state;
	warm();
	assert_in_range(until(FOUND_SILENT_START, 5 * SECOND, (struct bin){ .syn = 10 }), 3 * SECOND, 4 * SECOND);
	assert_int_equal(finding.silent, SILENT_NO_ANSWER);
	assert_in_range(finding.syn_rate, 60, 100);
	pass(20 * SECOND, (struct bin){ .syn = 10, .syn_repeated = 10 });
	assert_in_range(until(FOUND_SILENT_END, 2 * SECOND, calm), 1, SECOND);
	assert_in_range(finding.ticks, 23 * SECOND, 25 * SECOND);
	pass(MINUTE, calm);
	assert_int_equal(told[FOUND_SILENT_START], 1);
	assert_int_equal(told[FOUND_SILENT_END], 1);
	assert_int_equal(told[FOUND_FLOOD_START], 0);
}

static void silent_by_refusing(void **state)
{
	(void)state;
	warm();
	assert_true(until(FOUND_SILENT_START, 5 * SECOND, (struct bin){ .syn = 10, .refused = 10 }));
	assert_int_equal(finding.silent, SILENT_REFUSING);
}

static void silent_by_overflow(void **state)
{
	(void)state;
	warm();
	assert_true(until(FOUND_SILENT_START, 10 * SECOND,
			  (struct bin){ .syn = 10, .syn_repeated = 5, .synack = 5, .completed = 5 }));
	assert_int_equal(finding.silent, SILENT_OVERFLOW);
	assert_true(until(FOUND_SILENT_END, 10 * SECOND, calm));
}

/* A burst of drops is no overflow, however much of the last seconds it was. */
static void two_seconds_are_no_overflow(void **state)
{
	(void)state;
	warm();
	for (u32 i = 0; i < 20; i++) {
		pass(2 * SECOND, (struct bin){ .syn = 10, .syn_repeated = 8, .synack = 2, .completed = 2 });
		pass(8 * SECOND, calm);
	}
	assert_int_equal(told[FOUND_SILENT_START], 0);
}

static void never_heard_and_asked_persistently_is_silent(void **state)
{
	const struct bin ask = { .syn_repeated = 1 }, quiet = { 0 };

	(void)state;
	pass(1, (struct bin){ .syn = 1 });
	for (u32 i = 0; i < 100 && !told[FOUND_SILENT_START]; i++) {
		pass(1, ask);
		pass(9, quiet);
	}
	assert_int_equal(told[FOUND_SILENT_START], 1);
	/* nobody asks any more */
	assert_true(until(FOUND_SILENT_END, MINUTE, quiet));
}

static void one_client_in_vain_is_no_silence(void **state)
{
	(void)state;
	for (u32 i = 0; i < 20; i++) {
		pass(1, (struct bin){ .syn = 1 });
		for (u32 gap = 10; gap <= 160; gap *= 2) {
			pass(gap, (struct bin){ 0 });
			pass(1, (struct bin){ .syn_repeated = 1 });
		}
		pass(40 * SECOND, (struct bin){ 0 });
	}
	assert_int_equal(told[FOUND_SILENT_START], 0);
}

static void flood_ends_a_silence_first(void **state)
{
	const struct bin many = { .syn = 500, .synack = 500 };

	(void)state;
	warm();
	assert_true(until(FOUND_SILENT_START, 5 * SECOND, (struct bin){ .syn = 10 }));
	assert_true(until(FOUND_SILENT_END, SECOND, many));
	assert_true(until(FOUND_FLOOD_START, SECOND, many));
}

/* Where empty bins may be left out, nothing that they would have changed is missed. */
static void idle_bins_may_be_left_out(void **state)
{
	struct detector whole;
	u32 empty = 0;

	(void)state;
	warm();
	while (!detect_idle(&detector)) {
		pass(1, (struct bin){ 0 });
		assert_in_range(++empty, 1, 24 * 60 * MINUTE);
	}
	whole = detector;
	pass(60 * MINUTE, (struct bin){ 0 });
	assert_memory_equal(&whole, &detector, sizeof(whole));
	pass(1, calm);
	assert_false(detect_idle(&detector));
}

static void any_numbers_are_survived(void **state)
{
	u64 x = 1;

	(void)state;
	for (u32 i = 0; i < 200000; i++) {
		struct bin bin;
		u32 *word = (u32 *)&bin;

		for (u32 n = 0; n < sizeof(bin) / sizeof(u32); n++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			word[n] = (u32)(x >> 32) >> (x >> 20 & 31);
		}
		evidence.noted = bin.syn;
		evidence.sources = bin.completed;
		config.sensitivity = (u32)(x >> 60);
		config.sum = i & 1;
		pass(1, bin);
	}
	assert_true(told[FOUND_FLOOD_START] >= told[FOUND_FLOOD_END]);
	assert_true(told[FOUND_FLOOD_START] <= told[FOUND_FLOOD_END] + 1);
}

static void sensitivity_orders_the_latency(void **state)
{
	const struct bin third = { .syn = 65, .synack = 65, .completed = 50 };
	u32 took[3], n = 0;

	(void)state;
	for (u32 sensitivity = 3; sensitivity <= 9; sensitivity += 3) {
		begin(NULL);
		config.sensitivity = sensitivity;
		pass(2 * MINUTE, (struct bin){ .syn = 50, .synack = 50, .completed = 50 });
		took[n++] = until(FOUND_FLOOD_START, 20 * SECOND, third);
	}
	assert_true(took[2] && took[2] <= took[1] && took[1] < took[0]);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calm_traffic_tells_nothing),
		TEST(flood_starts_updates_and_ends_once),
		TEST(half_open_are_those_not_over),
		TEST(pulses_are_one_flood),
		TEST(first_seen_with_a_flood),
		TEST(flood_in_the_first_minute),
		TEST(far_clients_at_first_sight),
		TEST(stopped_in_the_first_minute),
		TEST(service_dies_of_a_flood),
		TEST(ends_are_in_time),
		TEST(below_the_least_rate_nothing_is_a_flood),
		TEST(settling_raises_no_alarm),
		TEST(sums_want_a_higher_rate),
		TEST(few_sources_are_real_hosts),
		TEST(who_tries_again_is_a_real_host),
		TEST(unanswered_flood_is_a_silent_server),
		TEST(rst_of_forged_hosts_is_a_flood),
		TEST(checks_of_health_are_usual),
		TEST(crowd_is_no_alarm),
		TEST(flood_ends_a_crowd_first),
		TEST(stalled_path_is_no_flood),
		TEST(refused_scan_is_no_flood),
		TEST(silent_without_answer),
		TEST(silent_by_refusing),
		TEST(silent_by_overflow),
		TEST(two_seconds_are_no_overflow),
		TEST(never_heard_and_asked_persistently_is_silent),
		TEST(one_client_in_vain_is_no_silence),
		TEST(flood_ends_a_silence_first),
		TEST(idle_bins_may_be_left_out),
		TEST(any_numbers_are_survived),
		TEST(sensitivity_orders_the_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
