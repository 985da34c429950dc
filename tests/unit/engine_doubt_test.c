/* SPDX-License-Identifier: GPL-2.0-only */
/* What is not seen, seen twice or only suspected: adoption, views, places, the accept queue. */
#include <stdio.h>

#include "stage.h"

static void open_one(struct stage *s)
{
	play(s, "0.000 c S 1000",
		"0.020 s S. 5000 ack 1001",
		"0.021 c . 1001 ack 5001");
	expect(s, "0.021 open three_way 20000+1000 us 1 SYN 1 SYN-ACK");
}

static const struct flow *last_flow(const struct stage *s)
{
	return &last_event(s)->flow;
}

/* --- the accept queue --- */

/* The server has no room for the connection, throws the ACK away and repeats its SYN-ACK. */
static void accept_queue_full(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.020 s S. 5000 ack 1001",
		"1.021 c . 1001 ack 5001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED accept");
	assert_int_equal(counted(s, accept_suspected), 1);
	wait_until(s, "4");
	expect_nothing(s);
	wait_until(s, "5");
	expect(s, "4.100 half_open accept");
	/* watched for another 75 s, in vain */
	wait_until(s, "79");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED accept");
	wait_until(s, "80.2");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	expect_nothing(s);
}

/* The ACK was lost behind us: the server got the next one and goes on. */
static void accept_cleared_by_the_server(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.020 s S. 5000 ack 1001",
		"1.021 c . 1001 ack 5001",
		"2.000 s P. 5001:5101(100) ack 1001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "10");
	expect_nothing(s);
}

/* The client's word does not settle it. */
static void accept_not_cleared_by_the_client(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.020 s S. 5000 ack 1001",
		"2.000 c P. 1001:1101(100) ack 5001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED accept");
}

/* SYN and SYN-ACK were repeated while their answers were on the way: nothing to suspect. */
static void crossing_retransmissions(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 c S 1000",
		"1.020 s S. 5000 ack 1001",
		"1.021 c . 1001 ack 5001");
	assert_int_equal(counted(s, accept_suspected), 0);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
}

/* The repeated SYN comes after the SYN-ACK that was suspicious. */
static void suspicion_dropped_for_a_repeated_syn(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.000 s S. 5000 ack 1001",
		"1.020 c S 1000");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "10");
	expect_nothing(s);
}

/* The second sighting of a SYN-ACK is no repeat. */
static void synack_at_another_place(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "0.022 s S. 5000 ack 1001 at 2");
	assert_int_equal(counted(s, accept_suspected), 0);
	assert_int_equal(counted(s, duplicate), 1);
}

static void close_while_accept_is_suspected(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.020 s S. 5000 ack 1001",
		"2.000 c F. 1001 ack 5001",
		"2.010 s F. 5001 ack 1002",
		"2.011 c . 1002 ack 5002");
	expect(s, "2.011 close fin by client three_way TIME_WAIT/CLOSED");
}

/* Suspected, and then the client closes: from then on its FIN is what is waited for. */
static void fin_while_accept_is_suspected(void **state)
{
	struct stage *s = *state;

	open_one(s);
	play(s, "1.020 s S. 5000 ack 1001",
		"2.000 c F. 1001 ack 5001");
	expect_standing(s, "connection FIN_WAIT_1/ESTABLISHED fin");
	wait_until(s, "200");
	expect(s, "77.100 close timeout FIN_WAIT_1/ESTABLISHED");
}

/* --- adoption --- */

static void stray_synack_adopted(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 s S. 5000 ack 1001");
	expect_standing(s, "pending SYN_SENT/SYN_RCVD");
	assert_int_equal(counted(s, adoptions_started), 1);
	assert_int_equal(counted(s, handshakes_started), 0);
	play(s, "0.010 c . 1001 ack 5001");
	expect_nothing(s);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	assert_int_equal(counted(s, begun_by_adoption), 1);
	play(s, "1.000 c F. 1001 ack 5001",
		"1.010 s F. 5001 ack 1002",
		"1.011 c . 1002 ack 5002");
	expect(s, "1.011 close fin by client three_way TIME_WAIT/CLOSED adopted");
}

