/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told, and what only counted, of connections to a service in alarm. */
#include <stdio.h>

#include "stage.h"

static struct service *row_of(struct stage *s, u16 port)
{
	struct segment seg;
	int index;

	engine = s->engine;
	stage_segment(s, "0 s . 0", &seg);
	index = service_find_or_make(&seg.key.addr[seg.sender], port, 0);
	assert_true(index >= 0);
	return env_service((u32)index);
}

/* The first description is its own. */
static void alarm_on(struct stage *s)
{
	row_of(s, SERVER_PORT)->alarm = 1;
}

static void alarm_off(struct stage *s)
{
	row_of(s, SERVER_PORT)->alarm = 0;
}

static void handshakes_are_only_counted(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001");
	wait_until(s, "80");
	expect_nothing(s);
	assert_int_equal(counted(s, events_suppressed), 2);
	assert_int_equal(counted(s, handshakes_timed_out), 1);
	expect_standing(s, "tomb SYN_SENT/SYN_RCVD");
}

static void however_they_end(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000", "0.010 s R. 0 ack 1001");
	s->client_port++;
	play(s, "0.100 c S 1000", "0.110 s S. 5000 ack 1001", "0.120 c R 1001");
	s->client_port++;
	play(s, "0.200 c S 1000", "0.210 s S. 5000 ack 1001", "0.220 s R 5001");
	expect_nothing(s);
	assert_int_equal(counted(s, handshakes_refused), 1);
	assert_int_equal(counted(s, handshakes_aborted), 1);
	assert_int_equal(counted(s, handshakes_reset), 1);
	assert_int_equal(counted(s, events_suppressed), 3);
}

static void connections_are_told_as_always(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001", "0.020 c . 1001 ack 5001");
	expect(s, "0.020 open three_way 10000+10000 us 1 SYN 1 SYN-ACK");
	play(s, "1.000 c F. 1001 ack 5001", "1.010 s F. 5001 ack 1002", "1.020 c . 1002 ack 5002");
	expect(s, "1.020 close fin by client three_way TIME_WAIT/CLOSED");
	assert_int_equal(counted(s, events_suppressed), 0);
}

/* The accept queue: its handshake is complete. */
static void a_full_accept_queue_is_told(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001", "0.020 c . 1001 ack 5001");
	expect(s, "0.020 open three_way 10000+10000 us 1 SYN 1 SYN-ACK");
	play(s, "1.020 s S. 5000 ack 1001", "1.021 c . 1001 ack 5001");
	wait_until(s, "10");
	assert_int_equal(last_event(s)->kind, EVENT_HALF_OPEN);
	assert_int_equal(last_event(s)->detail, WAITING_ACCEPT);
	s->read = s->events;
}

static void other_services_are_told(void **state)
{
	struct stage *s = *state;

	row_of(s, SERVER_PORT + 1)->alarm = 1;
	play(s, "0.000 c S 1000");
	wait_until(s, "80");
	expect(s, "3.000 half_open syn_ack", "75.100 close timeout SYN_SENT/CLOSED not opened");
	assert_int_equal(counted(s, events_suppressed), 0);
}

/* Who was told of a half-open hears how it went on. */
static void told_before_told_to_the_end(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000");
	wait_until(s, "4");
	expect(s, "3.000 half_open syn_ack");
	alarm_on(s);
	wait_until(s, "80");
	expect(s, "75.100 close timeout SYN_SENT/CLOSED not opened");
	assert_int_equal(counted(s, events_suppressed), 0);
}

static void after_the_alarm_a_close_is_told(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000");
	wait_until(s, "4");
	assert_int_equal(counted(s, events_suppressed), 1);
	alarm_off(s);
	wait_until(s, "80");
	expect(s, "75.100 close timeout SYN_SENT/CLOSED not opened");
	assert_int_equal(counted(s, events_suppressed), 1);
}

static void a_late_open_is_told(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001");
	wait_until(s, "4");
	play(s, "5.000 c . 1001 ack 5001");
	expect(s, "5.000 open three_way 10000+4990000 us 1 SYN 1 SYN-ACK");
	play(s, "6.000 c R 1001");
	wait_until(s, "9");
	assert_int_equal(last_event(s)->kind, EVENT_CLOSE);
	s->read = s->events;
	assert_int_equal(counted(s, events_suppressed), 1);
}

