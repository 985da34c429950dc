/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot for a new flow: a free one in the emptier of its two lines, else the
 * one among the sixteen that can best be spared.
 */
#ifndef TCPSHAKE_CLAIM_H
#define TCPSHAKE_CLAIM_H

#include "bury.h"

#define SLOT_NONE (-1) /* the table is full of what may not be evicted */
#define SLOT_BUSY (-2)

/* Of the sixteen slots of a key at most a quarter may hold what a one-sided view inferred. */
#define INFERRED_MAX 4

/*
 * How well a connection can be spared; 0: not at all. The oldest TIME_WAIT or
 * other tombstone goes first, then what was only inferred; a connection that both
 * ends proved is never given up.
 */
INLINE u64 spare(u64 word, u32 tick)
{
	u32 patience = (word & WORD_TIME_WAIT) && !(word & WORD_TOLD_1) && CFG(time_wait_after) ? CFG(time_wait_after)
												: TOMB_TICKS;
	u32 age = (u32)(ticks_between(word_due(word), tick) + (s32)patience + (1 << WORD_DUE_BITS));

	if ((word & WORD_BUSY) || !(word & (WORD_TOMB | WORD_INFERRED)))
		return 0;
	/* an inferred one's age counts from its deadline */
	return (word & WORD_TOMB ? 2ULL : 1ULL) << 32 | age;
}

SUBPROGRAM int line_inferred(u32 line)
{
	u64 *words = env_line(line);
	u64 inferred = 0;

	if (!words)
		return 0;
	for (u32 i = 0; i < LINE_WORDS; i++)
		inferred += (READ_ONCE(words[i]) & WORD_INFERRED) >> WORD_INFERRED_SHIFT;
	return (int)inferred;
}

/* free: marks of the line's free slots. */
SUBPROGRAM int claim_free(u32 line, u64 free, u64 claimed)
{
	u64 *words = env_line(line);

	if (!words)
		return SLOT_BUSY;
	for (u32 n = 0; n < LINE_WORDS && free; n++) {
		u32 i = first_mark(free);
		struct flow *flow;

		HIDE(i);
		i &= LINE_WORDS - 1;
		flow = env_flow(line * LINE_WORDS + i);
		if (flow)
			fetch_flow(flow);
		if (cas64(&words[i], 0, claimed) == 0) {
			set_print(line * LINE_WORDS + i, print_of_tag(word_tag(claimed)));
			return (int)(line * LINE_WORDS + i);
		}
		free &= free - 1;
	}
	return SLOT_NONE;
}

/* The slot in a line of connections that can best be spared, or SLOT_NONE. */
SUBPROGRAM int best_spare(u32 line, u32 tick, u32 only_inferred)
{
	u64 *words = env_line(line);
	u64 best = 0;
	int slot = SLOT_NONE;

	if (!words)
		return SLOT_NONE;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);
		u64 grade = spare(word, tick);

		if (only_inferred && !(word & WORD_INFERRED))
			continue;
		if (grade > best) {
			best = grade;
			slot = (int)(line * LINE_WORDS + i);
		}
	}
	return slot;
}

/*
 * How well a flow of the pending table can be spared: a tombstone, then the oldest
 * of those that showed no more than one end, then the oldest. What was answered
 * is more likely to be somebody's.
 *
 * In arithmetic, because a branch on a word that is not yet in the cache is
 * guessed, and guessed wrong. 0: held by somebody.
 */
INLINE u64 pending_rank(u64 word, u32 tick)
{
	u32 tomb = (u32)(word / WORD_TOMB) & 1, one_end = ~(word_proofs(word, 0) & word_proofs(word, 1)) & PROOF_S;
	u32 told = (u32)(word / WORD_TOLD_1 | word / WORD_ADOPTION) & 1;
	u32 first = CFG(half_open_after) && CFG(half_open_after) < CFG(give_up_after) ? CFG(half_open_after)
											: CFG(give_up_after);
	u32 patience = first + told * (CFG(give_up_after) - first);
	u64 age;

	patience += tomb * (TOMB_TICKS - patience);
	age = (u32)(ticks_between(word_due(word), tick) + (s32)patience + (1 << WORD_DUE_BITS));
	return ((u64)tomb << 33 | (u64)(one_end / PROOF_S) << 32 | age) & -(u64)(~word & WORD_BUSY);
}

INLINE u64 greater(u64 a, u64 b) /* of numbers below 2^63 */
{
	return a ^ ((a ^ b) & -((a - b) >> 63));
}

INLINE u64 best_rank(const u64 *words, u32 tick, u64 best)
{
	for (u32 i = 0; i < LINE_WORDS; i++)
		best = greater(best, pending_rank(READ_ONCE(words[i]), tick) << 3 | i);
	return best;
}

