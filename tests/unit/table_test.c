/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables when they are full, and the arithmetic that flows are found by. */
#include <stdio.h>

#include "stage.h"
#include "socket_table.h"

/* --- arithmetic --- */

/* From either row of a flow, with its tag, the other one: a sweep has no more than that. */
static void rows_lead_to_each_other(void **state)
{
	static const u32 sizes[] = { 2, 3, 4, 7, 64, 1000, 4095, 65536 };
	u64 hash = 1;

	(void)state;
	for (u32 i = 0; i < 20000; i++) {
		u32 rows = sizes[i % ARRAY_SIZE(sizes)], row, other;

		hash = hash_mix(hash, i);
		row = first_row(hash, rows);
		other = other_row(row, TAG_OF_HASH(hash), rows);
		assert_true(row < rows && other < rows);
		assert_int_equal(other_row(other, TAG_OF_HASH(hash), rows), row);
	}
}

/* The bucket of a packet is the bucket of the word that its flow has, in whichever line of either table. */
static void word_and_packet_share_a_bucket(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();
	u64 hash = 1;

	config.row_bits = 3;
	config.table[TABLE_PENDING] = (struct table_plan){ 0, 5 };
	config.table[TABLE_CONNECTIONS] = (struct table_plan){ 5 << 3, 7 };
	config.table[TABLE_SERVICES] = (struct table_plan){ 12 << 3, 4 };
	restage(s, &config);
	engine = s->engine;
	for (u32 i = 0; i < 20000; i++) {
		hash = hash_mix(hash, i);
		for (u32 n = 0; n < 2; n++) {
			u32 pending = candidate_line(hash, TABLE_PENDING, n) * LINE_WORDS;
			u32 settled = candidate_line(hash, TABLE_CONNECTIONS, n) * LINE_WORDS;

			assert_int_equal(line_table(pending / LINE_WORDS), TABLE_PENDING);
			assert_int_equal(line_table(settled / LINE_WORDS), TABLE_CONNECTIONS);
			assert_int_equal(bucket_of_slot(pending, word_of_hash(hash)), bucket_of_hash(hash));
			assert_int_equal(bucket_of_slot(settled, word_of_hash(hash)), bucket_of_hash(hash));
		}
	}
}

/* --- full tables --- */

/* Without seeds: each SYN begins a flow of the pending table. */
static void tiny(struct stage *s, u32 pending_rows, u32 connection_rows)
{
	struct config config = stage_config();

	config.seeds = 0;
	config.half_open_after = 0;
	config.events = 0;
	stage_plan(&config, pending_rows, connection_rows);
	restage(s, &config);
}

static void syn_from(struct stage *s, u16 port, u32 ms)
{
	char line[STAGE_LINE];

	s->client_port = port;
	snprintf(line, sizeof(line), "%u.%03u c S 1000", ms / 1000, ms % 1000);
	play(s, line);
}

static void open_from(struct stage *s, u16 port, u32 ms)
{
	char line[STAGE_LINE];

	syn_from(s, port, ms);
	snprintf(line, sizeof(line), "%u.%03u s S. 5000 ack 1001", ms / 1000, ms % 1000);
	play(s, line);
	snprintf(line, sizeof(line), "%u.%03u c . 1001 ack 5001", ms / 1000, ms % 1000);
	play(s, line);
}

static void close_from(struct stage *s, u16 port, u32 ms)
{
	char line[STAGE_LINE];

	s->client_port = port;
	snprintf(line, sizeof(line), "%u.%03u c F. 1001 ack 5001", ms / 1000, ms % 1000);
	play(s, line);
	snprintf(line, sizeof(line), "%u.%03u s F. 5001 ack 1002", ms / 1000, ms % 1000);
	play(s, line);
	snprintf(line, sizeof(line), "%u.%03u c . 1002 ack 5002", ms / 1000, ms % 1000);
	play(s, line);
}

