/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose what lingers is, from tables that are made up here. */
#include "lingering_sample.h"

static void check_missing(const struct lingering *lingering, enum owner_missing missing)
{
	struct owner_report report = lingering_report(lingering);

	assert_int_equal(report.missing, missing);
	assert_int_equal(report.pid, 0);
	assert_true(report.uid == UNKNOWN && report.unread_bytes == UNKNOWN);
}

static void check_owner(const struct lingering *lingering, u32 pid, u64 unread)
{
	struct owner_report report = lingering_report(lingering);

	assert_int_equal(report.missing, OWNER_KNOWN);
	assert_int_equal(report.pid, pid);
	assert_string_equal(report.comm, "java");
	assert_string_equal(report.cgroup, "/a.service");
	assert_int_equal(report.uid, 33);
	assert_true(report.unread_bytes == unread);
}

static void test_one_look(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct lingering *held = begin(all, 1, STATE_CLOSE_WAIT), *orphan = begin(all, 2, STATE_LAST_ACK),
			 *kernels = begin(all, 3, STATE_CLOSE_WAIT), *waits = begin(all, 4, STATE_FIN_WAIT_2),
			 *nobodys = begin(all, 5, STATE_CLOSE_WAIT);
	struct socket_entry entry = socket_of(2, TCP_LAST_ACK);

	(void)state;
	assert_int_equal(lingering_waiting(all), 5);
	assert_ptr_equal(lingering_first(all), held);
	assert_ptr_equal(lingering_next(held), orphan);
	lingering_look(all);
	give(all, socket_of(1, TCP_CLOSE_WAIT));
	entry.inode = 0;
	give(all, entry);
	give(all, socket_of(3, TCP_CLOSE_WAIT));
	give(all, socket_of(4, TCP_FIN_WAIT2));
	give(all, socket_of(9, TCP_CLOSE_WAIT)); /* does not linger */
	assert_int_equal(lingering_wanted(all), 3);
	own(all, 1001, 70);
	own(all, 1001, 60);
	own(all, 1001, 80);
	own(all, 1001, 0); /* just ending */
	own(all, 1002, 60);
	own(all, 1004, 60);
	own(all, 1009, 50);
	lingering_answer(all, LOOK_COMPLETE);
	check_owner(held, 60, 4);  /* the FIN is no byte */
	check_owner(waits, 60, 5); /* none has come */
	check_missing(orphan, OWNER_ORPHAN);
	check_missing(kernels, OWNER_KERNEL);
	check_missing(nobodys, OWNER_NAT);
	assert_true(lingering_is_certain(held) && lingering_is_certain(orphan) && !lingering_is_certain(nobodys));
	lingering_look(all);
	lingering_wanted(all);
	lingering_answer(all, LOOK_COMPLETE);
	assert_true(lingering_is_certain(nobodys));
	lingerings_free(all);
}

static void test_no_right_to_look(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct lingering *held = begin(all, 1, STATE_CLOSE_WAIT), *found = begin(all, 2, STATE_CLOSE_WAIT);

	(void)state;
	lingering_look(all);
	give(all, socket_of(1, TCP_CLOSE_WAIT));
	give(all, socket_of(2, TCP_CLOSE_WAIT));
	assert_int_equal(lingering_wanted(all), 2);
	own(all, 1002, 60);
	lingering_answer(all, LOOK_PARTIAL);
	check_missing(held, OWNER_RIGHTS);
	check_owner(found, 60, 4);
	lingerings_free(all);
}

/* The list of files breaks off, or nothing can be read at all: what an earlier look has found stands. */
static void test_looks_that_fail(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct lingering *held = begin(all, 1, STATE_CLOSE_WAIT);

	(void)state;
	for (int look = 0; look < 5; look++) {
		lingering_look(all);
		if (look < 2) {
			give(all, socket_of(1, TCP_CLOSE_WAIT));
			lingering_wanted(all);
			if (!look)
				own(all, 1001, 60);
			lingering_answer(all, LOOK_PARTIAL);
		}
		check_owner(held, 60, 4);
		assert_true(look >= 2 || lingering_is_certain(held));
	}
	lingering_told(all, held);
	lingering_look(all);
	give(all, socket_of(1, TCP_CLOSE_WAIT));
	lingering_wanted(all);
	lingering_answer(all, LOOK_COMPLETE);
	check_missing(held, OWNER_KERNEL);
	lingerings_free(all);
}