/* The slot of the pending table that a new flow with this hash would take if both its lines are full; or SLOT_NONE. */
SUBPROGRAM int spare_pending(u64 hash, u32 tick)
{
	u32 a = candidate_line(hash, TABLE_PENDING, 0), b = candidate_line(hash, TABLE_PENDING, 1);
	const u64 *words_a = env_line(a), *words_b = env_line(b);
	u64 best_a, best_b;

	if (!words_a || !words_b)
		return SLOT_NONE;
	best_a = best_rank(words_a, tick, 0);
	best_b = best_rank(words_b, tick, 0);
	if (!((best_a | best_b) >> 3))
		return SLOT_NONE;
	return best_b >> 3 > best_a >> 3 ? (int)(b * LINE_WORDS + (best_b & 7)) : (int)(a * LINE_WORDS + (best_a & 7));
}

/* Ends the flow in a slot and keeps the slot, held, for a new one. */
SUBPROGRAM int evict(u32 slot, u64 claimed, u64 time)
{
	u64 *word = word_at(slot);
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	u64 was;
	int busy;

	if (!word || !flow || !tally)
		return SLOT_BUSY;
	was = READ_ONCE(*word);
	was = hold(word, word_tag(was), &busy);
	if (!was)
		return SLOT_BUSY;
	if (was & WORD_TOMB)
		tomb_gone(flow, was, HOW_EVICTED, time);
	else
		bury(flow, was, HOW_EVICTED, time, 0);
	watch_account(tally, slot, was, 0);
	set_print(slot, print_of_tag(word_tag(claimed)));
	publish64(word, claimed);
	return (int)slot;
}

/* A free slot in the emptier line of a key, held; or SLOT_NONE. table is a constant where this is called. */
INLINE int claim_room(u64 hash, u32 table, u64 claimed)
{
	u32 a = candidate_line(hash, table, 0), b = candidate_line(hash, table, 1);
	u64 free_a = zero_bytes(line_prints(a)), free_b = zero_bytes(line_prints(b));
	int slot;

	if (!(free_a | free_b))
		return SLOT_NONE;
	if (marks_count(free_b) > marks_count(free_a)) {
		slot = claim_free(b, free_b, claimed);
		return slot < 0 ? claim_free(a, free_a, claimed) : slot;
	}
	slot = claim_free(a, free_a, claimed);
	return slot < 0 ? claim_free(b, free_b, claimed) : slot;
}

/*
 * A held slot for a new flow in the pending table, its word BUSY with the tag
 * and the given marks and nothing else; or SLOT_BUSY. Who has to go is chosen here and
 * not before: what another CPU has put there meanwhile is the newest of all.
 */
SUBPROGRAM int claim_pending(u64 hash, u64 time, u64 marks)
{
	u64 claimed = word_of_hash(hash) | marks | WORD_BUSY;
	int slot = claim_room(hash, TABLE_PENDING, claimed);

	if (slot >= 0)
		return slot;
	/* the one to go may just be in somebody's hand: then another one */
	for (int n = 0; n < 2 && slot < 0; n++) {
		slot = spare_pending(hash, (u32)tick_of(time));
		slot = slot < 0 ? SLOT_BUSY : evict((u32)slot, claimed, time);
	}
	return slot;
}

INLINE int evict_connection(u32 a, u32 b, u32 only_inferred, u64 claimed, u64 time)
{
	u32 tick = (u32)tick_of(time);
	int x = best_spare(a, tick, only_inferred);
	int y = best_spare(b, tick, only_inferred);
	u64 *first, *second;

	if (x < 0 && y < 0)
		return SLOT_NONE;
	if (x < 0 || y < 0)
		return evict((u32)(x < 0 ? y : x), claimed, time);
	first = word_at((u32)x);
	second = word_at((u32)y);
	if (!first || !second)
		return SLOT_BUSY;
	return evict((u32)(spare(READ_ONCE(*first), tick) >= spare(READ_ONCE(*second), tick) ? x : y), claimed, time);
}

/* The same in the connection table; SLOT_NONE when it is full of what may not be evicted. */
SUBPROGRAM int claim_connection(u64 hash, u64 marks, u64 time)
{
	u64 claimed = word_of_hash(hash) | marks | WORD_BUSY;
	u32 a = candidate_line(hash, TABLE_CONNECTIONS, 0), b = candidate_line(hash, TABLE_CONNECTIONS, 1);
	u32 only_inferred = (marks & WORD_INFERRED) && line_inferred(a) + line_inferred(b) >= INFERRED_MAX;
	int slot = only_inferred ? SLOT_NONE : claim_room(hash, TABLE_CONNECTIONS, claimed);

	return slot < 0 ? evict_connection(a, b, only_inferred, claimed, time) : slot;
}

#endif
