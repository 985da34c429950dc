/* SPDX-License-Identifier: GPL-2.0-only */
/* Deadlines to the tick: half-open, given up, lingering, idle. And which events are made at all. */
#include "stage.h"

static void open_one(struct stage *s)
{
	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* Runs the clock tick by tick; the event must be told at its deadline or in the second of one sweep after it. */
static void told_within_a_sweep(struct stage *s, u64 deadline_ms, const char *line)
{
	u32 before = s->events;
	u64 tick = 0;

	while (s->events == before && tick * 100 < deadline_ms + 2000)
		host_clock(s->host, s->begin + ++tick * TICK_NS);
	assert_in_range(tick * 100, deadline_ms, deadline_ms + 1000);
	expect(s, line);
}

static void half_open_for_want_of_a_synack(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000");
	told_within_a_sweep(s, 3000, "3.000 half_open syn_ack");
}

/* Counted from the first SYN, whatever was repeated; up to a whole tick. */
static void half_open_for_want_of_an_ack(void **state)
{
	struct stage *s = *state;

	play(s, "0.001 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"1.000 c S 1000");
	told_within_a_sweep(s, 3100, "3.100 half_open ack");
}

/* Told once, and the open still counts. */
static void open_after_half_open(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000");
	wait_until(s, "50");
	expect(s, "3.000 half_open syn_ack");
	play(s, "60.000 s S. 5000 ack 1001",
		"60.001 c . 1001 ack 5001");
	expect(s, "60.001 open three_way 60000000+1000 us 1 SYN 1 SYN-ACK");
}

static void given_up_after_silence(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"10.050 c S 1000");
	expect(s, "3.000 half_open syn_ack");
	/* from the first tick after the last sign */
	told_within_a_sweep(s, 85100, "85.100 close timeout SYN_SENT/CLOSED not opened");
}

/* Any packet of its numbers is a sign of life; what merely has its key is none. */
static void signs_of_life(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"1.000 s S. 5000 ack 1001",
		"50.000 s P. 5001:5101(100) ack 1001",
		"60.000 s . 170000 ack 90000");
	expect(s, "3.000 half_open ack");
	told_within_a_sweep(s, 125100, "125.100 close timeout SYN_SENT/SYN_RCVD not opened");
}

/* A deadline that has passed comes before the packet, though no sweep came by. */
static void packet_at_its_own_deadline(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"75.100 s S. 5000 ack 1001");
	expect(s, "3.000 half_open syn_ack",
	       "75.100 close timeout SYN_SENT/CLOSED not opened");
	assert_int_equal(counted(s, after_close), 1);
}

static void packet_before_its_deadline(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"75.099 s S. 5000 ack 1001",
		"75.100 c . 1001 ack 5001");
	expect(s, "3.000 half_open syn_ack",
	       "75.100 open three_way 75099000+1000 us 1 SYN 1 SYN-ACK");
}

static void close_wait_lingers(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 s . 5001 ack 1002");
	told_within_a_sweep(s, 61100, "61.100 linger start flow CLOSE_WAIT server");
	wait_until(s, "95");
	expect(s, "91.100 linger start flow FIN_WAIT_2 client");
	play(s, "100.000 s F. 5001 ack 1002",
		"100.001 c . 1002 ack 5002");
	/* the FIN leaves CLOSE_WAIT, its ACK FIN_WAIT_2 */
	expect(s, "100.000 linger end flow CLOSE_WAIT server",
	       "100.001 linger end flow FIN_WAIT_2 client",
	       "100.001 close fin by client four_way TIME_WAIT/CLOSED");
}

/* The one that was told is the one that is over, though the other end waits by then as well. */
static void linger_ends_for_who_it_began_for(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"70.000 c F. 1001 ack 5001");
	wait_until(s, "92");
	expect(s, "91.000 linger start flow FIN_WAIT_1 client");
	play(s, "100.000 s F. 5001 ack 1001",
		"100.001 s . 5002 ack 1002");
	expect(s, "100.001 linger end flow FIN_WAIT_1 client");
	play(s, "100.002 c . 1002 ack 5002");
	expect(s, "100.002 close fin by both simultaneous TIME_WAIT/TIME_WAIT");
}

static void linger_ends_with_a_reset(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 s . 5001 ack 1002");
	wait_until(s, "95");
	expect(s, "61.100 linger start flow CLOSE_WAIT server",
	       "91.100 linger start flow FIN_WAIT_2 client");
	play(s, "100.000 s R. 5001 ack 1002 own");
	expect(s, "100.000 linger end flow CLOSE_WAIT server",
	       "100.000 linger end flow FIN_WAIT_2 client",
	       "100.000 close reset by server FIN_WAIT_2/CLOSE_WAIT");
}

static void one_fin_never_acknowledged(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"2.000 c F. 1001 ack 5001");
	told_within_a_sweep(s, 77100, "77.100 close timeout FIN_WAIT_1/ESTABLISHED");
	assert_int_equal(counted(s, connections_timed_out), 1);
}

static void last_ack_never_seen(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s F. 5001 ack 1002");
	told_within_a_sweep(s, 76100, "76.100 close fin by client three_way FIN_WAIT_2/LAST_ACK inferred last_ack");
	assert_int_equal(counted(s, time_wait_entered), 1);
}

