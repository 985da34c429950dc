/* SPDX-License-Identifier: GPL-2.0-only */
/* From rows to floods that are told: late ticks, long gaps, sweeps and carpets, rows that change hands. */
#include "floods_stand.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const struct flood_report *nth(const struct stand *stand, enum phase phase, u32 n)
{
	for (u32 i = 0; i < stand->floods_told; i++) {
		if (stand->flood[i].phase == phase && !n--)
			return &stand->flood[i];
	}
	fail_msg("no such flood was told");
	return NULL;
}

static u32 in_alarm(const struct stand *stand)
{
	u32 n = 0;

	for (u32 row = 0; row < ROWS; row++)
		n += !!stand->row[row].alarm;
	return n;
}

/* Until the flood that stands is over, at most so many ticks. */
static void wait_end(struct stand *stand, u32 row, u32 opened, u32 ends)
{
	for (u32 i = 0; i < 1200 && count_told(stand, PHASE_END) < ends; i++)
		run(stand, 1, row, 1, opened, 0);
	assert_int_equal(count_told(stand, PHASE_END), ends);
}

/* --- bins --- */

static void test_parts_are_the_whole(void **state)
{
	const u32 whole[SERVICE_COUNTS] = { 1, 2, 3, 10, 99, 1000, 4294967295u, 0, 7, 600 };

	(void)state;
	for (u32 n = 1; n < 20; n++) {
		u64 syn = 0, reset = 0, aborted = 0;

		for (u32 i = 0; i < n; i++) {
			struct bin bin = bins_part(whole, i, n);

			syn += bin.syn;
			reset += bin.reset;
			aborted += bin.aborted;
			assert_in_range(bin.evicted, 600 / n, 600 / n + 1);
		}
		assert_int_equal(syn, 1);
		assert_int_equal(reset, 1000);
		assert_int_equal(aborted, 4294967295u);
	}
}

/* A tick that comes late tells what those in time would have: rates are not multiplied by the delay. */
static void test_late_ticks(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	for (u32 i = 0; i < 200; i++) { /* 300 opens a second: two ticks in time, another six late */
		add(stand, 3, 20 + i % 21, 0);
		tick(stand);
		add(stand, 3, 40 - i % 21, 0);
		tick(stand);
		add(stand, 3, 180, 0);
		stand->tick += 5;
		tick(stand);
	}
	assert_int_equal(stand->floods_told, 0);
	add(stand, 3, 900, 15000);
	stand->tick += 29;
	tick(stand);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_in_range(nth(stand, PHASE_START, 0)->syn_rate, 4000, 6000);
	assert_in_range(nth(stand, PHASE_START, 0)->usual_rate, 250, 350);
}

/* Who is stopped for a day comes back within a moment, and cries for nothing. */
static void test_stopped_for_long(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 20, 0);
	add(stand, 3, 20 * 864000, 0);
	stand->tick += 864000;
	tick(stand);
	run(stand, 700, 3, 1, 20, 0);
	assert_int_equal(stand->floods_told, 0);
	assert_int_equal(stand->silent_told, 0);
}

/* A capture's gap of hours: what has to end ends at its own time. */
static void test_quiet_gap(void **state)
{
	struct stand *stand = *state;
	u64 last;

	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	run(stand, 30, 3, 1, 5, 300);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	last = stand->tick;
	stand->tick += 36000 * 5;
	floods_tick(stand->floods, ++stand->tick, FLOODS_QUIET);
	assert_int_equal(count_told(stand, PHASE_END), 1);
	assert_in_range(stand->flood_time[stand->floods_told - 1] / TICK_NS, last + 1, last + 1200);
	assert_int_equal(in_alarm(stand), 0);
}

/* --- who is told --- */

