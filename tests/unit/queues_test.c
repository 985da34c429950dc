/* SPDX-License-Identifier: GPL-2.0-only */
/* Full accept queues: told when the kernel says so, clients ask and it lasts; else never. */
#include "floods_stand.h"

#define SECOND TICKS_PER_SEC

static struct socket_entry listener(struct address addr, u16 port, u32 queued, u32 most)
{
	return (struct socket_entry){ .local = addr, .local_port = port, .queued = queued, .most = most };
}

/* One listener at 10.0.0.2:80, and its service after a minute and more of five opens a tick. */
static struct stand *begin(void **state)
{
	struct stand *stand = *state;

	stand->netstat = (struct netstat){ 0, 0, 1000 };
	stand->netstat_error = 0;
	stand->listener[0] = listener(v4("10.0.0.2"), 80, 0, 8);
	stand->listeners = 1;
	give_row(stand, 3, "10.0.0.2", 80);
	run(stand, 700, 3, 1, 5, 0);
	return stand;
}

/* Of what clients ask, this much is opened; the rest gets no answer, and is counted by the host as dropped or not. */
static void ask(struct stand *stand, u32 ticks, u32 row, u32 opened, u32 unanswered, u32 dropped)
{
	while (ticks--) {
		u64 *count = stand->row[row].count;

		count[SERVICE_SYN] += opened + unanswered;
		count[SERVICE_SYN_REPEATED] += unanswered;
		count[SERVICE_SYNACK] += opened;
		count[SERVICE_COMPLETED] += opened;
		stand->netstat.listen_overflows += dropped;
		tick(stand);
	}
}

static void expect_silence(const struct stand *stand, u32 nth, enum phase phase, enum silent_kind kind)
{
	assert_true(nth < stand->silent_told);
	assert_int_equal(stand->silent[nth].phase, phase);
	assert_int_equal(stand->silent[nth].kind, kind);
}

static void test_full_queue(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 5 * SECOND, 3, 0, 5, 10);
	assert_int_equal(stand->silent_told, 1);
	expect_silence(stand, 0, PHASE_START, SILENT_OVERFLOW);
	assert_int_equal(stand->silent[0].port, 80);
	assert_true(address_equal(&stand->silent[0].addr, &stand->row[3].addr));
	assert_in_range(stand->silent[0].syn_rate, 40, 60);
	assert_in_range(stand->silent[0].duration_ns, 2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC);
	assert_int_equal(floods_counts(stand->floods)->silent_now, 1);
	ask(stand, 60 * SECOND, 3, 0, 5, 10);
	assert_int_equal(stand->silent_told, 1);
	stand->listener[0].queued = 0;
	run(stand, 5 * SECOND, 3, 1, 5, 0);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	assert_in_range(stand->silent[1].duration_ns, 63 * NSEC_PER_SEC, 66 * NSEC_PER_SEC);
	run(stand, 60 * SECOND, 3, 1, 5, 0);
	assert_int_equal(stand->silent_told, 2);
	assert_int_equal(stand->floods_told, 0);
	assert_int_equal(floods_counts(stand->floods)->silent_now, 0);
	assert_int_equal(floods_counts(stand->floods)->silent_total[SILENT_OVERFLOW], 1);
}

/* It accepts, but too slowly: full at every second look, and some get in. */
static void test_accepts_too_slowly(void **state)
{
	struct stand *stand = begin(state);

	for (u32 i = 0; i < 10 * SECOND; i++) {
		stand->listener[0].queued = 8 + i % 2;
		ask(stand, 1, 3, 2, 3, 3);
	}
	assert_int_equal(stand->silent_told, 1);
	expect_silence(stand, 0, PHASE_START, SILENT_OVERFLOW);
}

/* One client a second is asked of, too. */
static void test_few_clients(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	for (u32 i = 0; i < 8; i++) {
		ask(stand, 1, 3, 0, 1, 2);
		run(stand, 9, 3, 1, 0, 0);
	}
	assert_int_equal(stand->silent_told, 1);
	expect_silence(stand, 0, PHASE_START, SILENT_OVERFLOW);
}

/* A burst that the server works off within three seconds. */
static void test_burst_is_none(void **state)
{
	struct stand *stand = begin(state);

	for (u32 i = 0; i < 20; i++) {
		stand->listener[0].queued = 9;
		ask(stand, 2 * SECOND, 3, 1, 5, 10);
		stand->listener[0].queued = 2;
		run(stand, 8 * SECOND, 3, 1, 5, 0);
	}
	assert_int_equal(stand->silent_told, 0);
}

/* Full to the brim, and nothing is dropped. */
static void test_brim_is_none(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 8;
	ask(stand, 30 * SECOND, 3, 4, 1, 1);
	assert_int_equal(stand->silent_told, 0);
	stand->listener[0].queued = 9;
	ask(stand, 30 * SECOND, 3, 4, 1, 0);
	assert_int_equal(stand->silent_told, 0);
}

/* Another listener's queue is full, whether it is seen or not; this one's clients lose some packets. */
static void test_of_another(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[1] = listener(v4("10.0.0.2"), 81, 200, 100);
	stand->listener[2] = listener(v4("10.0.0.3"), 80, 200, 100);
	stand->listeners = 3;
	ask(stand, 30 * SECOND, 3, 9, 1, 10);
	assert_int_equal(stand->silent_told, 0);
	/* it is full, too, and no one asks */
	stand->listener[0].queued = 9;
	ask(stand, 60 * SECOND, 3, 0, 0, 10);
	assert_int_equal(stand->silent_told, 0);
}

