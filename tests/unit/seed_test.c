/* SPDX-License-Identifier: GPL-2.0-only */
/* Seeds: the ring, its index, what hatches and when, and who has to go. */
#include <arpa/inet.h>
#include <stdio.h>

#include "stage.h"

#define RING 16

static void small_ring(struct stage *s, u32 seeds)
{
	struct config config = stage_config();

	config.seeds = seeds;
	restage(s, &config);
	engine = s->engine;
}

static void syn_from(struct stage *s, u16 port, const char *seconds)
{
	char line[STAGE_LINE];

	s->client_port = port;
	snprintf(line, sizeof(line), "%s c S 1000", seconds);
	play(s, line);
}

static u32 live_seeds(const struct stage *s)
{
	u32 live = 0;

	for (u32 place = 0; place < s->config.seeds; place++)
		live += (s->engine->seed_words[place] & SEED_LIVE) != 0;
	return live;
}

static u32 pending_flows(const struct stage *s)
{
	u32 slots = s->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS, flows = 0;

	for (u32 slot = 0; slot < slots; slot++)
		flows += s->engine->lines[slot] != 0;
	return flows;
}

/* --- what a seed becomes --- */

struct only_flow {
	u64 word;
	struct flow flow;
};

static struct only_flow only_pending(const struct stage *s)
{
	u32 slots = s->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS;
	struct only_flow found = { 0 };

	assert_int_equal(pending_flows(s), 1);
	for (u32 slot = 0; slot < slots; slot++) {
		if (s->engine->lines[slot])
			found = (struct only_flow){ s->engine->lines[slot], s->engine->flows[slot] };
	}
	return found;
}

/* A SYN like no other: every field that a seed keeps depends on n. */
static struct segment odd_syn(u32 n)
{
	struct segment seg = { .flags = TCP_SYN, .seq = 0xfffffff0u + n * 7, .len = n % 5 * 300, .mss = (u16)(536 + n),
			       .wscale = (u8)(n % 15), .offers = (u8)(n & 0x3f), .own = n & 1, .ifindex = 1 + n % 3 };
	struct address client = address_v4(htonl(0x0a000001 + n)), server = address_v4(htonl(0x0a000040));

	if (n & 4) {
		client = (struct address){ { 0x0120 + n, n } };
		server = (struct address){ { 0x0120, 77 } };
	}
	if (n & 8) {
		struct address swap = client;

		client = server, server = swap;
	}
	seg.place = place_of(seg.ifindex, n & 1 ? HOOK_OUT : HOOK_IN);
	seg.sender = key_make(&seg.key, client, (u16)(40000 + n), server, 443);
	return seg;
}

/* The SYN-ACK to it, and what begins without a SYN: like no other again. */
static struct segment odd_answer(const struct segment *syn, u32 n)
{
	struct segment seg = *syn;

	seg.flags = TCP_SYN | TCP_ACK;
	seg.sender = PEER_OF(syn->sender);
	seg.seq = 0x7ffffff0u + n * 3;
	seg.ack = syn->seq + 1;
	seg.len = 0;
	seg.mss = (u16)(1400 + n);
	seg.wscale = (u8)(n % 13);
	seg.offers = (u8)((n >> 3) & 0x3f);
	seg.own = !syn->own;
	seg.place = place_of(7, n & 1 ? HOOK_IN : HOOK_OUT);
	return seg;
}

static struct segment odd_fin(u32 n)
{
	struct segment seg = odd_syn(n);

	seg.flags = (u8)(TCP_FIN | (n & 2 ? TCP_ACK : 0));
	seg.ack = n * 11;
	seg.offers = 0;
	seg.len = n % 3 * 777;
	if (n & 16)
		seg.sender = PEER_OF(seg.sender);
	return seg;
}

enum sown { OF_SYN, OF_ANSWERED, OF_SYN_ACK, OF_FIN, OF_TWICE, OF_ALL };

