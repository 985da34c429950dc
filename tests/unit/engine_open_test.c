/* SPDX-License-Identifier: GPL-2.0-only */
/* How connections open, one way a test. */
#include "stage.h"

static void three_way(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000");
	expect_standing(s, "pending SYN_SENT/CLOSED");
	play(s, "0.020 s S. 5000 ack 1001");
	/* the server has acknowledged the SYN and taken it: the client may not have the answer yet */
	expect_standing(s, "pending SYN_SENT/SYN_RCVD");
	expect_nothing(s);
	play(s, "0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, handshakes_completed), 1);
}

static void syn_repeated(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"1.000 c S 1000",
		"1.020 s S. 5000 ack 1001",
		"1.021 c . 1001 ack 5001");
	/* which SYN the SYN-ACK answers is not known: no first half of the round trip */
	expect(s, "1.021 open three_way 0+1000 us 2 SYN 1 SYN-ACK");
	assert_int_equal(counted(s, syn_repeated), 1);
}

static void synack_repeated(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"1.020 s S. 5000 ack 1001",
		"1.021 c . 1001 ack 5001");
	expect(s, "1.021 open three_way 0+0 us 1 SYN 2 SYN-ACK");
	assert_int_equal(counted(s, synack_repeated), 1);
	assert_int_equal(counted(s, accept_suspected), 0);
}

static void data_in_third_ack(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c P. 1001:1101(100) ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* The third ACK was lost in front of us; data sent in its wake proves as much. */
static void data_instead_of_third_ack(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000 wscale 7",
		"0.020 s S. 5000 ack 1001 wscale 7",
		"0.041 c . 2461:3921(1460) ack 5001");
	expect(s, "0.041 open three_way 20000+21000 us 1 SYN 1 SYN-ACK");
}

/* What only the peer sent says nothing of an end that has not answered yet. */
static void server_data_opens_nothing(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 s P. 5001:5101(100) ack 1001");
	expect_nothing(s);
	expect_standing(s, "pending SYN_SENT/SYN_RCVD");
	play(s, "0.030 c . 1001 ack 5101");
	expect(s, "0.030 open three_way 20000+10000 us 1 SYN 1 SYN-ACK");
}

/* RFC 7413: the SYN-ACK acknowledges the data that came with the SYN. */
static void fast_open(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000:1100(100)",
		"0.020 s S. 5000 ack 1101",
		"0.020 s P. 5001:5201(200) ack 1101",
		"0.021 c . 1101 ack 5201");
	expect(s, "0.021 open fast_open 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* Its data refused, a SYN with data opens as any other. */
static void fast_open_without_cookie(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000:1100(100)",
		"0.020 s S. 5000 ack 1001",
		"0.021 c P. 1001:1101(100) ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* RFC 9293 section 3.5, figure 7. */
static void simultaneous_open(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.001 s S 5000");
	expect_standing(s, "pending SYN_SENT/SYN_SENT");
	play(s, "0.010 c S. 1000 ack 5001");
	expect_standing(s, "pending SYN_RCVD/SYN_SENT");
	play(s, "0.011 s S. 5000 ack 1001");
	expect(s, "0.011 open simultaneous 0+0 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, handshakes_started), 1);
}

/* The SYN-ACKs crossed and were lost behind us; the repeats change nothing. */
static void simultaneous_open_repeated(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.001 s S 5000",
		"0.010 c S. 1000 ack 5001",
		"1.000 s S 5000",
		"1.010 c S. 1000 ack 5001",
		"1.011 s S. 5000 ack 1001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	assert_int_equal(counted(s, syn_repeated), 1);
	assert_int_equal(counted(s, synack_repeated), 1);
	expect(s, "1.011 open simultaneous 0+0 us 1 SYN 1 SYN-ACK");
}

/* A server that answers the SYN by a SYN of its own; the client answers with a SYN-ACK. */
static void split_open(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S 5000",
		"0.020 c S. 1000 ack 5001",
		"0.030 s . 5001 ack 1001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	assert_int_equal(counted(s, handshakes_started), 1);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	expect(s, "0.030 open split 0+0 us 1 SYN 0 SYN-ACK");
}

/* Two hooks, two queues: the third ACK may be counted before the SYN-ACK is. */
static void ack_before_synack(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.021 c . 1001 ack 5001");
	expect_nothing(s);
	play(s, "0.021 s S. 5000 ack 1001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	expect(s, "0.021 open three_way 21000+0 us 1 SYN 1 SYN-ACK");
}

static void synack_before_syn(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 s S. 5000 ack 1001",
		"0.000 c S 1000",
		"0.010 c . 1001 ack 5001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	assert_int_equal(counted(s, handshakes_started), 1);
	assert_int_equal(counted(s, adoptions_joined), 1);
	assert_int_equal(counted(s, begun_by_handshake), 1);
	expect(s, "0.010 open three_way 0+10000 us 1 SYN 1 SYN-ACK");
}

/* The SYN-ACK takes the data as well: the ISN is not its ack less one. */
static void fast_open_synack_before_syn(void **state)
{
	struct stage *s = *state;
	const struct flow *flow;

	play(s, "0.000 s S. 5000 ack 1101",
		"0.000 c S 1000:1100(100) wscale 7",
		"0.010 c . 1101 ack 5001");
	expect(s, "0.010 open fast_open 0+10000 us 1 SYN 1 SYN-ACK");
	flow = &last_event(s)->flow;
	assert_int_equal(flow->end[flow_client(flow)].isn, 1000);
	assert_int_equal(flow->end[flow_client(flow)].wscale, 7);
	assert_int_equal(counted(s, adoptions_joined), 1);
}

/* The ISN is the last number before the wrap. */
static void sequence_wraps_at_the_syn(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 0xffffffff",
		"0.020 s S. 0xfffffffe ack 0",
		"0.021 c P. 0:100(100) ack 0xffffffff");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* Who acknowledges what was never sent proves nothing (a blind "third ACK"). */
static void ack_beyond_what_was_sent(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5002",
		"0.022 c . 1001 ack 5000");
	expect_nothing(s);
	expect_standing(s, "pending SYN_SENT/SYN_RCVD");
}

/* Nor one with a sequence number that the server cannot take. */
static void ack_from_outside_the_window(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 66538 ack 5001",
		"0.022 c . 1000 ack 5001");
	expect_nothing(s);
	play(s, "0.030 c . 66537 ack 5001");
	expect(s, "0.030 open three_way 20000+10000 us 1 SYN 1 SYN-ACK");
}

/* The window that counts is the one offered by who takes the segment. */
static void window_is_scaled_by_the_receiver(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000 wscale 0",
		"0.020 s S. 5000 ack 1001 wscale 1",
		"0.021 c . 132074 ack 5001");
	expect_nothing(s);
	play(s, "0.030 c . 132073 ack 5001");
	expect(s, "0.030 open three_way 20000+10000 us 1 SYN 1 SYN-ACK");
}

/* SYN, SYN-ACK, SYN, SYN-ACK: nobody has acknowledged the server's SYN. */
static void repeats_alone_open_nothing(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000", "0.010 s S. 5000 ack 1001",
		"1.000 c S 1000", "1.010 s S. 5000 ack 1001");
	expect_nothing(s);
	expect_standing(s, "pending SYN_SENT/SYN_RCVD");
}