static void time_wait_told_per_flow(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.time_wait_after = 30 * TICKS_PER_SEC;
	restage(s, &config);
	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001", "1.010 s F. 5001 ack 1002", "1.011 c . 1002 ack 5002");
	expect(s, "1.011 close fin by client three_way TIME_WAIT/CLOSED");
	told_within_a_sweep(s, 31100, "31.100 linger start flow TIME_WAIT client");
	told_within_a_sweep(s, 61100, "61.100 linger end flow TIME_WAIT client");
	expect_standing(s, "nothing");
}

/* So many connections of one client to one service, closed one after the other. */
static void close_many(struct stage *s, u32 n, u16 first_port)
{
	for (u32 i = 0; i < n; i++) {
		s->client_port = (u16)(first_port + i);
		play(s, "1.000 c S 1000", "1.000 s S. 5000 ack 1001", "1.000 c . 1001 ack 5001",
			"1.000 c F. 1001 ack 5001", "1.000 s F. 5001 ack 1002", "1.000 c . 1002 ack 5002");
	}
}

static void time_wait_told_per_pair(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.pair_limit = 3;
	config.events = 1u << EVENT_LINGER;
	restage(s, &config);
	close_many(s, 2, 10000);
	expect_nothing(s);
	close_many(s, 1, 20000);
	expect(s, "1.000 linger start pair TIME_WAIT client");
	assert_int_equal(last_event(s)->count, 3);
	close_many(s, 3, 30000); /* told once, however much it grows */
	expect_nothing(s);
	wait_until(s, "70");
	expect(s, "61.000 linger end pair TIME_WAIT client");
	assert_int_equal(last_event(s)->count, 2);
	assert_int_equal(counted(s, time_wait_expired), 6);
}

/* --- idle --- */

static void probing(struct stage *s)
{
	struct config config = stage_config();

	config.idle_after = 8000 * TICKS_PER_SEC;
	restage(s, &config);
	open_one(s);
}

static void idle_after_probation(void **state)
{
	struct stage *s = *state;

	probing(s);
	wait_until(s, "7999");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "8001.1");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED probation");
	told_within_a_sweep(s, 8060100, "8060.100 close idle ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, connections_idle), 1);
}

/* Settled connections are not looked up, so this is the first sign of life that is noticed. */
static void probation_passed(void **state)
{
	struct stage *s = *state;

	probing(s);
	play(s, "4000.000 c P. 1001:1101(100) ack 5001");
	assert_int_equal(counted(s, not_watched), 1);
	wait_until(s, "8010");
	play(s, "8010.000 c P. 1101:1201(100) ack 5001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "8100");
	expect_nothing(s);
	told_within_a_sweep(s, 16070100, "16070.100 close idle ESTABLISHED/ESTABLISHED");
}

/* The 20 bits of a deadline go round every 29 hours; what nobody tests for idleness stays for ever. */
static void deadlines_go_round(void **state)
{
	struct stage *s = *state;

	open_one(s);
	for (u32 hour = 1; hour < 100; hour++) {
		host_clock(s->host, s->begin + hour * 3600 * NSEC_PER_SEC);
		expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	}
	play(s, "360000.000 c F. 1001 ack 5001", "360000.010 s F. 5001 ack 1002", "360000.011 c . 1002 ack 5002");
	expect(s, "360000.011 close fin by client three_way TIME_WAIT/CLOSED");
	wait_until(s, "360070");
	/* the end of all scenes lies before this one */
	s->begin += 360000 * NSEC_PER_SEC;
}

/* --- which events --- */

static void events_not_selected(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.events = 1u << EVENT_CLOSE;
	restage(s, &config);
	play(s, "0.000 c S 1000");
	wait_until(s, "4");
	play(s, "5.000 s S. 5000 ack 1001", "5.001 c . 1001 ack 5001",
		"6.000 c F. 1001 ack 5001", "6.010 s F. 5001 ack 1002", "6.011 c . 1002 ack 5002");
	expect(s, "6.011 close fin by client three_way TIME_WAIT/CLOSED");
	assert_int_equal(counted(s, events_made), 3);
	assert_int_equal(counted(s, events_filtered), 2);
}

static void only_slow_opens(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.slow_open_ns = 100 * NSEC_PER_MSEC;
	restage(s, &config);
	play(s, "0.000 c S 1000", "0.020 s S. 5000 ack 1001", "0.099 c . 1001 ack 5001");
	expect_nothing(s);
	assert_int_equal(counted(s, events_filtered), 1);
	s->client_port = 2;
	play(s, "1.000 c S 1000", "1.020 s S. 5000 ack 1001", "1.100 c . 1001 ack 5001");
	expect(s, "1.100 open three_way 20000+80000 us 1 SYN 1 SYN-ACK");
	/* fast, but not without a retransmission */
	s->client_port = 3;
	play(s, "2.000 c S 1000", "2.010 c S 1000", "2.020 s S. 5000 ack 1001", "2.030 c . 1001 ack 5001");
	expect(s, "2.030 open three_way 0+10000 us 2 SYN 1 SYN-ACK");
}

MAIN_OF_SCENES(scene(half_open_for_want_of_a_synack), scene(half_open_for_want_of_an_ack),
	       scene(open_after_half_open), scene(given_up_after_silence), scene(signs_of_life),
	       scene(packet_at_its_own_deadline), scene(packet_before_its_deadline), scene(close_wait_lingers),
	       scene(linger_ends_for_who_it_began_for), scene(linger_ends_with_a_reset),
	       scene(one_fin_never_acknowledged), scene(last_ack_never_seen), scene(time_wait_told_per_flow),
	       scene(time_wait_told_per_pair), scene(idle_after_probation), scene(probation_passed),
	       scene(deadlines_go_round), scene(events_not_selected), scene(only_slow_opens))