/* What stepping these segments makes, with and without a seed between. */
static struct only_flow flow_of(struct stage *s, enum sown what, u32 n, u32 seeds)
{
	struct segment syn = odd_syn(n), answer = odd_answer(&syn, n), fin = odd_fin(n), second = syn, *first;
	u64 begin = s->begin + n * 12345678;
	int place;

	small_ring(s, seeds);
	second.place = place_of(8, HOOK_OUT);
	first = what == OF_SYN_ACK ? &answer : what == OF_FIN ? &fin : &syn;
	stage_packet(s, first, begin);
	if (what == OF_TWICE) {
		second.own = n & 4;
		stage_packet(s, &second, begin + 7);
		assert_int_equal(counted(s, duplicate), 1);
	}
	if (what == OF_ANSWERED || what == OF_TWICE)
		stage_packet(s, &answer, begin + n * 1000003);
	if (what == OF_TWICE) {
		second = answer;
		second.place = place_of(9, HOOK_OUT);
		stage_packet(s, &second, begin + n * 1000003 + 7);
		assert_int_equal(counted(s, duplicate), 2);
	}
	if (seeds) {
		assert_int_equal(pending_flows(s), 0);
		place = find_seed(first);
		assert_true(place >= 0);
		assert_true(hatch((u32)place, first->hash, first->time) >= 0);
		assert_int_equal(live_seeds(s), 0);
	}
	stage_balance(s);
	return only_pending(s);
}

static void hatches_to_what_its_segments_would_have_made(void **state)
{
	struct stage *s = *state;

	for (enum sown what = 0; what < OF_ALL; what++) {
		for (u32 n = 0; n < 512; n++) {
			struct only_flow with = flow_of(s, what, n, RING), without = flow_of(s, what, n, 0);

			assert_true(with.word == without.word);
			assert_memory_equal(&with.flow, &without.flow, sizeof(with.flow));
		}
	}
}

/* The flow of the connection table, where there is one and none else. */
static struct only_flow only_connection(const struct stage *s)
{
	u32 first = s->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS;
	u32 slots = s->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
	struct only_flow found = { 0 };

	assert_int_equal(pending_flows(s), 0);
	for (u32 slot = first; slot < slots; slot++) {
		if (!s->engine->lines[slot])
			continue;
		assert_true(!found.word);
		found = (struct only_flow){ s->engine->lines[slot], s->engine->flows[slot] };
	}
	return found;
}

/* A handshake that the ACK, or data in its place, completes. */
static struct only_flow connection_of(struct stage *s, u32 n, u32 seeds)
{
	struct segment syn = odd_syn(n), answer = odd_answer(&syn, n), ack = syn;
	u64 begin = s->begin + n * 12345678;

	small_ring(s, seeds);
	ack.flags = (u8)(TCP_ACK | (n & 1 ? TCP_PSH : 0));
	ack.seq = syn.seq + 1;
	ack.ack = answer.seq + 1;
	ack.len = n % 3 * 500;
	ack.offers = 0;
	stage_packet(s, &syn, begin);
	stage_packet(s, &answer, begin + n * 1000003);
	assert_int_equal(live_seeds(s), !!seeds);
	stage_packet(s, &ack, begin + n * 1000003 + n * 33333);
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(counted(s, handshakes_completed), 1);
	stage_balance(s);
	s->read = s->events;
	return only_connection(s);
}

static void opens_to_what_its_segments_would_have_made(void **state)
{
	struct stage *s = *state;

	for (u32 n = 0; n < 512; n++) {
		struct only_flow with = connection_of(s, n, RING), without = connection_of(s, n, 0);

		without.flow.service = with.flow.service;
		assert_true(with.word == without.word);
		assert_memory_equal(&with.flow, &without.flow, sizeof(with.flow));
	}
}

/* Once; what comes a third time, or where a copy may not, hatches it. */
static void a_second_sighting_leaves_it_a_seed(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	play(s, "0.001 c S 1000 at 2");
	assert_int_equal(live_seeds(s), 1);
	play(s, "0.002 c S 1000 at 3");
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(counted(s, duplicate), 2);
	assert_int_equal(counted(s, syn_repeated), 0);
	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	play(s, "0.001 c S 1000");
	assert_int_equal(counted(s, syn_repeated), 1);
	assert_int_equal(pending_flows(s), 1);
	stage_balance(s);
}