/* Two servers behind one address (or a forger): the claim that is acknowledged counts. */
static void other_synack_claims(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 1001",
		"0.011 s S. 9000 ack 1001",
		"0.020 c . 1001 ack 5001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	assert_int_equal(last_event(s)->flow.end[PEER_OF(flow_client(&last_event(s)->flow))].isn, 5000);
	expect(s, "0.020 open three_way 0+0 us 1 SYN 2 SYN-ACK");
}

/* Its ack fits no SYN: a claim only, which an ACK of the client may confirm. */
static void synack_that_does_not_fit(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 7777");
	assert_int_equal(counted(s, synack_unfit), 1);
	expect_standing(s, "pending SYN_SENT/SYN_SENT");
	play(s, "0.020 s S. 6000 ack 1001",
		"0.030 c . 1001 ack 6001");
	assert_int_equal(counted(s, handshakes_completed), 1);
}

/* SYN with FIN or RST: no stack sends it, none takes it. */
static void odd_flags(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c SF 1000", "0.001 c SR 1000", "0.002 s SFR. 5000 ack 1001");
	expect_nothing(s);
	expect_standing(s, "nothing");
	assert_int_equal(counted(s, odd_flags), 3);
}

/* An end that closes before it is answered: its FIN belongs to the handshake (RFC 9293 section 3.10.4). */
static void fin_before_the_open(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 1001",
		"0.011 c F. 1001 ack 5001");
	expect(s, "0.011 open three_way 10000+1000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
	play(s, "0.020 s F. 5001 ack 1002",
		"0.021 c . 1002 ack 5002");
	expect(s, "0.021 close fin by client three_way TIME_WAIT/CLOSED");
}

/* A server that closes at once, before the third ACK: SYN_RCVD to FIN_WAIT_1. */
static void fin_of_the_server_in_syn_rcvd(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.010 s S. 5000 ack 1001",
		"0.011 s F. 5001 ack 1001");
	expect_standing(s, "pending SYN_SENT/FIN_WAIT_1");
	expect_nothing(s);
	play(s, "0.020 c . 1001 ack 5002");
	expect(s, "0.020 open three_way 10000+10000 us 1 SYN 1 SYN-ACK");
	expect_standing(s, "connection CLOSE_WAIT/FIN_WAIT_2");
	play(s, "0.030 c F. 1001 ack 5002",
		"0.031 s . 5002 ack 1002");
	expect(s, "0.031 close fin by server four_way CLOSED/TIME_WAIT");
}

MAIN_OF_SCENES(scene(three_way), scene(syn_repeated), scene(synack_repeated), scene(data_in_third_ack),
	       scene(data_instead_of_third_ack), scene(server_data_opens_nothing), scene(fast_open),
	       scene(fast_open_without_cookie), scene(simultaneous_open), scene(simultaneous_open_repeated),
	       scene(split_open), scene(ack_before_synack), scene(synack_before_syn), scene(fast_open_synack_before_syn),
	       scene(sequence_wraps_at_the_syn), scene(ack_beyond_what_was_sent),
	       scene(ack_from_outside_the_window), scene(window_is_scaled_by_the_receiver),
	       scene(repeats_alone_open_nothing), scene(other_synack_claims), scene(synack_that_does_not_fit),
	       scene(odd_flags), scene(fin_before_the_open), scene(fin_of_the_server_in_syn_rcvd))
