/* SPDX-License-Identifier: GPL-2.0-only */
/* What an event says, from its record. */
#include "sample.h"

#include "names.h"

static void test_sides_follow_the_client(void **state)
{
	struct event event = sample_handshake(EVENT_OPEN), turned = { 0 };

	(void)state;
	/* 10.0.0.2 is the smaller end; the client is the other one */
	assert_int_equal(facts_end(&event, SIDE_CLIENT), 1);
	assert_int_equal(facts_end(&event, SIDE_SERVER), 0);
	connect_ends(&turned, v4("10.0.0.2"), 443, v4("10.0.0.7"), 51344);
	assert_int_equal(facts_end(&turned, SIDE_CLIENT), 0);
}

static void test_orientation(void **state)
{
	struct event event = sample_open();

	(void)state;
	assert_int_equal(facts_orientation(&event), ORIENTATION_SYN);
	event.flow.flags |= FLOW_BY_SYNACK;
	assert_int_equal(facts_orientation(&event), ORIENTATION_SYN_ACK);
	event.flow.flags |= FLOW_BY_GUESS;
	assert_int_equal(facts_orientation(&event), ORIENTATION_GUESS);
}

static void test_local(void **state)
{
	struct event event = sample_open();

	(void)state;
	assert_int_equal(facts_local(&event), SIDE_SERVER);
	end_of(&event, SIDE_CLIENT)->flags |= END_LOCAL;
	assert_int_equal(facts_local(&event), SIDE_BOTH);
	end_of(&event, SIDE_SERVER)->flags &= ~END_LOCAL;
	assert_int_equal(facts_local(&event), SIDE_CLIENT);
	end_of(&event, SIDE_CLIENT)->flags &= ~END_LOCAL;
	assert_int_equal(facts_local(&event), SIDE_UNKNOWN);
}

static void test_inferred(void **state)
{
	struct event event = sample_open();

	(void)state;
	assert_int_equal(facts_inferred(&event), 0);
	event.flow.flags |= FLOW_NO_SYNACK | FLOW_ONE_SIDED;
	assert_int_equal(facts_inferred(&event), INFERRED_SYN_ACK | INFERRED_DIRECTION);
	event.flow.flags |= FLOW_NO_LAST_ACK | FLOW_RESET_INFERRED;
	assert_int_equal(facts_inferred(&event), 15);
}

static void test_interface(void **state)
{
	struct event event = sample_open();

	(void)state;
	event.ifindex = 70000;
	assert_int_equal(facts_ifindex(&event), 70000);
	event.ifindex = 0; /* a deadline: the client's place */
	assert_int_equal(facts_ifindex(&event), 3);
	end_of(&event, SIDE_CLIENT)->syn_place = 0;
	assert_int_equal(facts_ifindex(&event), 0);
	end_of(&event, SIDE_SERVER)->syn_place = place_of(9, HOOK_OUT);
	assert_int_equal(facts_ifindex(&event), 9);
}

static void test_open_kinds(void **state)
{
	struct event event = sample_open();
	struct end *client = end_of(&event, SIDE_CLIENT), *server = end_of(&event, SIDE_SERVER);

	(void)state;
	assert_int_equal(facts_open_kind(&event), OPEN_THREE_WAY);
	event.flow.flags |= FLOW_FAST_OPEN;
	assert_int_equal(facts_open_kind(&event), OPEN_FAST_OPEN);
	event.flow.flags &= ~FLOW_FAST_OPEN;
	server->flags |= END_SENT_PLAIN_SYN;
	client->synack = 1;
	assert_int_equal(facts_open_kind(&event), OPEN_SIMULTANEOUS);
	server->synack = 0;
	assert_int_equal(facts_open_kind(&event), OPEN_SPLIT);
}

static void test_states(void **state)
{
	struct event event = sample_close();

	(void)state;
	assert_int_equal(facts_state(&event, SIDE_CLIENT), STATE_TIME_WAIT);
	assert_int_equal(facts_state(&event, SIDE_SERVER), STATE_CLOSED);
	event = sample_open();
	assert_int_equal(facts_state(&event, SIDE_SERVER), STATE_ESTABLISHED);
	event.word = word_with_watch(event.word, WATCH_ACCEPT);
	assert_int_equal(facts_state(&event, SIDE_SERVER), STATE_SYN_RCVD);
	assert_int_equal(facts_state(&event, SIDE_CLIENT), STATE_ESTABLISHED);
}

static void check_fin(struct event *event, enum close_sequence sequence, enum side by)
{
	assert_int_equal(facts_sequence(event), sequence);
	assert_int_equal(facts_closed_by(event), by);
	assert_int_equal(facts_time_wait(event), by);
}