/* No room for the connection: it is told all the same, and its tombstone is where it would be without seeds. */
static void opens_where_there_is_no_room(void **state)
{
	struct stage *s = *state;
	u32 first, slots;

	small_ring(s, RING);
	first = s->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS;
	slots = s->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
	for (u32 slot = first; slot < slots; slot++) {
		s->engine->lines[slot] = WORD_BUSY | 1ULL << WORD_TAG_SHIFT;
		((u8 *)s->engine->prints)[slot] = 1;
	}
	syn_from(s, 50000, "0.000");
	play(s, "0.010 s S. 5000 ack 1001", "0.020 c . 1001 ack 5001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	assert_int_equal(counted(s, begun_refused_table_full), 1);
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(pending_flows(s), 1);
	for (u32 slot = first; slot < slots; slot++) {
		s->engine->lines[slot] = 0;
		((u8 *)s->engine->prints)[slot] = 0;
	}
	stage_balance(s);
	s->read = s->events;
}

/* What is more than a record has room for, or comes too late, goes the long way. */
static void answered_where_it_lies(void **state)
{
	static const struct {
		const char *line;
		int in_place;
	} answers[] = {
		{ "0.100 s S. 5000 ack 1001", 1 }, { "0.999 s S. 5000 ack 1001", 1 }, { "1.000 s S. 5000 ack 1001", 0 },
		{ "0.100 s S. 5000 ack 1000", 0 }, { "0.100 s S. 5000:5005(5) ack 1001", 0 }, { "0.100 c S. 5000 ack 1001", 0 },
	};
	struct stage *s = *state;

	for (u32 i = 0; i < ARRAY_SIZE(answers); i++) {
		small_ring(s, RING);
		syn_from(s, 50000, "0.000");
		play(s, answers[i].line);
		assert_int_equal(pending_flows(s), !answers[i].in_place);
		assert_int_equal(live_seeds(s), answers[i].in_place);
		assert_int_equal(counted(s, synack_repeated), 0);
		stage_balance(s);
	}
	/* a second one is a repetition, and the third packet opens */
	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	play(s, "0.010 s S. 5000 ack 1001", "0.500 s S. 5000 ack 1001");
	assert_int_equal(counted(s, synack_repeated), 1);
	play(s, "0.510 c . 1001 ack 5001");
	expect(s, "0.510 open three_way 0+0 us 1 SYN 2 SYN-ACK");
}

static void an_answered_one_is_told_in_time(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.042");
	play(s, "0.642 s S. 5000 ack 1001");
	wait_until(s, "2.9");
	assert_int_equal(live_seeds(s), 1);
	expect_nothing(s);
	wait_until(s, "3.1");
	expect(s, "3.100 half_open ack");
	wait_until(s, "80");
	expect(s, "75.700 close timeout SYN_SENT/SYN_RCVD not opened");
}

/* Of candidates there is no half_open, and they keep none from being told. */
static void a_candidate_waits_in_silence(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	s->client_port = 50001;
	play(s, "0.000 s S. 5000 ack 1001");
	s->client_port = 50002;
	play(s, "0.000 c F. 1001 ack 5001");
	syn_from(s, 50000, "0.042");
	assert_int_equal(live_seeds(s), 3);
	wait_until(s, "3.1");
	expect(s, "3.100 half_open syn_ack");
	assert_int_equal(live_seeds(s), 2);
	assert_int_equal(counted(s, adoptions_started), 2);
	s->read = s->events;
	wait_until(s, "80");
	assert_int_equal(counted(s, adoptions_expired), 2);
	assert_int_equal(live_seeds(s), 0);
	/* of the SYN-ACK, and of the handshake */
	assert_int_equal(s->events - s->read, 2);
	s->read = s->events;
	stage_balance(s);
}

static void any_segment_hatches_it(void **state)
{
	static const char *const lines[] = {
		"0.100 s S. 5000 ack 1000", "0.100 c . 1001 ack 5001", "0.100 s R. 0 ack 1001", "0.100 c S 1000",
		"0.100 c S 7777", "0.100 s . 99 ack 98", "0.100 c F. 1001 ack 5001", "0.100 s S 4000",
	};
	struct stage *s = *state;

	for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
		small_ring(s, RING);
		syn_from(s, 50000, "0.000");
		assert_int_equal(live_seeds(s), 1);
		play(s, lines[i]);
		/* a second handshake of the pair is a seed again */
		assert_int_equal(live_seeds(s), i == 4);
		assert_true(pending_flows(s) >= 1);
		stage_balance(s);
	}
}