/* Only the very next numbers: a candidate has shown too little for a range. */
static void stray_synack_needs_exact_numbers(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 s S. 5000 ack 1001",
		"0.010 c . 1101 ack 5001",
		"0.020 c . 1001 ack 5002");
	assert_int_equal(counted(s, begun_by_adoption), 0);
	wait_until(s, "100");
	/* it showed a SYN-ACK: it has a close */
	expect(s, "75.100 close timeout SYN_SENT/SYN_RCVD not opened");
	assert_int_equal(counted(s, adoptions_expired), 1);
}

static void stray_fin_adopted(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c F. 1001 ack 5001");
	expect_standing(s, "pending CLOSED/CLOSED");
	play(s, "0.010 s . 5001 ack 1002");
	expect_standing(s, "connection FIN_WAIT_2/CLOSE_WAIT");
	play(s, "0.020 s F. 5001 ack 1002",
		"0.021 c . 1002 ack 5002");
	expect(s, "0.021 close fin by client four_way TIME_WAIT/CLOSED adopted");
}

/* The answer to the FIN is a FIN: who is who is a guess by the ports. */
static void stray_fins_adopted(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 s F. 5001 ack 1001",
		"0.010 c F. 1001 ack 5002",
		"0.011 s . 5002 ack 1002");
	expect(s, "0.011 close fin by server three_way CLOSED/TIME_WAIT adopted");
}

/* One that nothing acknowledges was nobody's connection. */
static void stray_fin_alone(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c F. 1001 ack 5001",
		"0.010 s . 5001 ack 1001");
	wait_until(s, "100");
	expect_nothing(s);
	assert_int_equal(counted(s, adoptions_expired), 1);
}

static void floods_of_fins_and_acks_adopt_nothing(void **state)
{
	struct stage *s = *state;
	char line[STAGE_LINE];

	for (u32 i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "%u.%03u %c %s %u ack %u", i / 100, i % 100 * 10, i % 7 ? 'c' : 's',
			 i % 3 ? "F." : ".", i * 2654435761u, i * 40503u * 65537u);
		play(s, line);
	}
	assert_int_equal(counted(s, begun_by_adoption), 0);
	assert_int_equal(counted(s, handshakes_started), 0);
	expect_nothing(s);
}

/* --- one direction --- */

static void one_sided(struct stage *s)
{
	struct config config = stage_config();

	config.view = VIEW_ONE_SIDED;
	restage(s, &config);
}

static void client_side_only(void **state)
{
	struct stage *s = *state;

	one_sided(s);
	play(s, "0.000 c S 1000",
		"0.020 c . 1001 ack 5001");
	expect(s, "0.020 open three_way 0+0 us 1 SYN 0 SYN-ACK inferred");
	assert_int_equal(last_flow(s)->flags & (FLOW_NO_SYNACK | FLOW_ONE_SIDED), FLOW_NO_SYNACK | FLOW_ONE_SIDED);
	play(s, "1.000 c F. 1001 ack 5001");
	wait_until(s, "77");
	assert_int_equal(last_event(s)->detail, HOW_FIN);
	assert_int_equal(last_event(s)->time - s->begin, 76100 * NSEC_PER_MSEC);
}

static void one_sided_handshakes_are_not_half_open(void **state)
{
	struct stage *s = *state;

	one_sided(s);
	play(s, "0.000 c S 1000");
	wait_until(s, "10");
	expect_nothing(s);
	wait_until(s, "76");
	expect(s, "75.100 close timeout SYN_SENT/CLOSED not opened");
}

static void server_side_only(void **state)
{
	struct stage *s = *state;

	one_sided(s);
	play(s, "0.000 s S. 5000 ack 1001",
		"0.030 s P. 5001:5101(100) ack 1101");
	assert_int_equal(counted(s, handshakes_completed), 1);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
}

/* --- places --- */