static void test_one_service(void **state)
{
	struct stand *stand = *state;
	const struct flood_report *start, *end;

	give_row(stand, 3, "10.0.0.2", 80);
	give_row(stand, 4, "10.0.0.2", 443);
	give_row(stand, 5, "10.0.0.3", 443);
	run(stand, 700, 3, 3, 5, 0);
	run(stand, 50, 3, 1, 5, 400);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	start = nth(stand, PHASE_START, 0);
	assert_int_equal(start->port, 80);
	assert_true(address_equal(&start->addr, &stand->row[3].addr));
	assert_int_equal(start->prefix, WHOLE_ADDRESS);
	assert_int_equal(start->syn_total, UNKNOWN);
	assert_in_range(count_told(stand, PHASE_UPDATE), 3, 5);
	assert_int_equal(stand->row[3].alarm, 1);
	assert_int_equal(in_alarm(stand), 1);
	assert_int_equal(floods_counts(stand->floods)->now, 1);
	wait_end(stand, 3, 5, 1);
	end = nth(stand, PHASE_END, 0);
	assert_in_range(end->syn_total, 50 * 400, 50 * 400 + 1200 * 5);
	assert_in_range(end->peak_syn_rate, 4000, 4100);
	assert_int_equal(end->cookies_sent, UNKNOWN);
	assert_int_equal(in_alarm(stand), 0);
	assert_int_equal(floods_counts(stand->floods)->now, 0);
	assert_int_equal(floods_counts(stand->floods)->total[end->verdict], 1);
	assert_true(floods_counts(stand->floods)->ns >= 5 * NSEC_PER_SEC);
	run(stand, 700, 3, 3, 5, 0);
	assert_int_equal(count_told(stand, PHASE_START), 1); /* nor what outlasted it */
}

static void test_sweep_of_ports(void **state)
{
	struct stand *stand = *state;

	for (u32 i = 0; i < 500; i++)
		give_row(stand, i, "10.0.0.2", (u16)(i + 1));
	give_row(stand, 600, "10.0.0.3", 80);
	run(stand, 700, 600, 1, 5, 0);
	run(stand, 50, 0, 500, 0, 6);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_int_equal(nth(stand, PHASE_START, 0)->port, 0);
	assert_int_equal(nth(stand, PHASE_START, 0)->prefix, WHOLE_ADDRESS);
	assert_true(address_equal(&nth(stand, PHASE_START, 0)->addr, &stand->row[0].addr));
	assert_int_equal(in_alarm(stand), 500);
	give_row(stand, 700, "10.0.0.2", 7777); /* one more port of it */
	add(stand, 700, 0, 6);
	tick(stand);
	assert_int_equal(stand->row[700].alarm, stand->row[0].alarm);
	wait_end(stand, 600, 5, 1);
	assert_int_equal(in_alarm(stand), 0);
	run(stand, 200, 600, 1, 5, 0);
	assert_int_equal(count_told(stand, PHASE_START), 1);
}

static void test_carpet(void **state)
{
	struct stand *stand = *state;
	u64 last;
	char addr[32];

	for (u32 i = 0; i < 200; i++) {
		snprintf(addr, sizeof(addr), "10.0.7.%u", i + 1);
		give_row(stand, i, addr, 80);
	}
	give_row(stand, 600, "10.0.0.3", 80);
	run(stand, 700, 600, 1, 5, 0);
	run(stand, 50, 0, 200, 0, 15);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_int_equal(nth(stand, PHASE_START, 0)->port, 0);
	assert_int_equal(nth(stand, PHASE_START, 0)->prefix, 24);
	assert_int_equal(nth(stand, PHASE_START, 0)->addr.word[1], v4("10.0.7.0").word[1]);
	assert_int_equal(in_alarm(stand), 200);
	last = stand->tick;
	wait_end(stand, 600, 5, 1);
	assert_in_range(stand->flood_time[stand->floods_told - 1] / TICK_NS, last + FLOOD_CALM, last + FLOOD_CALM + 2);
	assert_in_range(nth(stand, PHASE_END, 0)->duration_ns, 48 * TICK_NS, 52 * TICK_NS);
	assert_int_equal(in_alarm(stand), 0);
	run(stand, 300, 600, 1, 5, 0);
	assert_int_equal(count_told(stand, PHASE_START), 1);
}

/* One port after another, each for a while: two are told, with the third it is the address's. */
static void test_wandering_flood(void **state)
{
	struct stand *stand = *state;

	for (u32 i = 0; i < 12; i++)
		give_row(stand, i, "10.0.0.2", (u16)(i + 1));
	run(stand, 700, 0, 12, 1, 0);
	for (u32 i = 0; i < 12; i++)
		run(stand, 15, i, 1, 1, 400);
	assert_int_equal(count_told(stand, PHASE_START), 3);
	assert_int_equal(nth(stand, PHASE_START, 2)->port, 0);
	assert_int_equal(count_told(stand, PHASE_END), 2);
	assert_int_equal(in_alarm(stand), 12);
}

/* Two services of one host that are each flooded for long are two floods, or one of the address; never three. */
static void test_two_services(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 0, "10.0.0.2", 80);
	give_row(stand, 1, "10.0.0.2", 443);
	run(stand, 700, 0, 2, 5, 0);
	run(stand, 50, 0, 1, 5, 400);
	run(stand, 100, 0, 2, 5, 400);
	assert_in_range(count_told(stand, PHASE_START) - count_told(stand, PHASE_END), 1, 2);
	assert_in_range(count_told(stand, PHASE_START), 1, 2);
}