static void its_deadlines_are_the_handshakes(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.042");
	wait_until(s, "2.9");
	assert_int_equal(live_seeds(s), 1);
	expect_nothing(s);
	/* its tick, not that of a sweep which comes once a second */
	wait_until(s, "3.1");
	expect(s, "3.100 half_open syn_ack");
	assert_int_equal(live_seeds(s), 0);
	wait_until(s, "80");
	expect(s, "75.100 close timeout SYN_SENT/CLOSED not opened");
}

/* Where nobody is told of half-opens they are counted, and the seed stays one until it is given up. */
static void what_is_not_told_is_counted_where_it_lies(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.seeds = RING;
	config.events &= ~(1u << EVENT_HALF_OPEN);
	restage(s, &config);
	engine = s->engine;
	syn_from(s, 50000, "0.000");
	syn_from(s, 50001, "0.000");
	wait_until(s, "3.1");
	assert_int_equal(live_seeds(s), 2);
	assert_int_equal(counted(s, events_filtered), 2);
	/* one is answered after all, as one that was told would be */
	s->client_port = 50000;
	play(s, "3.500 s S. 5000 ack 1001", "3.510 c . 1001 ack 5001");
	expect(s, "3.510 open three_way 3500000+10000 us 1 SYN 1 SYN-ACK");
	assert_int_equal(live_seeds(s), 1);
	wait_until(s, "80");
	expect(s, "75.100 close timeout SYN_SENT/CLOSED not opened");
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(counted(s, events_filtered), 2);
}

static void so_is_what_a_flood_stands_for(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	engine->services[engine->seeds[seed_place(1)].hello.service - 1].alarm = 1;
	wait_until(s, "3.1");
	expect_nothing(s);
	assert_int_equal(live_seeds(s), 1);
	assert_int_equal(counted(s, events_suppressed), 1);
	wait_until(s, "80");
	expect_nothing(s);
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(counted(s, events_suppressed), 2);
	assert_int_equal(counted(s, handshakes_timed_out), 1);
}

/* --- who has to go --- */

static void the_oldest_goes(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u16 i = 0; i < 100; i++)
		syn_from(s, (u16)(10000 + i), "0.000");
	/* of those that meet in a line of the index some go before their turn */
	assert_in_range(counted(s, handshakes_evicted), 100 - RING, 100 - RING + 2);
	assert_int_equal(counted(s, handshakes_evicted) + live_seeds(s), 100);
	assert_int_equal(counted(s, events_suppressed), counted(s, handshakes_evicted));
	assert_int_equal(pending_flows(s), 0);
	expect_nothing(s);
	/* nobody knows of the first any more; the last is there */
	s->client_port = 10000;
	play(s, "0.100 s S. 5000 ack 1001");
	assert_int_equal(counted(s, adoptions_started), 1);
	s->client_port = 10099;
	play(s, "0.100 s S. 5000 ack 1001");
	assert_int_equal(counted(s, adoptions_started), 1);
}

/* Those that were answered stay as long as the pending table has room. */
static void an_answered_one_moves_on(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u16 i = 0; i < RING; i++) {
		syn_from(s, (u16)(10000 + i), "0.000");
		if (i & 1)
			play(s, "0.001 s S. 5000 ack 1001");
	}
	for (u16 i = 0; i < RING; i++)
		syn_from(s, (u16)(20000 + i), "0.002");
	assert_int_equal(pending_flows(s), RING / 2);
	assert_in_range(counted(s, handshakes_evicted), RING / 2, RING / 2 + 2);
	s->client_port = 10001;
	play(s, "0.100 c . 1001 ack 5001");
	expect(s, "0.100 open three_way 1000+99000 us 1 SYN 1 SYN-ACK");
	stage_balance(s);
}

