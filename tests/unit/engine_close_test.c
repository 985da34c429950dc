/* SPDX-License-Identifier: GPL-2.0-only */
/* How open connections close by FIN, one way a test. */
#include "stage.h"

/* 0.000 to 0.021: the client has 1001 next, the server 5001. */
static void open_one(struct stage *s)
{
	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

/* RFC 9293 section 3.6, figure 12: "Normal Close Sequence". */
static void four_way(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
	play(s, "1.020 s . 5001 ack 1002");
	expect_standing(s, "connection FIN_WAIT_2/CLOSE_WAIT");
	play(s, "1.500 s F. 5001 ack 1002");
	expect_standing(s, "connection FIN_WAIT_2/LAST_ACK fin");
	expect_nothing(s);
	play(s, "1.501 c . 1002 ack 5002");
	expect(s, "1.501 close fin by client four_way TIME_WAIT/CLOSED");
	expect_standing(s, "tomb TIME_WAIT/CLOSED");
}

static void four_way_by_the_server(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 s F. 5001 ack 1001",
		"1.020 c . 1001 ack 5002",
		"1.500 c F. 1001 ack 5002",
		"1.501 s . 5002 ack 1002");
	expect(s, "1.501 close fin by server four_way CLOSED/TIME_WAIT");
}

static void three_way(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 s F. 5001 ack 1002");
	expect_standing(s, "connection FIN_WAIT_2/LAST_ACK fin");
	play(s, "1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

/* RFC 9293 section 3.6, figure 13. */
static void simultaneous_close(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.001 s F. 5001 ack 1001");
	expect_standing(s, "connection FIN_WAIT_1/FIN_WAIT_1 fin");
	play(s, "1.020 c . 1002 ack 5002");
	expect_standing(s, "connection CLOSING/FIN_WAIT_2 fin");
	play(s, "1.021 s . 5002 ack 1002");
	expect(s, "1.021 close fin by both simultaneous TIME_WAIT/TIME_WAIT");
}

/* The other end may send for as long as it likes (RFC 9293 section 3.6). */
static void half_close(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 s . 5001 ack 1002",
		"2.000 s . 5001:6001(1000) ack 1002",
		"2.020 c . 1002 ack 6001",
		"3.000 s P. 6001:7001(1000) ack 1002",
		"3.020 c . 1002 ack 7001");
	expect_standing(s, "connection FIN_WAIT_2/CLOSE_WAIT");
	/* nothing is in doubt: none of this was looked up */
	assert_int_equal(counted(s, not_watched), 4);
	play(s, "4.000 s F. 7001 ack 1002",
		"4.020 c . 1002 ack 7002");
	expect(s, "4.020 close fin by client four_way TIME_WAIT/CLOSED");
}

/* Data on its way when the FIN comes is acknowledged first: four packets, whichever the last two are. */
static void data_before_the_second_fin(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s P. 5001:5101(100) ack 1002",
		"1.011 s F. 5101 ack 1002",
		"1.020 c . 1002 ack 5102");
	expect(s, "1.020 close fin by client four_way TIME_WAIT/CLOSED");
}

static void fin_with_data(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c FP. 1001:1101(100) ack 5001",
		"1.010 s FP. 5001:5201(200) ack 1102",
		"1.020 c . 1102 ack 5202");
	expect(s, "1.020 close fin by client three_way TIME_WAIT/CLOSED");
}

/* A copy that was repeated after the peer's FIN carries a newer ack: the smallest one tells who was first. */
static void fin_repeated_with_newer_ack(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.001 s F. 5001 ack 1001",
		"1.300 c F. 1001 ack 5002",
		"1.301 s F. 5001 ack 1002");
	expect(s, "1.301 close fin by both simultaneous TIME_WAIT/TIME_WAIT");
}

/* The same, when the copies change places on their way. */
static void newer_copy_of_a_fin_first(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 s F. 5001 ack 1001",
		"1.300 c F. 1001 ack 5002",
		"1.301 c F. 1001 ack 5001",
		"1.302 s . 5002 ack 1002");
	expect(s, "1.302 close fin by both simultaneous TIME_WAIT/TIME_WAIT");
}

/* No stack sends one; that it does not cover the peer's FIN is then told by what it acknowledged before. */
static void fin_without_ack(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s F 5001",
		"1.020 s . 5002 ack 1002",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by both simultaneous TIME_WAIT/TIME_WAIT");
}

static void fin_without_ack_after_the_peers(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s . 5001 ack 1002",
		"1.020 s F 5001",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client four_way TIME_WAIT/CLOSED");
}