/* A router's two interfaces: each packet comes by twice. */
static void seen_at_two_places(void **state)
{
	struct stage *s = *state;
	const struct flow *flow;

	play(s, "0.000 c S 1000 at 1", "0.001 c S 1000 at 2",
		"0.020 s S. 5000 ack 1001 at 2", "0.021 s S. 5000 ack 1001 at 1",
		"0.030 c . 1001 ack 5001 at 1", "0.031 c . 1001 ack 5001 at 2",
		"1.000 c F. 1001 ack 5001 at 1", "1.001 c F. 1001 ack 5001 at 2",
		"1.010 s F. 5001 ack 1002 at 2", "1.011 s F. 5001 ack 1002 at 1",
		"1.020 c . 1002 ack 5002 at 1", "1.021 c . 1002 ack 5002 at 2");
	expect(s, "0.030 open three_way 20000+10000 us 1 SYN 1 SYN-ACK",
	       "1.020 close fin by client three_way TIME_WAIT/CLOSED");
	flow = last_flow(s);
	assert_int_equal(flow->duplicates, 4);
	for (u32 end = 0; end < 2; end++)
		assert_int_equal(flow->end[end].fin_count, 1);
	assert_int_equal(counted(s, duplicate), 4);
	assert_int_equal(counted(s, syn_repeated) + counted(s, synack_repeated) + counted(s, after_close), 0);
}

/* A repeat is told by its place, whatever was seen elsewhere meanwhile. */
static void repeated_and_seen_twice(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000 at 1", "0.001 c S 1000 at 2",
		"1.000 c S 1000 at 1", "1.001 c S 1000 at 2",
		"1.020 s S. 5000 ack 1001 at 2", "1.021 s S. 5000 ack 1001 at 1",
		"1.030 c . 1001 ack 5001 at 1");
	expect(s, "1.030 open three_way 0+10000 us 2 SYN 1 SYN-ACK");
	assert_int_equal(counted(s, syn_repeated), 1);
	assert_int_equal(counted(s, duplicate), 3);
}

/* --- what never passed here --- */

/*
 * The SYN-ACK took another way (one that an XDP program answers itself passes no
 * hook), all else is seen. That it opened is known when a FIN is acknowledged.
 */
static void synack_never_seen(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 c . 1001 ack 5001",
		"0.030 c P. 1001:1101(100) ack 5001",
		"0.040 s P. 5001:5101(100) ack 1101",
		"1.000 c F. 1101 ack 5101",
		"1.010 s F. 5101 ack 1102",
		"1.011 c . 1102 ack 5102");
	expect(s, "1.010 open three_way 0+0 us 1 SYN 0 SYN-ACK inferred",
	       "1.011 close fin by client three_way TIME_WAIT/CLOSED inferred syn_ack");
}

/* It had only been overtaken: it is the connection's own, not the beginning of another one. */
static void synack_seen_after_a_fin(void **state)
{
	struct stage *s = *state;

	play(s, "0.000 c S 1000",
		"0.020 c F. 1001 ack 5001",
		"0.021 s F. 5001 ack 1002",
		"0.021 s S. 5000 ack 1001 wscale 7",
		"0.022 c F. 1001 ack 5001");
	expect(s, "0.021 open three_way 0+0 us 1 SYN 0 SYN-ACK inferred");
	assert_int_equal(counted(s, adoptions_started), 0);
	play(s, "0.030 c . 1002 ack 5002");
	expect(s, "0.030 close fin by client three_way TIME_WAIT/CLOSED inferred syn_ack");
	assert_int_equal(last_flow(s)->end[PEER_OF(flow_client(last_flow(s)))].isn, 5000);
	assert_int_equal(last_flow(s)->end[PEER_OF(flow_client(last_flow(s)))].wscale, 7);
}

MAIN_OF_SCENES(scene(accept_queue_full), scene(accept_cleared_by_the_server),
	       scene(accept_not_cleared_by_the_client), scene(crossing_retransmissions),
	       scene(suspicion_dropped_for_a_repeated_syn), scene(synack_at_another_place),
	       scene(close_while_accept_is_suspected), scene(fin_while_accept_is_suspected),
	       scene(stray_synack_adopted), scene(stray_synack_needs_exact_numbers), scene(stray_fin_adopted),
	       scene(stray_fins_adopted), scene(stray_fin_alone), scene(floods_of_fins_and_acks_adopt_nothing),
	       scene(client_side_only), scene(one_sided_handshakes_are_not_half_open), scene(server_side_only),
	       scene(seen_at_two_places), scene(repeated_and_seen_twice), scene(synack_never_seen), scene(synack_seen_after_a_fin))