/* Candidates go by the same turn, each counted as what it was. */
static void candidates_go_too(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u16 i = 0; i < 2 * RING; i++) {
		s->client_port = (u16)(10000 + i);
		play(s, i & 1 ? "0.000 s S. 5000 ack 1001" : "0.000 c F. 1001 ack 5001");
	}
	assert_int_equal(counted(s, adoptions_started), 2 * RING);
	assert_int_equal(counted(s, adoptions_evicted) + live_seeds(s), 2 * RING);
	assert_in_range(counted(s, adoptions_evicted), RING, RING + 2);
	/* a SYN-ACK would have had a close event */
	assert_in_range(counted(s, events_suppressed), RING / 2, RING / 2 + 2);
	assert_int_equal(pending_flows(s), 0);
	expect_nothing(s);
	stage_balance(s);
}

/* As many as a line of the index has entries, and one more; the first is answered, or none. */
static void crowd_a_line(struct stage *s, u32 answered, u32 held)
{
	u32 sown = 0, line = 0;

	small_ring(s, 64);
	for (u16 port = 1; sown < SEED_ENTRIES + 1; port++) {
		struct segment seg;
		u64 hash;

		s->client_port = port;
		stage_segment(s, "0 c S 0", &seg);
		hash = key_hash(&seg.key, &s->engine->config.hash_keys);
		if (sown && seed_line_of(hash) != line)
			continue;
		line = seed_line_of(hash);
		sown++;
		if (held && sown == SEED_ENTRIES + 1)
			s->engine->seed_words[seed_place(held)] |= SEED_BUSY;
		syn_from(s, port, "0.000");
		if (sown == answered)
			play(s, "0.001 s S. 5000 ack 1001");
	}
}

/* More meet in one line of the index, within a round, than it has entries. */
static void one_that_cannot_be_found_goes(void **state)
{
	struct stage *s = *state;

	for (u32 answered = 0; answered < 2; answered++) {
		crowd_a_line(s, answered, 0);
		assert_int_equal(live_seeds(s), SEED_ENTRIES);
		assert_int_equal(counted(s, handshakes_evicted), !answered);
		assert_int_equal(pending_flows(s), answered);
		stage_balance(s);
	}
}

/* What is in somebody's hand may remain a seed: it keeps an entry, and another one goes. */
static void one_that_is_held_is_found_again(void **state)
{
	struct stage *s = *state;

	crowd_a_line(s, 0, 1);
	s->engine->seed_words[seed_place(1)] &= ~SEED_BUSY;
	assert_int_equal(live_seeds(s), SEED_ENTRIES);
	assert_true(s->engine->seed_words[seed_place(1)] & SEED_LIVE);
	assert_int_equal(counted(s, handshakes_evicted), 1);
	stage_balance(s);
}

/* --- who is in the way --- */

static void a_place_in_somebodys_hand_is_left_alone(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u16 i = 0; i < RING; i++)
		syn_from(s, (u16)(10000 + i), "0.000");
	s->engine->seed_words[seed_place(s->engine->seed_ends.head + 1)] |= SEED_BUSY;
	syn_from(s, 20000, "0.000");
	assert_int_equal(pending_flows(s), 1);
	s->engine->seed_words[seed_place(s->engine->seed_ends.head)] &= ~SEED_BUSY;
	syn_from(s, 20001, "0.000");
	assert_int_equal(pending_flows(s), 1);
	assert_int_equal(counted(s, handshakes_started), RING + 2);
	/* the one that was passed over is a round too old to be found: it goes with the sweep */
	assert_int_equal(live_seeds(s), RING);
	s->read = s->events;
	wait_until(s, "3.1");
	assert_int_equal(live_seeds(s), 0);
	assert_in_range(counted(s, handshakes_evicted), 2, 4);
	s->read = s->events;
	stage_balance(s);
}