/* The exact address goes before any address, the right port before all. */
static void test_not_accepted(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct lingering *one = begin(all, 1, STATE_CLOSE_WAIT), *two = begin(all, 2, STATE_CLOSE_WAIT);
	struct socket_entry entry = socket_of(1, TCP_CLOSE_WAIT), listener = { .state = TCP_LISTEN };

	(void)state;
	for (int exact = 0; exact < 2; exact++) {
		lingering_look(all);
		for (u16 n = 1; n <= 2; n++) {
			entry = socket_of(n, TCP_CLOSE_WAIT);
			entry.inode = 0;
			give(all, entry);
		}
		for (u32 i = 0; i < 100; i++) {
			listener.local = v4("10.0.0.3");
			listener.local_port = 443;
			listener.cookie = 1;
			give(all, listener);
		}
		listener.local = v4(HERE);
		listener.local_port = exact ? 443 : 80;
		listener.cookie = 2;
		give(all, listener);
		listener.local = exact ? v4("0.0.0.0") : v6("::");
		listener.local_port = 443;
		listener.cookie = 3;
		give(all, listener);
		assert_int_equal(lingering_wanted(all), 1); /* for both */
		own(all, 1, 61);
		own(all, 2, 62);
		own(all, 3, 63);
		lingering_answer(all, LOOK_COMPLETE);
		check_owner(one, exact ? 62 : 63, 4);
		check_owner(two, exact ? 62 : 63, 4);
	}
	lingerings_free(all);
}

/* It changes hands, and then nobody has it. */
static void test_looked_at_again(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct lingering *held = begin(all, 1, STATE_FIN_WAIT_2);
	struct socket_entry entry = socket_of(1, TCP_FIN_WAIT2);

	(void)state;
	for (u32 pid = 60; pid < 63; pid++) {
		lingering_look(all);
		give(all, entry);
		lingering_wanted(all);
		own(all, 1001, pid);
		lingering_answer(all, LOOK_COMPLETE);
		check_owner(held, pid, 5);
	}
	entry.inode = 0;
	lingering_look(all);
	give(all, entry);
	assert_int_equal(lingering_wanted(all), 0);
	lingering_answer(all, LOOK_COMPLETE);
	check_missing(held, OWNER_ORPHAN);
	lingerings_free(all);
}

static void test_room_ends(void **state)
{
	struct lingerings *all = lingerings_new(1);
	struct event start = start_of(1, STATE_CLOSE_WAIT);
	struct address from = v4("10.9.0.0");

	(void)state;
	for (u32 n = 0; n < LINGERING_MAX + 10; n++) {
		start.flow.flags &= ~FLOW_CLIENT_IS_1;
		from.word[1] += n ? 1ULL << 40 : 0;
		connect_ends(&start, from, (u16)(n % 60000 + 1), v4(HERE), 443);
		start.value = facts_end(&start, SIDE_SERVER);
		if (n < LINGERING_MAX)
			assert_non_null(lingering_begin(all, &start));
		else
			assert_null(lingering_begin(all, &start));
	}
	lingerings_free(all);
}

/* --- paths --- */

static void check_path(const char *names, u32 length, size_t size, const char *expected)
{
	char path[64];

	memset(path, '!', sizeof(path));
	cgroup_path(path, size, names, length);
	assert_string_equal(path, expected);
	for (size_t i = size; i < sizeof(path); i++)
		assert_int_equal(path[i], '!');
}

static void test_cgroup_path(void **state)
{
	const char names[] = "app.service\0system.slice";

	(void)state;
	check_path(names, 0, 32, "/");
	check_path(names, 12, 32, "/app.service");
	check_path(names, sizeof(names), 32, "/system.slice/app.service");
	check_path(names, sizeof(names), 26, "/system.slice/app.service");
	check_path(names, sizeof(names), 25, "system.slice/app.service");
	check_path(names, sizeof(names), 20, "m.slice/app.service");
	check_path(names, sizeof(names), 13, "/app.service");
	check_path(names, sizeof(names), 12, "app.service");
	check_path(names, sizeof(names), 4, "ice");
	check_path(names, 5, 32, "/app.s"); /* no 0 at the end */
	check_path("\0\0", 2, 32, "//");
	check_path(names, 12, 2, "e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_look),	cmocka_unit_test(test_no_right_to_look),
		cmocka_unit_test(test_looks_that_fail), cmocka_unit_test(test_not_accepted),
		cmocka_unit_test(test_looked_at_again), cmocka_unit_test(test_room_ends),
		cmocka_unit_test(test_cgroup_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