/* A firewall that lets some pass: not the queue, as far as it can be asked. */
static void test_some_answered(void **state)
{
	struct stand *stand = begin(state);

	give_row(stand, 4, "192.0.2.1", 80);
	run(stand, 700, 3, 2, 5, 0);
	ask(stand, 5 * SECOND, 3, 5, 5, 0);
	ask(stand, 5 * SECOND, 4, 5, 5, 0);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 0, PHASE_START, SILENT_NO_ANSWER);
	expect_silence(stand, 1, PHASE_START, SILENT_OVERFLOW);
	assert_true(address_equal(&stand->silent[1].addr, &stand->row[4].addr));
}

/* The best of several that fit is who is asked. */
static void test_who_listens(void **state)
{
	struct stand *stand = begin(state);

	/* any address, both families; and one of its own that has room */
	stand->listener[1] = listener((struct address){ { 0, 0 } }, 80, 9, 8);
	stand->listener[2] = listener(address_v4(0), 80, 9, 8);
	stand->listeners = 3;
	ask(stand, 10 * SECOND, 3, 5, 0, 10);
	assert_int_equal(stand->silent_told, 0);
	/* without that, IPv4's own before both families' */
	stand->listener[0] = listener(address_v4(0), 80, 0, 8);
	stand->listener[2] = listener(v4("10.0.0.9"), 80, 9, 8);
	ask(stand, 10 * SECOND, 3, 5, 0, 10);
	assert_int_equal(stand->silent_told, 0);
	/* one of several at the same address */
	stand->listener[2] = listener(address_v4(0), 80, 9, 8);
	ask(stand, 5 * SECOND, 3, 5, 0, 10);
	assert_int_equal(stand->silent_told, 1);
	expect_silence(stand, 0, PHASE_START, SILENT_OVERFLOW);
	/* who listens for both families */
	stand->listeners = 1;
	ask(stand, 5 * SECOND, 3, 5, 0, 10);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	stand->listener[0] = listener((struct address){ { 0, 0 } }, 80, 9, 8);
	ask(stand, 5 * SECOND, 3, 5, 0, 10);
	expect_silence(stand, 2, PHASE_START, SILENT_OVERFLOW);
}

/* Its process dies: that is over, and it refuses from now on. */
static void test_listener_closes(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 5 * SECOND, 3, 0, 5, 10);
	stand->listeners = 0;
	for (u32 i = 0; i < 10 * SECOND; i++) {
		stand->row[3].count[SERVICE_REFUSED] += 5;
		ask(stand, 1, 3, 0, 5, 0);
	}
	assert_int_equal(stand->silent_told, 3);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	expect_silence(stand, 2, PHASE_START, SILENT_REFUSING);
}

/* Nobody asks any more: what stays in the queue is no one's trouble. */
static void test_nobody_asks(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 5 * SECOND, 3, 0, 5, 10);
	run(stand, 25 * SECOND, 3, 0, 0, 0);
	assert_int_equal(stand->silent_told, 1);
	run(stand, 10 * SECOND, 3, 0, 0, 0);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
}

/* The flood stands for it; what comes afterwards is told. */
static void test_flood_meanwhile(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 5 * SECOND, 3, 0, 5, 10);
	ask(stand, 5 * SECOND, 3, 0, 500, 500);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	ask(stand, 15 * SECOND, 3, 0, 5, 10);
	assert_int_equal(count_told(stand, PHASE_START), 1);
	assert_int_equal(count_told(stand, PHASE_END), 1);
	assert_int_equal(stand->silent_told, 3);
	expect_silence(stand, 2, PHASE_START, SILENT_OVERFLOW);
}

static void test_row_given_to_another(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 5 * SECOND, 3, 0, 5, 10);
	give_row(stand, 3, "10.0.9.9", 80);
	run(stand, 30 * SECOND, 3, 1, 5, 0);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	assert_in_range(stand->silent[1].duration_ns, 4 * NSEC_PER_SEC, 6 * NSEC_PER_SEC);
	assert_int_equal(stand->floods->queues.fulls, 0);
}

/* At rest the listeners are not looked at; a capture and a tap have none. */
static void test_at_rest(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	run(stand, 100 * SECOND, 3, 1, 5, 0);
	assert_int_equal(stand->looks, 0);
	stand->floods->side.host = NULL;
	ask(stand, 10 * SECOND, 3, 4, 1, 10);
	assert_int_equal(stand->looks, 0);
	assert_int_equal(stand->silent_told, 0);
}

static void test_end_of_run(void **state)
{
	struct stand *stand = begin(state);

	stand->listener[0].queued = 9;
	ask(stand, 10 * SECOND, 3, 0, 5, 10);
	floods_conclude(stand->floods, stand->tick * TICK_NS);
	assert_int_equal(stand->silent_told, 2);
	expect_silence(stand, 1, PHASE_END, SILENT_OVERFLOW);
	assert_int_equal(floods_counts(stand->floods)->silent_now, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND_TEST(test_full_queue),	     STAND_TEST(test_accepts_too_slowly),
		STAND_TEST(test_few_clients),	     STAND_TEST(test_burst_is_none),
		STAND_TEST(test_brim_is_none),	     STAND_TEST(test_of_another),
		STAND_TEST(test_some_answered),	     STAND_TEST(test_who_listens),
		STAND_TEST(test_listener_closes),    STAND_TEST(test_nobody_asks),
		STAND_TEST(test_flood_meanwhile),    STAND_TEST(test_row_given_to_another),
		STAND_TEST(test_at_rest),	     STAND_TEST(test_end_of_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
