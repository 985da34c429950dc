/* SPDX-License-Identifier: GPL-2.0-only */
/* One pair of endpoints, used again: what belongs to which connection. */
#include "stage.h"

static void open_one(struct stage *s)
{
	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* Opened, and closed at 1.021. */
static void close_one(struct stage *s)
{
	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 s F. 5001 ack 1002",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

/* A forged or stale SYN gets a challenge ACK and no more: the connection stands. */
static void unanswered_syn_beside_a_live_one(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "10.000 c S 77000",
		"10.001 s . 5001 ack 1001");
	expect_standing(s, "pending SYN_SENT/CLOSED, connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "90");
	expect(s, "13.000 half_open syn_ack",
	       "85.100 close timeout SYN_SENT/CLOSED not opened");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED, tomb SYN_SENT/CLOSED");
	play(s, "91.000 c F. 1001 ack 5001",
		"91.020 s F. 5001 ack 1002",
		"91.021 c . 1002 ack 5002");
	expect(s, "91.021 close fin by client three_way TIME_WAIT/CLOSED");
}

/* Both ends had rebooted, or were silent for too long: the new handshake is the proof. */
static void answered_syn_replaces_the_live_one(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "10.000 c S 77000",
		"10.001 s S. 88000 ack 77001");
	expect_nothing(s);
	expect_standing(s, "pending SYN_SENT/SYN_RCVD, connection ESTABLISHED/ESTABLISHED");
	play(s, "10.002 c . 77001 ack 88001");
	expect(s, "10.002 close replaced ESTABLISHED/ESTABLISHED",
	       "10.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED, tomb ESTABLISHED/ESTABLISHED");
	play(s, "11.000 c F. 77001 ack 88001", "11.001 s F. 88001 ack 77002", "11.002 c . 77002 ack 88002");
	expect(s, "11.002 close fin by client three_way TIME_WAIT/CLOSED");
}

/* Data of the old connection goes on beside the new SYN and proves nothing of it. */
static void old_data_beside_a_new_syn(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "10.000 c S 77000",
		"10.001 s . 5001:5101(100) ack 1001",
		"10.002 c . 1001 ack 5101",
		"10.003 s S. 88000 ack 77001",
		"10.004 c . 1001 ack 5101");
	expect_nothing(s);
	expect_standing(s, "pending SYN_SENT/SYN_RCVD, connection ESTABLISHED/ESTABLISHED");
}

/* A FIN of the old connection beside a new handshake closes the old one. */
static void old_fin_beside_a_new_syn(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "10.000 c S 77000",
		"10.001 s F. 5001 ack 1001");
	expect_standing(s, "pending SYN_SENT/CLOSED, connection ESTABLISHED/FIN_WAIT_1 fin");
	play(s, "10.010 c F. 1001 ack 5002",
		"10.011 s . 5002 ack 1002");
	expect(s, "10.011 close fin by server three_way CLOSED/TIME_WAIT");
	expect_standing(s, "pending SYN_SENT/CLOSED, tomb CLOSED/TIME_WAIT");
}

/* The handshake itself is begun anew, with another number: the old SYN has no answer to come. */
static void second_handshake_beside_the_first(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"1.000 c S 2000",
		"1.010 s S. 5000 ack 2001",
		"1.011 c . 2001 ack 5001");
	expect(s, "1.011 close replaced SYN_SENT/CLOSED not opened",
	       "1.011 open three_way 10000+1000 us 1 SYN 1 SYN-ACK");
	assert_int_equal(counted(s, handshakes_replaced), 1);
}

