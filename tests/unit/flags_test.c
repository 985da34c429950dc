/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All 256 combinations of flags, from either end, with numbers that fit and that
 * do not, in every situation that a connection can be in: whatever comes of it,
 * all sums balance, and it ends.
 */
#include "balance.h"
#include "stage.h"

/* Ways into every class of watch and every pair of states. The client's next number is 1001, the server's 5001. */
static const char *const ways[][8] = {
	{ NULL },
	{ "0.0 c S 1000" },
	{ "0.0 s S. 5000 ack 1001" },
	{ "0.0 c F. 1001 ack 5001" },
	{ "0.0 c S 1000", "0.0 s S 5000" },
	{ "0.0 c S 1000", "0.0 s S 5000", "0.0 c S. 1000 ack 5001" },
	{ "0.0 c S 1000", "0.0 s S. 5000 ack 1001" },
	{ "0.0 c S 1000", "0.0 s S. 5000 ack 7777" },
	{ "0.0 c S 1000", "0.0 s S. 5000 ack 1001", "0.0 s S. 9000 ack 1001" },
	{ "0.0 c S 1000", "0.0 c . 1001 ack 5001" },
	{ "0.0 c S 1000", "0.0 c F. 1001 ack 5001" },
	{ "0.0 c S 1000", "0.0 s S. 5000 ack 1001", "0.0 s F. 5001 ack 1001" },
	{ "0.0 c S 1000", "0.0 s R. 0 ack 1001" },
	{ "0.0 c S 1000", "0.0 s R. 0 ack 1001", "0.0 c S 1000" },
#define OPEN "0.0 c S 1000", "0.0 s S. 5000 ack 1001", "0.0 c . 1001 ack 5001"
	{ OPEN },
	{ OPEN, "0.0 s S. 5000 ack 1001" },
	{ OPEN, "0.0 c R 1001" },
	{ OPEN, "0.0 c R 1001 own" },
	{ OPEN, "0.0 c S 77000" },
	{ OPEN, "0.0 c F. 1001 ack 5001" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 c F. 1101 ack 5001" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 c R 9999" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s . 5001 ack 1002" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s F. 5001 ack 1001" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s F. 5001 ack 1001", "0.0 c . 1002 ack 5002" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s F. 5001 ack 1002" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s F. 5001 ack 1002", "0.0 c . 1002 ack 5002" },
	{ OPEN, "0.0 c F. 1001 ack 5001", "0.0 s F. 5001 ack 1002", "0.0 c . 1002 ack 5002", "0.0 c S 77000" },
#undef OPEN
};

/* Just before, the next, with data not yet there, of another connection. */
static const u32 client_seq[] = { 1000, 1001, 1002, 1101, 900000 };
static const u32 server_seq[] = { 5000, 5001, 5002, 5101, 900000 };

static struct segment strange_segment(struct stage *s, u32 n, u32 end)
{
	const u32 *own = end ? server_seq : client_seq, *peer = end ? client_seq : server_seq;
	struct segment seg;

	stage_segment(s, end ? "0.1 s . 0" : "0.1 c . 0", &seg);
	seg.seq = own[n % 5];
	seg.ack = peer[n / 5 % 5];
	seg.len = n / 25 % 2 * 100;
	return seg;
}

/* On one stage, each with ports of its own, so that tables fill up as well. */
static u32 all_flags(struct stage *s, u32 way, u32 end)
{
	u32 played = 0;

	for (u32 n = 0; n < 50; n++) {
		for (u32 flags = 0; flags < 256; flags++, played++) {
			struct segment seg;

			s->client_port = (u16)(1024 + played);
			play_lines(s, ways[way]);
			seg = strange_segment(s, n, end);
			seg.flags = (u8)flags;
			stage_packet(s, &seg, s->begin + 100 * NSEC_PER_MSEC);
			s->begin += NSEC_PER_SEC;
			if (flags % 64 == 63 && balance_fault(s->engine, 0))
				fail_msg("way %u, end %u, number %u, flags up to %02x: %s", way, end, n, flags,
					 balance_fault(s->engine, 0));
		}
	}
	return played;
}

static void every_combination_in_every_state(void **state)
{
	struct stage *s = *state;
	struct config config = stage_config();

	config.events = 0;
	config.idle_after = 100 * TICKS_PER_SEC;
	for (u32 way = 0; way < ARRAY_SIZE(ways); way++) {
		for (u32 end = 0; end < 2; end++) {
			restage(s, &config);
			all_flags(s, way, end);
			wait_until(s, "500");
			expect_standing(s, "nothing");
			assert_int_equal(counted(s, internal_error), 0);
			s->begin += 500 * NSEC_PER_SEC;
		}
	}
}

MAIN_OF_SCENES(scene(every_combination_in_every_state))
