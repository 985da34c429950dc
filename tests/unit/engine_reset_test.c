/* SPDX-License-Identifier: GPL-2.0-only */
/* RSTs: which are believed, when, and what they end. */
#include "stage.h"

static void open_one(struct stage *s)
{
	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* RFC 9293 section 3.10.7.1: nobody listens. */
static void refused(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s R. 0 ack 1001");
	expect(s, "0.010 close refused by server SYN_SENT/CLOSED not opened");
	expect_standing(s, "tomb SYN_SENT/CLOSED");
}

static void refused_with_data_in_the_syn(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000:1100(100)",
		"0.010 s R. 0 ack 1101");
	expect(s, "0.010 close refused by server SYN_SENT/CLOSED not opened");
}

/* Without ACK, or of a number never sent, it could be anybody's. */
static void refusal_with_wrong_numbers(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s R 0",
		"0.011 s R. 0 ack 1002",
		"0.012 s R. 0 ack 1000");
	expect_nothing(s);
	assert_int_equal(counted(s, rst_ignored), 3);
	play(s, "0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

static void aborted_before_the_answer(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 c R 1001");
	expect(s, "0.010 close aborted by client SYN_SENT/CLOSED not opened");
}

/* A port scanner's way: SYN, SYN-ACK, RST. */
static void aborted_after_the_answer(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 1001",
		"0.020 c R 1001");
	expect(s, "0.020 close aborted by client SYN_SENT/SYN_RCVD not opened");
	assert_int_equal(counted(s, handshakes_aborted), 1);
}

static void reset_by_the_server_after_its_synack(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 1001",
		"0.020 s R 5001");
	expect(s, "0.020 close reset by server SYN_SENT/SYN_RCVD not opened");
	assert_int_equal(counted(s, handshakes_reset), 1);
}

/*
 * RFC 9293 figure 9, "Recovery from Old Duplicate", and RFC 5961 section 4: a
 * stale peer answers by a challenge ACK, the client resets what that speaks of,
 * and its SYN, repeated, opens.
 */
static void same_syn_opens_after_reset_of_a_stale_peer(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s . 70000 ack 90000",
		"0.011 c R 90000");
	expect_nothing(s);
	assert_int_equal(counted(s, challenge_acks), 1);
	assert_int_equal(counted(s, rst_ignored), 1);
	play(s, "1.000 c S 1000",
		"1.010 s S. 5000 ack 1001",
		"1.011 c . 1001 ack 5001");
	expect(s, "1.011 open three_way 0+1000 us 2 SYN 1 SYN-ACK");
}

/* The stale peer is in SYN_RCVD: its SYN-ACK, and its RST, speak of the handshake before. */
static void reset_of_a_stale_peer_in_syn_rcvd(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 70000 ack 90000",
		"0.011 c R 90000",
		"0.012 s R 70001");
	expect_nothing(s);
	assert_int_equal(counted(s, synack_unfit), 1);
	assert_int_equal(counted(s, rst_ignored), 2);
	play(s, "1.000 c S 1000",
		"1.010 s S. 5000 ack 1001",
		"1.011 c . 1001 ack 5001");
	assert_int_equal(counted(s, handshakes_completed), 1);
}

static void own_reset_needs_no_proof(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 s R 4711 own");
	expect(s, "1.000 close reset by server ESTABLISHED/ESTABLISHED");
	expect_standing(s, "tomb ESTABLISHED/ESTABLISHED");
}

/* RFC 5961 section 3.2: a receiver takes exactly rcv_nxt, and we know it. */
static void exact_number_of_the_local_socket(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1001 rcv_nxt 1001 rcv_wnd 65535");
	expect(s, "1.000 close reset by client ESTABLISHED/ESTABLISHED");
}

static void outside_the_window_of_the_local_socket(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1000 rcv_nxt 1001 rcv_wnd 65535",
		"1.001 c R 66537 rcv_nxt 1001 rcv_wnd 65535");
	expect_nothing(s);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, rst_ignored), 2);
}

/* Data before it may still be on its way from the hook to the socket: two seconds tell. */
static void in_the_window_of_the_local_socket(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1101 rcv_nxt 1001 rcv_wnd 65535");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED reset");
	wait_until(s, "4");
	expect(s, "3.000 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
}

