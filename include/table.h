/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flow tables: fixed memory, two candidate lines a key, one word a flow.
 *
 * All tables lie in one array of lines; a table is a range of it (struct
 * table_plan). A line's number within its table is row << row_bits | column.
 * The column comes from the hash alone and is the same in both tables; the row
 * has two choices, each worked out of the other with the tag, so that a sweep,
 * which sees only a word and where it stands, can tell the flow's bucket in the
 * watch filter: column and the low bits of the tag.
 *
 * Who races: packets of one flow on several CPUs, and the sweep. Whoever wants
 * to read or write a record first makes its word BUSY by compare-and-swap and
 * gives it back by publishing the new word. No one waits long: after a bounded
 * number of looks at a BUSY word the segment is put aside for the next tick
 * (env_defer), so a holder that is itself stopped, by its hypervisor for one,
 * costs a delay and never a count. Proofs do not depend on the order, so a
 * segment stepped late comes to the same.
 */
#ifndef TCPSHAKE_TABLE_H
#define TCPSHAKE_TABLE_H

#include "atomic.h"
#include "env.h"
#include "prints.h"
#include "watch.h"

/*
 * Who holds a flow on another CPU walks through cold memory for a microsecond or
 * two. The first looks come at once, the others each after a pause, so that it is
 * waited for as long as that.
 */
#define HOLD_LOOKS 64
#define HOLD_LOOKS_AT_ONCE 8

INLINE void wait_a_look(int look)
{
	if (look >= HOLD_LOOKS_AT_ONCE)
		env_pause();
}
#define TAG_OF_HASH(hash) ((u32)((hash) >> 8) & ((1u << WORD_TAG_BITS) - 1))

INLINE u32 line_table(u32 line)
{
	if (line < CFG(table[TABLE_CONNECTIONS].first_line))
		return TABLE_PENDING;
	if (line < CFG(table[TABLE_SERVICES].first_line))
		return TABLE_CONNECTIONS;
	return TABLE_SERVICES;
}

INLINE u32 first_row(u64 hash, u32 rows)
{
	return (u32)((hash >> 32) * rows >> 32);
}

/* The other row of a flow, from one of them: twice gives the first again. */
INLINE u32 other_row(u32 row, u32 tag, u32 rows)
{
	u32 sum = (u32)((u64)(tag * 0x9e3779b1u) * rows >> 32);

	return sum >= row ? sum - row : sum + rows - row;
}

/* n: 0 or 1. table is a constant where this is called. */
INLINE u32 candidate_line(u64 hash, u32 table, u32 n)
{
	u32 rows = table == TABLE_PENDING ? CFG(table[TABLE_PENDING].rows)
		 : table == TABLE_CONNECTIONS ? CFG(table[TABLE_CONNECTIONS].rows)
		 : CFG(table[TABLE_SERVICES].rows);
	u32 first = table == TABLE_PENDING ? CFG(table[TABLE_PENDING].first_line)
		  : table == TABLE_CONNECTIONS ? CFG(table[TABLE_CONNECTIONS].first_line)
		  : CFG(table[TABLE_SERVICES].first_line);
	u32 bits = CFG(row_bits);
	u32 row = first_row(hash, rows);

	if (n)
		row = other_row(row, TAG_OF_HASH(hash), rows);
	return first + (row << bits | ((u32)hash & ((1u << bits) - 1)));
}

INLINE u64 word_of_hash(u64 hash)
{
	return (u64)TAG_OF_HASH(hash) << WORD_TAG_SHIFT;
}

INLINE u64 *word_at(u32 slot)
{
	u64 *line = env_line(slot >> 3);

	return line ? &line[slot & (LINE_WORDS - 1)] : 0;
}

/*
 * Begins to load a record, all lines of it side by side, beside its word: the atomic operation
 * that takes the word waits for it as for the rest.
 */
INLINE void fetch_flow(const struct flow *flow)
{
	for (u32 at = 0; at < sizeof(*flow); at += 64)
		fetch((const u8 *)flow + at);
}

/*
 * Takes the flow that stands in *word with this tag. Returns its word without
 * BUSY, or 0 when it is gone or remained busy (*busy says which).
 */
INLINE u64 hold(u64 *word, u32 tag, int *busy)
{
	u64 seen;

	*busy = 0;
	for (int look = 0; look < HOLD_LOOKS; look++) {
		seen = READ_ONCE(*word);
		if (!seen || word_tag(seen) != tag)
			return 0;
		if (!(seen & WORD_BUSY) && cas64(word, seen, seen | WORD_BUSY) == seen)
			return seen;
		wait_a_look(look);
	}
	*busy = 1;
	return 0;
}

/*
 * Gives the flow back as `now`; 0 frees the slot. What its word counts for in the
 * watch filter changes with it.
 */
INLINE void release(struct tally *tally, u32 slot, u64 *word, u64 was, u64 now)
{
	watch_account(tally, slot, was, now);
	env_note_due(slot, now);
	if (!now)
		set_print(slot, 0);
	publish64(word, now & ~WORD_BUSY);
}

/*
 * Locks the insertion of one key, so that two CPUs which both miss a flow do not
 * both make it. What stands in the lock tells keys apart: one that is taken for
 * another key is none of our business, and 0 is returned, as when *busy, which is
 * set when it remained taken for ours. Worst outcome: three CPUs at once, two of
 * them with segments of one new flow, the third with another key of the same
 * lock; then the flow may be made twice, and one of the two times out.
 */
INLINE u32 *insert_lock(u64 hash, int *busy)
{
	u32 *lock = env_lock((u32)(hash >> 40) & (INSERT_LOCKS - 1));
	u32 mine = (u32)(hash >> 8) | 1;

	*busy = !lock;
	if (!lock)
		return 0;
	for (int look = 0; look < HOLD_LOOKS; look++) {
		u32 seen = READ_ONCE(*lock);

		if (!seen)
			seen = cas32(lock, 0, mine);
		if (!seen)
			return lock;
		if (seen != mine)
			return 0;
		wait_a_look(look);
	}
	*busy = 1;
	return 0;
}

INLINE void insert_unlock(u32 *lock)
{
	if (lock)
		publish32(lock, 0);
}

#endif