static void test_close_by_fin(void **state)
{
	struct event event = sample_close();
	struct end *client = end_of(&event, SIDE_CLIENT);

	(void)state;
	check_fin(&event, SEQUENCE_FOUR_WAY, SIDE_CLIENT);
	client->flags &= ~END_FIN_ACKED_PLAIN;
	check_fin(&event, SEQUENCE_THREE_WAY, SIDE_CLIENT);
	set_proofs(&event, CLOSED_SECOND, CLOSED_FIRST);
	client->flags |= END_FIN_ACKED_PLAIN; /* the second closer's does not count */
	check_fin(&event, SEQUENCE_THREE_WAY, SIDE_SERVER);
	end_of(&event, SIDE_SERVER)->flags |= END_FIN_ACKED_PLAIN;
	check_fin(&event, SEQUENCE_FOUR_WAY, SIDE_SERVER);
	set_proofs(&event, CLOSED_FIRST, CLOSED_FIRST);
	check_fin(&event, SEQUENCE_SIMULTANEOUS, SIDE_BOTH);
	set_proofs(&event, CLOSED_SECOND, CLOSED_SECOND);
	check_fin(&event, SEQUENCE_SIMULTANEOUS, SIDE_BOTH);
}

static void test_close_otherwise(void **state)
{
	struct event event = sample_open();

	(void)state;
	event.kind = EVENT_CLOSE;
	for (enum close_how how = HOW_RESET; how < HOWS; how++) {
		event.flow.how = (u8)how;
		assert_int_equal(facts_sequence(&event), SEQUENCE_NONE);
		assert_int_equal(facts_time_wait(&event), SIDE_UNKNOWN);
		event.flow.flags |= FLOW_RST_BY_1; /* the client */
		assert_int_equal(facts_closed_by(&event), how <= HOW_ABORTED ? SIDE_CLIENT : SIDE_UNKNOWN);
		event.flow.flags &= ~FLOW_RST_BY_1;
		assert_int_equal(facts_closed_by(&event), how <= HOW_ABORTED ? SIDE_SERVER : SIDE_UNKNOWN);
	}
}

static void test_durations(void **state)
{
	struct event event = sample_close();
	u64 ns = 0;

	(void)state;
	assert_int_equal(facts_duration(&event), 3600 * NSEC_PER_MSEC);
	assert_int_equal(facts_half_closed(&event, &ns), 1);
	assert_int_equal(ns, 600 * NSEC_PER_MSEC);
	event.time = FIRST_NS - 5; /* two CPUs may take their times in the other order */
	assert_int_equal(facts_duration(&event), 0);
	assert_int_equal(facts_half_closed(&event, &ns), 1);
	assert_int_equal(ns, 0);
	set_proofs(&event, PROOF_OPEN | PROOF_F, PROOF_OPEN);
	assert_int_equal(facts_half_closed(&event, &ns), 0);
	event = sample_close();
	event.flow.flags &= ~FLOW_OPENED;
	assert_int_equal(facts_half_closed(&event, &ns), 0);
}

static void test_bytes(void **state)
{
	struct event event = sample_close();
	u32 bytes = 0;

	(void)state;
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_MOD32);
	assert_int_equal(bytes, 500);
	assert_int_equal(facts_bytes(&event, SIDE_SERVER, &bytes), BYTES_MOD32);
	assert_int_equal(bytes, 7000); /* across the end of the sequence numbers */
	event.time = FIRST_NS + 343 * NSEC_PER_MSEC;
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_EXACT);
	event.time = FIRST_NS + 344 * NSEC_PER_MSEC; /* 4 GiB at 100 Gbit/s */
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_MOD32);
	event.time = FIRST_NS;
	event.flow.flags &= ~FLOW_OPENED; /* it may be older than it was seen */
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_MOD32);
	end_of(&event, SIDE_CLIENT)->flags &= ~END_HAS_ISN;
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_UNKNOWN);
	event = sample_close();
	event.flow.how = HOW_RESET; /* a FIN never acknowledged is a claim */
	set_proofs(&event, PROOF_OPEN | PROOF_F, PROOF_OPEN);
	assert_int_equal(facts_bytes(&event, SIDE_CLIENT, &bytes), BYTES_UNKNOWN);
	assert_int_equal(facts_bytes(&event, SIDE_SERVER, &bytes), BYTES_UNKNOWN);
}