static void evictions_are_only_counted(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();
	char line[STAGE_LINE];

	stage_plan(&config, 2, 2);
	restage(s, &config);
	alarm_on(s);
	for (u32 i = 0; i < 1000; i++) {
		s->client_port = (u16)(10000 + i);
		snprintf(line, sizeof(line), "0.%03u c S 1000", i);
		play(s, line);
	}
	expect_nothing(s);
	assert_in_range(counted(s, handshakes_evicted), 1000 - 16, 1000 - 8);
	assert_int_equal(counted(s, events_suppressed), counted(s, handshakes_evicted));
	assert_int_equal(sources_syns(&s->engine->sources[0]), 1000);
}

/* A SYN-ACK for a SYN that is not known here, as when a flood evicted it. */
static void stray_syn_acks_too(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 s S. 5000 ack 1001");
	wait_until(s, "80");
	expect_nothing(s);
	assert_int_equal(counted(s, adoptions_expired), 1);
	assert_int_equal(counted(s, events_suppressed), 1);
}

static void the_end_of_the_run_too(void **state)
{
	struct stage *s = *state;

	alarm_on(s);
	play(s, "0.000 c S 1000");
	s->client_port++;
	play(s, "0.100 c S 1000", "0.110 s S. 5000 ack 1001", "0.120 c . 1001 ack 5001");
	expect(s, "0.120 open three_way 10000+10000 us 1 SYN 1 SYN-ACK");
	host_conclude(s->host, HOW_END_OF_RUN, s->begin + 200 * NSEC_PER_MSEC);
	expect(s, "0.200 close end_of_run ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, events_suppressed), 1);
	s->closes = 0; /* it will be told once more, by the curtain */
	s->engine->config.events = 0;
	s->config.events = 0;
}

/* A row that others' counts go to stands for them: alarm of the address, and of the row of all others. */
static void a_row_is_in_alarm_for_all_that_it_counts(void **state)
{
	struct stage *s = *state;
	u32 words = s->config.table[TABLE_SERVICES].rows * LINE_WORDS;
	u64 *word = s->engine->lines + (u64)s->config.table[TABLE_SERVICES].first_line * LINE_WORDS;

	row_of(s, 0)->alarm = 2;
	for (u32 i = 0; i < words; i++) {
		/* of rank above all, and so never taken */
		if (!word[i])
			word[i] = SERVICE_USED | SERVICE_RANK_MASK;
	}
	play(s, "0.000 c S 1000");
	wait_until(s, "80");
	expect_nothing(s);
	assert_int_equal(sources_syns(&s->engine->sources[1]), 1);

	wait_until(s, "200");
	for (u32 i = 0; i < words; i++)
		word[i] = SERVICE_USED | SERVICE_RANK_MASK;
	env_service(service_other())->alarm = ALARM_WITHOUT_SOURCES;
	s->client_port++;
	play(s, "200.050 c S 1000");
	wait_until(s, "280");
	expect_nothing(s);
	assert_true(counted(s, services_other) >= 2);
}

/* One SYN a handshake is noted, with its source; never a repeat. */
static void new_syns_are_noted(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000");
	s->client_port++;
	alarm_on(s);
	play(s, "0.100 c S 1000", "1.100 c S 1000", "3.100 c S 1000");
	s->client_port++;
	/* its SYN-ACK overtook it */
	play(s, "4.000 s S. 5000 ack 1001", "4.010 c S 1000");
	assert_int_equal(sources_syns(&s->engine->sources[0]), 2);
	assert_int_equal(row_of(s, SERVER_PORT)->count[SERVICE_SYN], 3);
	s->read = s->events;
}

MAIN_OF_SCENES(scene(handshakes_are_only_counted), scene(however_they_end), scene(connections_are_told_as_always),
	       scene(a_full_accept_queue_is_told), scene(other_services_are_told),
	       scene(told_before_told_to_the_end), scene(after_the_alarm_a_close_is_told),
	       scene(a_late_open_is_told), scene(evictions_are_only_counted), scene(stray_syn_acks_too),
	       scene(the_end_of_the_run_too), scene(a_row_is_in_alarm_for_all_that_it_counts),
	       scene(new_syns_are_noted))