static void silence_confirms(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.050 c R 1001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED reset");
	wait_until(s, "2.9");
	expect_nothing(s);
	wait_until(s, "4");
	/* two seconds from the next tick: a deadline never comes early */
	expect(s, "3.100 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
}

static void its_sender_goes_on(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1001",
		"1.500 c P. 1001:1101(100) ack 5001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, rst_disproved), 1);
	wait_until(s, "10");
	expect_nothing(s);
}

/* What was on its way before the RST does not disprove it; nor does the other end, which has not got it yet. */
static void old_segments_disprove_nothing(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1101",
		"1.010 c P. 1001:1101(100) ack 5001",
		"1.020 s P. 5001:5101(100) ack 1001",
		"1.030 s . 5101 ack 1101");
	assert_int_equal(counted(s, rst_disproved), 0);
	wait_until(s, "4");
	expect(s, "3.000 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
	assert_int_equal(last_event(s)->flow.challenge_acks, 1);
}

static void second_reset_is_only_counted(void **state)
{
	struct stage *s = *state;
	const struct flow *flow;

	open_one(s);
	play(s, "1.000 c R 1001",
		"2.000 c R 1001");
	wait_until(s, "5");
	expect(s, "3.000 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
	flow = &last_event(s)->flow;
	assert_int_equal(flow->end[flow_client(flow)].rst, 2);
}

/* A FIN in flight has its numbers kept: a RST among them counts at once. */
static void while_a_fin_is_pending(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s P. 5001:5101(100) ack 1001",
		"1.020 c R 1002");
	expect(s, "1.020 close reset by client FIN_WAIT_1/ESTABLISHED");
}

static void foreign_number_while_a_fin_is_pending(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s P. 5001:5101(100) ack 1001",
		"1.020 c R 99999");
	expect_nothing(s);
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED reset");
	/* it is in doubt for two seconds: then nothing has contradicted */
	wait_until(s, "4");
	expect(s, "3.100 close reset by client FIN_WAIT_1/ESTABLISHED inferred reset");
}

/* The connection goes on to close while the RST is in doubt: there is nothing left to doubt. */
static void closed_by_fin_while_in_doubt(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 s R 99999",
		"1.010 c F. 1001 ack 5001",
		"1.020 s F. 5001 ack 1002",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

static void stray_reset_makes_nothing(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c R 1000",
		"0.001 s R. 5000 ack 1001");
	expect_standing(s, "nothing");
	assert_int_equal(counted(s, stray_rst), 2);
	assert_int_equal(counted(s, no_connection), 2);
}

/* RST decides over FIN. */
static void reset_with_fin(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c RF. 1001 ack 5001 own");
	expect(s, "1.000 close reset by client ESTABLISHED/ESTABLISHED");
}

/* The end of the capture is all the silence there will be. */
static void capture_ends_while_in_doubt(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c R 1001");
	host_conclude(s->host, HOW_END_OF_CAPTURE, s->begin + 1500 * NSEC_PER_MSEC);
	expect(s, "1.500 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
}

MAIN_OF_SCENES(scene(refused), scene(refused_with_data_in_the_syn), scene(refusal_with_wrong_numbers),
	       scene(aborted_before_the_answer), scene(aborted_after_the_answer),
	       scene(reset_by_the_server_after_its_synack), scene(same_syn_opens_after_reset_of_a_stale_peer),
	       scene(reset_of_a_stale_peer_in_syn_rcvd), scene(own_reset_needs_no_proof), scene(exact_number_of_the_local_socket),
	       scene(outside_the_window_of_the_local_socket), scene(in_the_window_of_the_local_socket),
	       scene(silence_confirms), scene(its_sender_goes_on), scene(old_segments_disprove_nothing),
	       scene(second_reset_is_only_counted), scene(while_a_fin_is_pending),
	       scene(foreign_number_while_a_fin_is_pending), scene(closed_by_fin_while_in_doubt),
	       scene(stray_reset_makes_nothing), scene(reset_with_fin), scene(capture_ends_while_in_doubt))