static int stands(const struct stage *s, u16 port, u64 mask, u64 value)
{
	for (u32 slot = 0; slot < s->config.table[TABLE_SERVICES].first_line * LINE_WORDS; slot++) {
		const struct key *key = &s->engine->flows[slot].key;

		if (s->engine->lines[slot] && (key->port[0] == port || key->port[1] == port) &&
		    (s->engine->lines[slot] & mask) == value)
			return 1;
	}
	return 0;
}

/* A flood of SYNs: each finds room, the oldest of its sixteen gives way, and all are counted. */
static void oldest_handshake_gives_way(void **state)
{
	struct stage *s = *state;

	tiny(s, 2, 2);
	for (u32 i = 0; i < 200; i++)
		syn_from(s, (u16)(10000 + i), i * 200);
	assert_int_equal(counted(s, handshakes_started), 200);
	assert_in_range(counted(s, handshakes_evicted), 200 - 16, 200 - 8);
	assert_true(stands(s, 10199, 0, 0));
	for (u32 i = 0; i < 100; i++)
		assert_false(stands(s, (u16)(10000 + i), 0, 0));
	assert_int_equal(counted(s, contended), 0);
}

/* A sign of life is what counts, not the first SYN. */
static void live_handshake_outlasts_older_signs(void **state)
{
	struct stage *s = *state;

	tiny(s, 1, 2);
	syn_from(s, 1, 0);
	for (u32 i = 0; i < 7; i++)
		syn_from(s, (u16)(10 + i), 1000 + i);
	syn_from(s, 1, 5000);
	syn_from(s, 100, 6000);
	assert_true(stands(s, 1, 0, 0));
	assert_true(stands(s, 100, 0, 0));
	assert_int_equal(counted(s, handshakes_evicted), 1);
}

/* What is over goes before what lives, though it ended a moment ago. */
static void tombstone_goes_first(void **state)
{
	struct stage *s = *state;

	tiny(s, 1, 2);
	for (u32 i = 0; i < 8; i++)
		syn_from(s, (u16)(10 + i), i);
	s->client_port = 15;
	play(s, "1.000 s R. 0 ack 1001");
	assert_true(stands(s, 15, WORD_TOMB, WORD_TOMB));
	syn_from(s, 100, 1001);
	assert_false(stands(s, 15, 0, 0));
	assert_int_equal(counted(s, handshakes_evicted), 0);
}

/* What both ends proved is never given up for a new one; the refused one has had its open and has its close. */
static void full_of_connections(void **state)
{
	struct stage *s = *state;

	tiny(s, 2, 1);
	s->config.events = 0;
	for (u32 i = 0; i < 8; i++)
		open_from(s, (u16)(10 + i), i * 100);
	assert_int_equal(counted(s, begun_by_handshake), 8);
	open_from(s, 100, 1000);
	assert_int_equal(counted(s, handshakes_completed), 9);
	assert_int_equal(counted(s, begun_refused_table_full), 1);
	for (u32 i = 0; i < 8; i++)
		assert_true(stands(s, (u16)(10 + i), WORD_TOMB, 0));
	/* its tombstone takes what comes later */
	assert_true(stands(s, 100, WORD_TOMB, WORD_TOMB));
	close_from(s, 100, 1100);
	assert_true(counted(s, after_close) >= 2);
	assert_int_equal(counted(s, adoptions_started), 0);
}

static void refused_connection_is_told(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	stage_plan(&config, 2, 1);
	restage(s, &config);
	for (u32 i = 0; i < 8; i++)
		open_from(s, (u16)(10 + i), i * 100);
	s->read = s->events;
	open_from(s, 100, 1000);
	expect(s, "1.000 open three_way 0+0 us 1 SYN 1 SYN-ACK",
	       "1.000 close evicted ESTABLISHED/ESTABLISHED");
}

static void time_wait_gives_way_to_a_connection(void **state)
{
	struct stage *s = *state;

	tiny(s, 2, 1);
	for (u32 i = 0; i < 8; i++)
		open_from(s, (u16)(10 + i), i * 100);
	close_from(s, 13, 1000);
	close_from(s, 12, 2000);
	open_from(s, 100, 3000);
	assert_false(stands(s, 13, 0, 0));
	assert_true(stands(s, 12, WORD_TIME_WAIT, WORD_TIME_WAIT));
	assert_int_equal(counted(s, time_wait_evicted), 1);
	assert_int_equal(counted(s, begun_by_handshake), 9);
}