/* One row a combination: who showed what, who closed. */
static void test_conn_state(void **state)
{
	static const struct {
		u8 syn, synack, opened, rst_by_client;
		u8 client_fin, server_fin, how;
		const char *expected;
	} rows[] = {
		{ 1, 0, 0, 0, 0, 0, HOW_TIMEOUT, "S0" },
		{ 1, 1, 0, 0, 0, 0, HOW_TIMEOUT, "S1" },
		{ 1, 1, 1, 0, 0, 0, HOW_END_OF_CAPTURE, "S1" },
		{ 1, 1, 1, 0, 1, 1, HOW_FIN, "SF" },
		{ 1, 0, 0, 0, 0, 0, HOW_REFUSED, "REJ" },
		{ 1, 1, 1, 0, 1, 0, HOW_TIMEOUT, "S2" },
		{ 1, 1, 1, 0, 0, 1, HOW_TIMEOUT, "S3" },
		{ 1, 1, 1, 1, 0, 0, HOW_RESET, "RSTO" },
		{ 1, 1, 0, 1, 0, 0, HOW_ABORTED, "RSTO" },
		{ 1, 1, 1, 1, 1, 1, HOW_RESET, "RSTO" },
		{ 1, 1, 1, 0, 0, 0, HOW_RESET, "RSTR" },
		{ 1, 1, 0, 0, 0, 0, HOW_RESET, "RSTR" },
		{ 1, 0, 0, 1, 0, 0, HOW_ABORTED, "RSTOS0" },
		{ 0, 1, 0, 0, 0, 0, HOW_RESET, "RSTRH" },
		{ 0, 0, 0, 0, 0, 0, HOW_RESET, "RSTRH" },
		{ 1, 0, 0, 0, 1, 0, HOW_TIMEOUT, "SH" },
		{ 0, 1, 0, 0, 0, 1, HOW_TIMEOUT, "SHR" },
		{ 0, 0, 0, 0, 0, 0, HOW_IDLE, "OTH" },
		{ 0, 0, 0, 1, 0, 0, HOW_RESET, "OTH" },
		{ 0, 1, 0, 0, 0, 0, HOW_TIMEOUT, "OTH" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event event = sample_handshake(EVENT_CLOSE);

		end_of(&event, SIDE_CLIENT)->syn = rows[i].syn;
		end_of(&event, SIDE_SERVER)->synack = rows[i].synack;
		if (rows[i].opened)
			event.flow.flags |= FLOW_OPENED;
		if (rows[i].rst_by_client)
			event.flow.flags |= FLOW_RST_BY_1;
		set_proofs(&event, PROOF_S | (rows[i].client_fin ? PROOF_F : 0),
			   rows[i].server_fin ? PROOF_S | PROOF_F : 0);
		event.flow.how = rows[i].how;
		if (strcmp(conn_state_name(facts_conn_state(&event)), rows[i].expected))
			fail_msg("row %zu: %s, not %s", i, conn_state_name(facts_conn_state(&event)),
				 rows[i].expected);
	}
}

static void test_linger(void **state)
{
	struct event event = sample_close();
	struct linger_report report = { .count = 9, .per_minute = 60, .age_ns = SECONDS(5) };
	struct linger_facts linger;

	(void)state;
	event.kind = EVENT_LINGER;
	event.value = facts_end(&event, SIDE_SERVER);
	event.value2 = SCOPE_FLOW;
	event.count = 5000;
	linger = facts_linger(&event, NULL);
	assert_int_equal(linger.holder, SIDE_SERVER);
	assert_int_equal(linger.age_ns, 600 * NSEC_PER_MSEC);
	assert_true(linger.count == UNKNOWN && linger.per_minute == UNKNOWN);
	event.value2 = SCOPE_PAIR;
	event.value = facts_end(&event, SIDE_CLIENT);
	linger = facts_linger(&event, NULL);
	assert_int_equal(linger.holder, SIDE_CLIENT);
	assert_true(linger.age_ns == UNKNOWN);
	assert_int_equal(linger.count, 5000);
	linger = facts_linger(&event, &report);
	assert_int_equal(linger.count, 9);
	assert_int_equal(linger.per_minute, 60);
	assert_int_equal(linger.age_ns, SECONDS(5));
}

/* A record of another build names nothing and crashes nothing. */
static void test_names_beyond(void **state)
{
	(void)state;
	assert_string_equal(how_name(HOW_FIN), "fin");
	assert_string_equal(how_name(HOW_END_OF_CAPTURE), "end_of_capture");
	assert_string_equal(how_name((enum close_how)200), "?");
	assert_string_equal(event_name(EVENT_LOSS), "loss");
	assert_string_equal(event_name(EVENT_SUSPECT), "?");
	assert_string_equal(state_name(STATE_TIME_WAIT), "TIME_WAIT");
	assert_string_equal(side_name(SIDE_UNKNOWN), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sides_follow_the_client),
		cmocka_unit_test(test_orientation),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_inferred),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_open_kinds),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_close_by_fin),
		cmocka_unit_test(test_close_otherwise),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_conn_state),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_names_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