/*
 * After a flood of one service: what fails at another is little, and no part of a flood of the address, which is
 * in its quiet seconds, too.
 */
static void test_quiet_seconds(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 0, "10.0.0.2", 80);
	give_row(stand, 1, "10.0.0.2", 443);
	run(stand, 700, 0, 2, 5, 0);
	run(stand, 30, 0, 1, 5, 400);
	for (u32 i = 0; i < 150; i++) {
		stand->row[1].count[SERVICE_SYN] += 3;
		run(stand, 1, 0, 1, 5, 0);
	}
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_int_equal(count_told(stand, PHASE_END), 1);
	assert_in_range(count_told(stand, PHASE_UPDATE), 2, 4);
	assert_int_equal(nth(stand, PHASE_END, 0)->port, 80);
	assert_in_range(nth(stand, PHASE_END, 0)->syn_rate, 3900, 4100);
}

/* An end that the run brings about tells of all the time, not of the last second. */
static void test_end_of_the_run(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	run(stand, 30, 3, 1, 5, 400);
	run(stand, 55, 3, 1, 5, 0);
	floods_conclude(stand->floods, stand->tick * TICK_NS);
	assert_int_equal(count_told(stand, PHASE_END), 1);
	assert_in_range(nth(stand, PHASE_END, 0)->syn_rate, 3900, 4100);
	assert_in_range(nth(stand, PHASE_END, 0)->duration_ns, 28 * TICK_NS, 32 * TICK_NS);
	assert_in_range(nth(stand, PHASE_END, 0)->completion_ratio, 0, 20000);
}

/* --- rows and descriptions --- */

static void test_row_given_to_another(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	run(stand, 20, 3, 1, 5, 400);
	assert_int_equal(stand->row[3].alarm, 1);
	give_row(stand, 3, "10.0.9.9", 80);
	run(stand, 20, 3, 1, 5, 0);
	assert_int_equal(count_told(stand, PHASE_END), 1);
	assert_int_equal(nth(stand, PHASE_END, 0)->addr.word[1], v4("10.0.0.2").word[1]);
	assert_int_equal(in_alarm(stand), 0);
	assert_int_equal(count_told(stand, PHASE_START), 1);
}

static void test_row_being_given(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	stand->row[3].born++;
	run(stand, 20, 3, 1, 0, 4000);
	assert_int_equal(stand->floods_told, 0);
	stand->row[3].born++;
	run(stand, 20, 3, 1, 0, 4000);
	assert_int_equal(count_told(stand, PHASE_START), 1);
}

/* More floods than descriptions: those without are told all the same. */
static void test_more_floods_than_descriptions(void **state)
{
	struct stand *stand = *state;
	u32 without = 0;
	char addr[32];

	for (u32 i = 0; i < 20; i++) {
		snprintf(addr, sizeof(addr), "10.0.%u.1", i);
		give_row(stand, i, addr, 80);
	}
	run(stand, 700, 0, 20, 5, 0);
	run(stand, 20, 0, 20, 5, 400);
	assert_int_equal(count_told(stand, PHASE_START), 20);
	for (u32 i = 0; i < 20; i++)
		without += stand->row[i].alarm == ALARM_WITHOUT_SOURCES;
	assert_int_equal(without, 20 - SOURCES);
	floods_conclude(stand->floods, stand->tick * TICK_NS);
	assert_int_equal(count_told(stand, PHASE_END), 20);
	assert_int_equal(in_alarm(stand), 0);
	assert_int_equal(floods_counts(stand->floods)->now, 0);
}

static void test_description_is_cleared(void **state)
{
	struct stand *stand = *state;

	memset(stand->sources, 0x55, sizeof(stand->sources));
	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	run(stand, 20, 3, 1, 5, 400);
	assert_int_equal(sources_syns(&stand->sources[0]), 0);
	assert_int_equal(stand->sources[0].rank[77], 0);
	assert_int_equal(stand->sources[1].rank[77], 0x55);
	assert_int_equal(nth(stand, PHASE_START, 0)->sources, UNKNOWN);
}

static void test_kernel_evidence(void **state)
{
	struct stand *stand = *state;

	stand->netstat = (struct netstat){ 100, UNKNOWN, 5 };
	stand->netstat_error = 0;
	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	run(stand, 10, 3, 1, 5, 400);
	stand->netstat = (struct netstat){ 350, UNKNOWN, 7 };
	wait_end(stand, 3, 5, 1);
	assert_int_equal(nth(stand, PHASE_START, 0)->cookies_sent, UNKNOWN);
	assert_int_equal(nth(stand, PHASE_END, 0)->cookies_sent, 250);
	assert_int_equal(nth(stand, PHASE_END, 0)->cookies_failed, UNKNOWN);
	assert_int_equal(nth(stand, PHASE_END, 0)->listen_overflows, 2);
}