/* RFC 9293 section 3.6.1, RFC 6191: a new SYN may cut a TIME_WAIT short. */
static void time_wait_reused(void **state)
{
	struct stage *s = *state;

	close_one(s);
	play(s, "2.000 c S 90000",
		"2.001 s S. 95000 ack 90001",
		"2.002 c . 90001 ack 95001");
	expect(s, "2.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, time_wait_reused), 1);
}

/* The client's TIME_WAIT is held by its host for 60 s, and so by us. */
static void time_wait_expires(void **state)
{
	struct stage *s = *state;

	close_one(s);
	wait_until(s, "61");
	expect_standing(s, "tomb TIME_WAIT/CLOSED");
	wait_until(s, "63");
	expect_standing(s, "nothing");
	assert_int_equal(counted(s, time_wait_expired), 1);
}

static void late_segments_after_a_close_by_fin(void **state)
{
	struct stage *s = *state;

	close_one(s);
	play(s, "1.100 s F. 5001 ack 1002",
		"1.101 c . 1002 ack 5002",
		"1.200 c R 1002",
		"1.300 c S 1000",
		"1.400 s S. 5000 ack 1001");
	expect_nothing(s);
	expect_standing(s, "tomb TIME_WAIT/CLOSED");
	assert_int_equal(counted(s, after_close), 4);
	assert_int_equal(counted(s, not_watched), 1);
}

static void late_segments_after_a_reset(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R. 1001 ack 5001 own");
	expect(s, "1.000 close reset by client ESTABLISHED/ESTABLISHED");
	play(s, "1.001 s F. 5001 ack 1001",
		"1.002 c R 1001");
	expect_nothing(s);
	assert_int_equal(counted(s, after_close), 2);
}

/* A client that tries a closed port three times has tried one connection. */
static void refused_again_and_again(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000", "0.001 s R. 0 ack 1001");
	expect(s, "0.001 close refused by server SYN_SENT/CLOSED not opened");
	play(s, "0.500 c S 1000", "0.501 s R. 0 ack 1001",
		"1.000 c S 1000", "1.001 s R. 0 ack 1001");
	expect_nothing(s);
	assert_int_equal(counted(s, after_close), 4);
	assert_int_equal(counted(s, handshakes_started), 1);
}

/* The RST was not taken, or the server has come up: the repeated SYN is answered after all. */
static void answered_after_it_was_refused(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000", "0.001 s R. 0 ack 1001",
		"1.000 c S 1000", "1.001 s S. 5000 ack 1001",
		"1.002 c . 1001 ack 5001");
	expect(s, "0.001 close refused by server SYN_SENT/CLOSED not opened",
	       "1.002 open three_way 0+1000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, handshakes_started), 2);
}

/* Without a repeated SYN it is the answer to the one that is over. */
static void late_synack_after_the_client_aborted(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 c R 1001",
		"0.020 s S. 5000 ack 1001");
	expect(s, "0.010 close aborted by client SYN_SENT/CLOSED not opened");
	expect_standing(s, "tomb SYN_SENT/CLOSED");
	assert_int_equal(counted(s, after_close), 1);
}

static void new_syn_after_it_was_refused(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000", "0.001 s R. 0 ack 1001",
		"1.000 c S 2000", "1.001 s S. 5000 ack 2001", "1.002 c . 2001 ack 5001");
	expect(s, "0.001 close refused by server SYN_SENT/CLOSED not opened",
	       "1.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK");
}

/* The pair has three lives in a row, with nothing but its numbers to tell them apart. */
static void three_lives(void **state)
{
	struct stage *s = *state;

	close_one(s);
	play(s, "2.000 c S 20000", "2.001 s S. 60000 ack 20001", "2.002 c . 20001 ack 60001",
		"2.003 s R. 60001 ack 20001 own");
	expect(s, "2.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK",
	       "2.003 close reset by server ESTABLISHED/ESTABLISHED");
	play(s, "3.000 c S 40000", "3.001 s S. 80000 ack 40001", "3.002 c . 40001 ack 80001",
		"4.000 s F. 80001 ack 40001", "4.001 c F. 40001 ack 80002", "4.002 s . 80002 ack 40002");
	expect(s, "3.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK",
	       "4.002 close fin by server three_way CLOSED/TIME_WAIT");
}

/* The ends change roles: who was the server opens now. */
static void opened_the_other_way_round(void **state)
{
	struct stage *s = *state;

	close_one(s);
	play(s, "2.000 s S 60000", "2.001 c S. 20000 ack 60001", "2.002 s . 60001 ack 20001");
	expect(s, "2.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK");
	assert_int_equal(last_event(s)->flow.key.port[flow_client(&last_event(s)->flow)], SERVER_PORT);
}

/* A FIN of a life before the new one was opened must not close it. */
static void old_fin_after_the_new_open(void **state)
{
	struct stage *s = *state;

	close_one(s);
	play(s, "2.000 c S 90000", "2.001 s S. 95000 ack 90001", "2.002 c . 90001 ack 95001",
		"2.003 s F. 5001 ack 1002");
	expect(s, "2.002 open three_way 1000+1000 us 1 SYN 1 SYN-ACK");
	/* a claim, as any FIN; what its sender sends next takes it back */
	play(s, "2.010 s P. 95001:95101(100) ack 90001",
		"2.020 c F. 90001 ack 95101",
		"2.021 s F. 95101 ack 90002",
		"2.022 c . 90002 ack 95102");
	expect(s, "2.022 close fin by client three_way TIME_WAIT/CLOSED");
}

MAIN_OF_SCENES(scene(unanswered_syn_beside_a_live_one), scene(answered_syn_replaces_the_live_one),
	       scene(old_data_beside_a_new_syn), scene(old_fin_beside_a_new_syn),
	       scene(second_handshake_beside_the_first), scene(time_wait_reused), scene(time_wait_expires),
	       scene(late_segments_after_a_close_by_fin), scene(late_segments_after_a_reset),
	       scene(refused_again_and_again), scene(answered_after_it_was_refused),
	       scene(late_synack_after_the_client_aborted), scene(new_syn_after_it_was_refused),
	       scene(three_lives), scene(opened_the_other_way_round), scene(old_fin_after_the_new_open))