/* Two hooks, two queues: the ACK of a FIN may be counted before the FIN. Then it is nothing to us. */
static void ack_of_the_fin_first_is_repeated(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s . 5001 ack 1002",
		"1.020 c . 1002 ack 5002");
	expect_standing(s, "connection FIN_WAIT_2/CLOSE_WAIT");
	play(s, "1.021 s F. 5001 ack 1002");
	expect_standing(s, "connection FIN_WAIT_2/LAST_ACK fin");
	play(s, "1.300 s F. 5001 ack 1002",
		"1.301 c . 1002 ack 5002");
	expect(s, "1.301 close fin by client four_way TIME_WAIT/CLOSED");
}

/* While one FIN is pending every ACK is kept: the other FIN finds its own there. */
static void ack_before_the_fin_while_watched(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.020 c . 1002 ack 5002",
		"1.021 s F. 5001 ack 1002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

static void sequence_wraps_at_the_fin(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 0xfffffff0",
		"0.020 s S. 0xfffffffd ack 0xfffffff1",
		"0.021 c . 0xfffffff1 ack 0xfffffffe",
		"1.000 c FP. 0xfffffff1:0xffffffff(14) ack 0xfffffffe",
		"1.010 s . 0xfffffffe ack 0",
		"1.020 s FP. 0xfffffffe:0xffffffff(1) ack 0",
		"1.021 c . 0 ack 0");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK",
	       "1.021 close fin by client four_way TIME_WAIT/CLOSED");
}

/* Counts stop at the close, and are the sender's own. */
static void counts_of_a_close(void **state)
{
	struct stage *s = *state;
	const struct flow *flow;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.300 c F. 1001 ack 5001",
		"1.310 s F. 5001 ack 1002",
		"1.311 c . 1002 ack 5002",
		"1.500 s F. 5001 ack 1002");
	expect(s, "1.311 close fin by client three_way TIME_WAIT/CLOSED");
	flow = &last_event(s)->flow;
	assert_int_equal(flow->end[flow_client(flow)].fin_count, 2);
	assert_int_equal(flow->end[PEER_OF(flow_client(flow))].fin_count, 1);
	assert_int_equal(flow->end[PEER_OF(flow_client(flow))].synack, 1);
	assert_int_equal(counted(s, after_close), 1);
}

/* A FIN that ends where its sender goes on was forged, or of another connection. */
static void data_beyond_a_fin_disproves_it(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c . 1001:1101(100) ack 5001",
		"1.001 c F. 1101 ack 5001");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
	play(s, "1.002 c . 1101:1201(100) ack 5001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, fin_disproved), 1);
	expect_nothing(s);
}

/* The forged one goes, the true one stays, and closes. */
static void true_fin_after_a_forged_one(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 7777 ack 5001",
		"1.010 c F. 1001 ack 5001",
		"1.020 s F. 5001 ack 1002",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

static void forged_fin_after_the_true_one(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 c F. 7777 ack 5001",
		"1.020 s F. 5001 ack 1002",
		"1.021 c . 1002 ack 5002");
	expect(s, "1.021 close fin by client three_way TIME_WAIT/CLOSED");
}

/* The local socket has taken more than that FIN would end: nothing that its peer sent. */
static void fin_that_the_local_socket_left_behind(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001 rcv_nxt 1101");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, fin_ignored), 1);
	play(s, "2.000 c F. 1101 ack 5001 rcv_nxt 1101");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
}

/* Its first copy was taken; a repeat lies behind the socket, and is the same FIN all the same. */
static void repeated_fin_of_a_local_socket(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c F. 1001 ack 5001 rcv_nxt 1001",
		"1.200 c F. 1001 ack 5001 rcv_nxt 1002",
		"1.210 s F. 5001 ack 1002 own",
		"1.211 c . 1002 ack 5002");
	expect(s, "1.211 close fin by client three_way TIME_WAIT/CLOSED");
	assert_int_equal(counted(s, fin_ignored), 0);
}

MAIN_OF_SCENES(scene(four_way), scene(four_way_by_the_server), scene(three_way), scene(simultaneous_close),
	       scene(half_close), scene(data_before_the_second_fin), scene(fin_with_data),
	       scene(fin_repeated_with_newer_ack), scene(newer_copy_of_a_fin_first), scene(fin_without_ack),
	       scene(fin_without_ack_after_the_peers), scene(ack_of_the_fin_first_is_repeated),
	       scene(ack_before_the_fin_while_watched), scene(sequence_wraps_at_the_fin),
	       scene(counts_of_a_close), scene(data_beyond_a_fin_disproves_it),
	       scene(true_fin_after_a_forged_one), scene(forged_fin_after_the_true_one),
	       scene(fin_that_the_local_socket_left_behind), scene(repeated_fin_of_a_local_socket))