/* --- what is not said --- */

static void test_one_sided(void **state)
{
	struct stand *stand = *state;

	floods_free(stand->floods);
	stand->config.one_sided = 1;
	open_floods(stand);
	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	for (u32 i = 0; i < 50; i++) {
		stand->row[3].count[SERVICE_SYN] += 400;
		tick(stand);
	}
	assert_int_equal(count_told(stand, PHASE_START), 1);
	for (u32 i = 0; i < stand->floods_told; i++)
		assert_int_not_equal(stand->flood[i].verdict, VERDICT_SERVER_SILENT);
	assert_int_equal(stand->silent_told, 0);
}

static void test_crowd_is_no_alarm(void **state)
{
	struct stand *stand = *state;

	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 1200, 3, 1, 5, 0);
	run(stand, 300, 3, 1, 200, 0);
	assert_int_equal(stand->floods_told, 0);
	assert_int_equal(in_alarm(stand), 0);
	assert_int_equal(floods_counts(stand->floods)->now, 0);
}

/* Ten thousand ports at one SYN each: a scan, and no silence of any. */
static void test_scan_is_no_silence(void **state)
{
	struct stand *stand = *state;

	for (u32 i = 0; i < 1000; i++) {
		give_row(stand, i, "10.0.0.2", (u16)(i + 1));
		stand->row[i].count[SERVICE_SYN] += 3;
		stand->row[i].count[SERVICE_REFUSED] += 3;
		if (i % 20 == 0)
			tick(stand);
	}
	run(stand, 100, 0, 0, 0, 0);
	assert_int_equal(stand->silent_told, 0);
}

static void test_netstat_text(void **state)
{
	struct netstat netstat;

	(void)state;
	netstat_parse("TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts ListenOverflows\n"
		      "TcpExt: 12 3 45 6 18446744073709551614\n"
		      "IpExt: ListenOverflows SyncookiesSent\n"
		      "IpExt: 7 7\n", &netstat);
	assert_int_equal(netstat.cookies_sent, 12);
	assert_int_equal(netstat.cookies_failed, 45);
	assert_int_equal(netstat.listen_overflows, 18446744073709551614u);
	netstat_parse("IpExt: A\nIpExt: 7\nTcpExt: SyncookiesSen ListenOverflows SyncookiesSent\nTcpExt: 1 2", &netstat);
	assert_int_equal(netstat.cookies_sent, UNKNOWN);
	assert_int_equal(netstat.listen_overflows, 2);
	netstat_parse("", &netstat);
	assert_int_equal(netstat.listen_overflows, UNKNOWN);
	netstat_parse("TcpExt: ListenOverflows\nTcpExt:", &netstat);
	assert_int_equal(netstat.listen_overflows, UNKNOWN);
}

/* The one of this machine. */
static void test_netstat_file(void **state)
{
	int fd = netstat_open();
	struct netstat first, second;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(netstat_read(fd, &first), 0);
	assert_int_equal(netstat_read(fd, &second), 0);
	assert_int_not_equal(first.listen_overflows, UNKNOWN);
	assert_true(second.listen_overflows >= first.listen_overflows);
	close(fd);
	assert_int_equal(netstat_read(-1, &first), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_the_whole),
		STAND_TEST(test_late_ticks),
		STAND_TEST(test_stopped_for_long),
		STAND_TEST(test_quiet_gap),
		STAND_TEST(test_one_service),
		STAND_TEST(test_sweep_of_ports),
		STAND_TEST(test_carpet),
		STAND_TEST(test_wandering_flood),
		STAND_TEST(test_two_services),
		STAND_TEST(test_quiet_seconds),
		STAND_TEST(test_end_of_the_run),
		STAND_TEST(test_row_given_to_another),
		STAND_TEST(test_row_being_given),
		STAND_TEST(test_more_floods_than_descriptions),
		STAND_TEST(test_description_is_cleared),
		STAND_TEST(test_kernel_evidence),
		STAND_TEST(test_one_sided),
		STAND_TEST(test_crowd_is_no_alarm),
		STAND_TEST(test_scan_is_no_silence),
		cmocka_unit_test(test_netstat_text),
		cmocka_unit_test(test_netstat_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
