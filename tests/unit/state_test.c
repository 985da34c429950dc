/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state table, cell by cell, against a second reading of the rules in
 * words; and which sets of proofs there can be at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proof.h"

struct facts {
	int s, a, k, f, g, h, q;
};

static struct facts facts_in(u32 set)
{
	return (struct facts){
		.s = !!(set & PROOF_S), .a = !!(set & PROOF_A), .k = !!(set & PROOF_K), .f = !!(set & PROOF_F),
		.g = !!(set & PROOF_G), .h = !!(set & PROOF_H), .q = !!(set & PROOF_Q),
	};
}

/* Before its FIN. Who has acknowledged a FIN has taken all that came before it. */
static enum tcp_state state_while_sending(struct facts own)
{
	if (own.h)
		return STATE_CLOSE_WAIT;
	if (own.a && own.k)
		return STATE_ESTABLISHED;
	return own.k ? STATE_SYN_RCVD : STATE_SYN_SENT;
}

static enum tcp_state state_after_fin(struct facts own, struct facts peer)
{
	int second = peer.q && !own.q;

	if (!own.h)
		return own.g ? STATE_FIN_WAIT_2 : STATE_FIN_WAIT_1;
	if (!own.g)
		return second ? STATE_LAST_ACK : STATE_CLOSING;
	return second ? STATE_CLOSED : STATE_TIME_WAIT;
}

static enum tcp_state state_in_words(struct facts own, struct facts peer)
{
	if (!own.s)
		return STATE_CLOSED;
	return own.f ? state_after_fin(own, peer) : state_while_sending(own);
}

static void every_pair_of_sets_has_the_state_of_the_rules(void **state)
{
	(void)state;
	for (u32 own = 0; own < PROOF_SETS; own++) {
		for (u32 peer = 0; peer < PROOF_SETS; peer++) {
			enum tcp_state want = state_in_words(facts_in(own), facts_in(peer));

			if (state_of(own, peer) != want)
				fail_msg("own %02x, peer %02x: %d, not %d", own, peer, state_of(own, peer), want);
		}
	}
}

/* What lies beside the proofs in a caller's word must not matter. */
static void foreign_bits_change_no_state(void **state)
{
	(void)state;
	for (u32 own = 0; own < PROOF_SETS; own++)
		assert_int_equal(state_of(own | ~PROOF_MASK, ~PROOF_MASK), state_of(own, 0));
}

/*
 * The pairs that proofs can grow to. Each step is one line of the table of
 * proofs: what has to be there before, and what it brings.
 */
struct growth {
	u8 seen[PROOF_SETS][PROOF_SETS];
	u8 pending[PROOF_SETS][PROOF_SETS];
	int grew;
};

static void reach(struct growth *growth, u32 x, u32 y)
{
	if (growth->seen[x][y])
		return;
	growth->seen[x][y] = growth->pending[x][y] = 1;
	growth->grew = 1;
}

/* All that a segment of y's end, or of x's own, can prove of x. */
static void grow(struct growth *growth, u32 x, u32 y)
{
	const u32 both = x & y & PROOF_S ? PROOF_A | PROOF_K : 0;

	reach(growth, x | PROOF_S, y);
	reach(growth, x | PROOF_F, y);
	if (both)
		reach(growth, x | PROOF_A, y | PROOF_K);
	if ((x & PROOF_F) && both)
		reach(growth, x | PROOF_G | both, y | PROOF_H | both);
	/* a FIN acknowledged exactly stands for all that was not seen before it */
	if ((x & PROOF_F) && !both)
		reach(growth, x | PROOF_G | PROOF_OPEN, y | PROOF_H | PROOF_OPEN);
	if (x & y & PROOF_F)
		reach(growth, x | PROOF_Q, y);
}

static void grow_all(struct growth *growth)
{
	growth->grew = 0;
	for (u32 x = 0; x < PROOF_SETS; x++) {
		for (u32 y = 0; y < PROOF_SETS; y++) {
			if (!growth->pending[x][y])
				continue;
			growth->pending[x][y] = 0;
			grow(growth, x, y);
			/* the same from the other end: pairs are kept both ways round */
			reach(growth, y, x);
		}
	}
}

static void possible_sets_are_those_that_proofs_grow_to(void **state)
{
	static struct growth growth;

	(void)state;
	reach(&growth, 0, 0);
	while (growth.grew)
		grow_all(&growth);
	for (u32 set = 0; set < PROOF_SETS; set++) {
		int reached = 0;

		for (u32 peer = 0; peer < PROOF_SETS; peer++)
			reached |= growth.seen[set][peer];
		if (!reached != !proofs_possible(set) && !(set & PROOF_Q))
			fail_msg("set %02x: reached %d, said to be possible %d", set, reached, proofs_possible(set));
	}
}

/* Q changes nothing about it: it is a number beside the FIN. */
static void fourteen_sets_are_possible(void **state)
{
	int possible = 0;

	(void)state;
	for (u32 set = 0; set < PROOF_SETS; set++) {
		possible += !(set & PROOF_Q) && proofs_possible(set);
		assert_int_equal(proofs_possible(set), proofs_possible(set ^ PROOF_Q));
	}
	assert_int_equal(possible, 14);
}

/* What can never be shown together for the two ends of one connection. */
static void both_ends_never_wait_for_each_other_in_last_ack(void **state)
{
	(void)state;
	for (u32 own = 0; own < PROOF_SETS; own++) {
		for (u32 peer = 0; peer < PROOF_SETS; peer++) {
			enum tcp_state a = state_of(own, peer), b = state_of(peer, own);

			assert_false(a == STATE_LAST_ACK && b == STATE_LAST_ACK);
			/* both closed second: nobody would keep the TIME_WAIT */
			assert_false(a == STATE_CLOSED && b == STATE_CLOSED && (own & peer & PROOF_S));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_sets_has_the_state_of_the_rules),
		cmocka_unit_test(foreign_bits_change_no_state),
		cmocka_unit_test(possible_sets_are_those_that_proofs_grow_to),
		cmocka_unit_test(fourteen_sets_are_possible),
		cmocka_unit_test(both_ends_never_wait_for_each_other_in_last_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