/* A FIN is told by its claim only; candidates for adoption are as old as their last sign. */
static void stray_fins_do_not_keep_handshakes_out(void **state)
{
	struct stage *s = *state;

	tiny(s, 1, 2);
	for (u32 i = 0; i < 8; i++) {
		s->client_port = (u16)(10 + i);
		play(s, "0.000 c F. 1001 ack 5001");
	}
	syn_from(s, 100, 1000);
	assert_true(stands(s, 100, 0, 0));
	assert_int_equal(counted(s, adoptions_evicted), 1);
}

/* --- what is inferred from one direction --- */

static void inferred_fill_a_quarter(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();
	u32 inferred = 0;

	config.view = VIEW_ONE_SIDED;
	config.events = 0;
	stage_plan(&config, 4, 2);
	restage(s, &config);
	for (u32 i = 0; i < 40; i++) {
		s->client_port = (u16)(10 + i);
		play(s, "0.000 c S 1000", "0.020 c . 1001 ack 5001");
	}
	for (u32 i = 0; i < 40; i++)
		inferred += (u32)stands(s, (u16)(10 + i), WORD_INFERRED | WORD_TOMB, WORD_INFERRED);
	assert_in_range(inferred, 1, INFERRED_MAX * 2);
	assert_int_equal(counted(s, connections_evicted) + inferred, 40);
}

/* --- adopted from the socket table --- */

static void socket_taken_up(void **state)
{
	struct stage *s = *state;
	struct segment seg;

	stage_segment(s, "0 s . 0", &seg);
	engine = s->engine;
	seg.time = s->begin;
	assert_int_equal(adopt_socket(&seg, PROOF_OPEN, PROOF_OPEN, PEER_OF(seg.sender)), 1);
	assert_int_equal(adopt_socket(&seg, PROOF_OPEN, PROOF_OPEN, PEER_OF(seg.sender)), 0);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	play(s, "1.000 c F. 1001 ack 5001 rcv_nxt 1001",
		"1.010 s F. 5001 ack 1002 own",
		"1.011 c . 1002 ack 5002");
	expect(s, "1.011 close fin by client three_way TIME_WAIT/CLOSED adopted");
}

static void socket_contradicts_a_reset(void **state)
{
	struct stage *s = *state;
	struct segment seg;

	open_from(s, CLIENT_PORT, 0);
	s->read = s->events;
	play(s, "1.000 c R 1001");
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED reset");
	stage_segment(s, "0 s . 0", &seg);
	engine = s->engine;
	seg.time = s->begin + 2 * NSEC_PER_SEC;
	assert_int_equal(socket_alive(&seg), 1);
	expect_standing(s, "connection ESTABLISHED/ESTABLISHED");
	wait_until(s, "10");
	expect_nothing(s);
	assert_int_equal(counted(s, rst_disproved), 1);
}

/* Asked once, with a second to answer in; the event is no one else's. */
static void sockets_are_asked(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.ask_sockets = 1;
	restage(s, &config);
	open_from(s, CLIENT_PORT, 0);
	s->read = s->events;
	play(s, "1.000 c R 1001");
	wait_until(s, "10");
	/* the answer has a second from when the sweep came by to ask, which was at 3.9 */
	expect(s, "3.000 suspect",
	       "4.900 close reset by client ESTABLISHED/ESTABLISHED inferred reset");
	assert_int_equal(counted(s, events_made), 2);
}

MAIN_OF_SCENES(scene(rows_lead_to_each_other), scene(word_and_packet_share_a_bucket),
	       scene(oldest_handshake_gives_way), scene(live_handshake_outlasts_older_signs),
	       scene(tombstone_goes_first), scene(full_of_connections), scene(refused_connection_is_told),
	       scene(time_wait_gives_way_to_a_connection), scene(stray_fins_do_not_keep_handshakes_out),
	       scene(inferred_fill_a_quarter), scene(socket_taken_up), scene(socket_contradicts_a_reset),
	       scene(sockets_are_asked))
