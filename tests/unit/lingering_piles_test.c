/* SPDX-License-Identifier: GPL-2.0-only */
/* When one process has many that linger: told once, then as they grow, then when they are gone. */
#include "lingering_sample.h"

#include <stdio.h>

struct told {
	char text[256];
};

static void note(void *arg, const struct process *process, enum phase phase)
{
	struct told *told = arg;
	size_t used = strlen(told->text);

	snprintf(told->text + used, sizeof(told->text) - used, "%u:%d:%u:%u ", process->pid, (int)phase,
		 process->close_waits, process->recent);
}

static void survey(struct lingerings *all, u64 seconds, const char *expected)
{
	struct told told = { "" };

	lingering_survey(all, SECONDS(seconds), note, &told);
	assert_string_equal(told.text, expected);
}

/* Connections first .. last, all of process 60 and told. */
static void pile(struct lingerings *all, u16 first, u16 last)
{
	for (u16 n = first; n <= last; n++)
		begin(all, n, STATE_CLOSE_WAIT);
	lingering_look(all);
	for (u16 n = 1; n <= last; n++)
		give(all, socket_of(n, TCP_CLOSE_WAIT));
	lingering_wanted(all);
	for (u16 n = 1; n <= last; n++)
		own(all, 1000u + n, 60);
	lingering_answer(all, LOOK_COMPLETE);
	for (u16 n = first; n <= last; n++)
		lingering_told(all, find(all, n));
}

static void test_piles(void **state)
{
	struct lingerings *all = lingerings_new(1);

	(void)state;
	pile(all, 1, 9);
	survey(all, 100, "");
	pile(all, 10, 10);
	survey(all, 100, "60:0:10:10 ");
	survey(all, 159, "");
	pile(all, 11, 12);
	survey(all, 159, "");	       /* not twice in a minute */
	survey(all, 160, "60:1:12:0 "); /* they all began at 100 s */
	survey(all, 220, "");	       /* did not grow */
	for (u16 n = 1; n <= 7; n++)
		lingering_end(all, find(all, n));
	survey(all, 221, "");
	lingering_end(all, find(all, 8));
	survey(all, 222, "60:2:4:0 ");
	pile(all, 13, 17);
	survey(all, 223, "");
	assert_false(lingering_is_quiet(all));
	for (u16 n = 9; n <= 17; n++)
		lingering_end(all, find(all, n));
	survey(all, 224, "");
	assert_true(lingering_is_quiet(all));
	lingerings_free(all);
}

/* The process ends; and events of ends get lost, so that only the sockets are gone. */
static void test_piles_that_vanish(void **state)
{
	struct lingerings *all = lingerings_new(1);

	(void)state;
	pile(all, 1, 12);
	survey(all, 100, "60:0:12:12 ");
	for (int look = 0; look < 2; look++) {
		survey(all, 101, "");
		lingering_look(all);
		lingering_wanted(all);
		lingering_answer(all, LOOK_COMPLETE);
	}
	survey(all, 102, "60:2:0:0 ");
	assert_true(lingering_is_quiet(all));
	lingerings_free(all);
}

/* What still waits to be told counts for nothing, nor does another state. */
static void test_not_in_the_pile(void **state)
{
	struct lingerings *all = lingerings_new(1);

	(void)state;
	pile(all, 1, 9);
	begin(all, 10, STATE_FIN_WAIT_2);
	begin(all, 11, STATE_CLOSE_WAIT);
	pile(all, 12, 11);
	survey(all, 100, "");
	lingering_told(all, find(all, 10));
	survey(all, 100, "");
	lingering_told(all, find(all, 11));
	survey(all, 100, "60:0:10:10 ");
	lingerings_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_piles),
		cmocka_unit_test(test_piles_that_vanish),
		cmocka_unit_test(test_not_in_the_pile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
