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

/* Ticks since the flow's last sign of life (of a tombstone: since its end), as far as the word tells. */
INLINE u32 word_age(u64 word, u32 tick)
{
	u32 patience = TOMB_TICKS;

	if (word & WORD_TOMB) {
		if ((word & WORD_TIME_WAIT) && !(word & WORD_TOLD_1) && CFG(time_wait_after))
			patience = CFG(time_wait_after);
	} else if (word_watch(word) == WATCH_PENDING) {
		patience = CFG(give_up_after);
		if (!(word & (WORD_TOLD_1 | WORD_ADOPTION)) && CFG(half_open_after) &&
		    CFG(half_open_after) < patience)
			patience = CFG(half_open_after);
	}
	return (u32)(ticks_between(word_due(word), tick) + (s32)patience + (1 << WORD_DUE_BITS));
}

/*
 * How well a flow can be spared; 0: not at all. Pending: a tombstone, then the
 * oldest. Connections: the oldest TIME_WAIT or other tombstone, then what was
 * only inferred; a connection that both ends proved is never given up.
 */
INLINE u64 spare(u64 word, u32 table, u32 tick)
{
	u64 grade;

	if (word & WORD_BUSY)
		return 0;
	if (word & WORD_TOMB)
		grade = 3;
	else if (word & WORD_INFERRED)
		grade = 2;
	else if (table == TABLE_PENDING)
		grade = 1;
	else
		return 0;
	return grade << 32 | word_age(word, tick);
}

/* Free slots in the low half, inferred ones in the high. Without a branch: the verifier would try all 2^8. */
SUBPROGRAM int line_room(u32 line)
{
	u64 *words = env_line(line);
	u64 used = 0, inferred = 0;

	if (!words)
		return 0;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);

		inferred += (word & WORD_INFERRED) >> WORD_INFERRED_SHIFT;
		used += (word | -word) >> 63;
	}
	return (int)(LINE_WORDS - used + (inferred << 16));
}

SUBPROGRAM int claim_free(u32 line, u64 claimed)
{
	u64 *words = env_line(line);

	if (!words)
		return SLOT_BUSY;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		if (!READ_ONCE(words[i]) && cas64(&words[i], 0, claimed) == 0)
			return (int)(line * LINE_WORDS + i);
	}
	return SLOT_NONE;
}

/* The slot in a line that can best be spared, in the low half; how well, in the high. 0: none. */
SUBPROGRAM int best_spare(u32 line, u32 table, u32 tick, u32 only_inferred)
{
	u64 *words = env_line(line);
	u64 best = 0;
	int slot = SLOT_NONE;

	if (!words)
		return SLOT_NONE;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);
		u64 grade = spare(word, table, tick);

		if (only_inferred && !(word & WORD_INFERRED))
			continue;
		if (grade > best) {
			best = grade;
			slot = (int)(line * LINE_WORDS + i);
		}
	}
	return slot;
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
	publish64(word, claimed);
	return (int)slot;
}

INLINE int claim_spare(u32 a, u32 b, u32 table, u64 claimed, u64 time)
{
	u32 tick = (u32)tick_of(time), only_inferred = 0;
	int x = best_spare(a, table, tick, only_inferred);
	int y = best_spare(b, table, tick, only_inferred);
	u64 *first, *second;

	if (x < 0 && y < 0)
		return SLOT_NONE;
	if (x < 0 || y < 0)
		return evict((u32)(x < 0 ? y : x), claimed, time);
	first = word_at((u32)x);
	second = word_at((u32)y);
	if (!first || !second)
		return SLOT_BUSY;
	return evict((u32)(spare(READ_ONCE(*first), table, tick) >= spare(READ_ONCE(*second), table, tick)
				   ? x : y),
		     claimed, time);
}

/*
 * A held slot in the table for a key with this hash, its word BUSY with the
 * tag and the given marks and nothing else; or SLOT_NONE, SLOT_BUSY.
 */
SUBPROGRAM int claim_slot(u64 hash, u32 table, u64 marks, u64 time)
{
	u64 claimed = word_of_hash(hash) | marks | WORD_BUSY;
	u32 a, b;
	int slot, room_a, room_b;

	if (table == TABLE_PENDING) {
		a = candidate_line(hash, TABLE_PENDING, 0);
		b = candidate_line(hash, TABLE_PENDING, 1);
	} else {
		a = candidate_line(hash, TABLE_CONNECTIONS, 0);
		b = candidate_line(hash, TABLE_CONNECTIONS, 1);
	}
	room_a = line_room(a);
	room_b = line_room(b);
	if ((marks & WORD_INFERRED) && (room_a >> 16) + (room_b >> 16) >= INFERRED_MAX) {
		slot = best_spare(a, table, (u32)tick_of(time), 1);
		if (slot < 0)
			slot = best_spare(b, table, (u32)tick_of(time), 1);
		return slot < 0 ? SLOT_NONE : evict((u32)slot, claimed, time);
	}
	if ((room_b & 0xffff) > (room_a & 0xffff)) {
		u32 swap = a;

		a = b;
		b = swap;
	}
	slot = claim_free(a, claimed);
	if (slot < 0)
		slot = claim_free(b, claimed);
	if (slot < 0)
		slot = claim_spare(a, b, table, claimed, time);
	return slot;
}

#endif