static void a_seed_in_somebodys_hand_is_waited_for(void **state)
{
	struct stage *s = *state;
	u64 *word;

	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	word = &s->engine->seed_words[seed_place(s->engine->seed_ends.head)];
	*word |= SEED_BUSY;
	play(s, "0.100 s S. 5000 ack 1001");
	assert_int_equal(counted(s, contended), 1);
	assert_int_equal(pending_flows(s), 0);
	*word &= ~SEED_BUSY;
	play(s, "0.200 s S. 5000 ack 1001");
	assert_int_equal(live_seeds(s), 1);
	play(s, "0.300 c . 1001 ack 5001");
	assert_int_equal(counted(s, handshakes_completed), 1);
	s->read = s->events;
}

/* A position that was given out before the sweep went by, and taken after it, would not be swept. */
static void none_is_sown_behind_the_sweep(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u32 answered = 0; answered < 2; answered++) {
		small_ring(s, RING);
		for (u16 i = 0; i < RING; i++) {
			syn_from(s, (u16)(10000 + i), "0.000");
			if (answered)
				play(s, "0.001 s S. 5000 ack 1001");
		}
		s->engine->seed_ends.tail = s->engine->seed_ends.head + 1;
		syn_from(s, 20000, "0.100");
		assert_int_equal(pending_flows(s), 1 + answered);
		assert_int_equal(counted(s, handshakes_evicted), !answered);
		s->engine->seed_ends.tail = 0;
		stage_balance(s);
	}
}

/* The sweep has been away for more than a round. */
static void the_sweep_catches_up(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	for (u16 i = 0; i < 5 * RING; i++)
		syn_from(s, (u16)(10000 + i), "0.000");
	s->read = s->events;
	wait_until(s, "3.1");
	assert_int_equal(live_seeds(s), 0);
	assert_int_equal(s->engine->seed_ends.tail, s->engine->seed_ends.head);
	assert_in_range(s->events - s->read, RING - 2, RING);
	s->read = s->events;
}

/* Fifteen hours in which nobody swept: more than the deadlines of words can tell. */
static void all_are_due_after_a_long_absence(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	s->engine->tick += 15 * 3600 * TICKS_PER_SEC;
	assert_int_equal(sweep_stage(s->engine->tick, STAGE_HALF_OPEN), 0);
	assert_int_equal(live_seeds(s), 0);
	s->read = s->events;
}

static void concluded_where_it_lies(void **state)
{
	struct stage *s = *state;

	small_ring(s, RING);
	syn_from(s, 50000, "0.000");
	host_conclude(s->host, HOW_END_OF_RUN, s->begin + NSEC_PER_SEC);
	expect(s, "1.000 close end_of_run SYN_SENT/CLOSED not opened");
	assert_int_equal(live_seeds(s), 1);
	stage_balance(s);
	s->closes = 0; /* of a run that ends twice */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hatches_to_what_its_segments_would_have_made, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(opens_to_what_its_segments_would_have_made, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(a_second_sighting_leaves_it_a_seed, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(opens_where_there_is_no_room, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(answered_where_it_lies, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(an_answered_one_is_told_in_time, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(a_candidate_waits_in_silence, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(an_answered_one_moves_on, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(candidates_go_too, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(any_segment_hatches_it, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(its_deadlines_are_the_handshakes, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(what_is_not_told_is_counted_where_it_lies, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(so_is_what_a_flood_stands_for, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(the_oldest_goes, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(one_that_cannot_be_found_goes, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(one_that_is_held_is_found_again, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(a_place_in_somebodys_hand_is_left_alone, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(a_seed_in_somebodys_hand_is_waited_for, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(none_is_sown_behind_the_sweep, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(the_sweep_catches_up, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(all_are_due_after_a_long_absence, raise_curtain, lower_curtain),
		cmocka_unit_test_setup_teardown(concluded_where_it_lies, raise_curtain, lower_curtain),
	};

	return play_both_ways("seed_test", tests, ARRAY_SIZE(tests));
}
