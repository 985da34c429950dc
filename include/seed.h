/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Seeds: pairs that have shown one segment and nothing else, which is all that most
 * of a flood ever shows: a SYN, a SYN-ACK or a FIN. A SYN may have been answered by a
 * plain SYN-ACK, for which there is a record beside it: more a forged SYN at an open
 * port does not show.
 *
 * They lie in a ring, one cache line each, in the order in which they came. A
 * new one takes the place of the oldest, so a flood writes memory from one end to
 * the other, as processors like it, and who must go is never searched for. Beside
 * it is an index by the key's hash: lines of one cache line, whose entries name
 * positions of the ring. The position tells when an entry is stale, so those of
 * seeds that had to go are left where they are.
 *
 * The ACK that completes it makes a connection of an answered seed (step_seed.h); any
 * other segment with its key, but for a second sighting, a flow of the pending table
 * (hatch.h), and so does a deadline of which something is to be told. One that was answered and has to make
 * room goes there too, while there is a free slot.
 *
 * Who races: segments of one key, the sweep, and the seed that takes the place a
 * round later. Whoever wants to read or write a seed first makes its word BUSY by
 * compare-and-swap, as with flows (table.h). A position is given out once, and the
 * word keeps its seed's, so who comes too late sees that.
 */
#ifndef TCPSHAKE_SEED_H
#define TCPSHAKE_SEED_H

#include "due.h"
#include "fit.h"
#include "table.h"

/* --- the word of a place --- */

#define SEED_STATE ((1ULL << SEED_POSITION_SHIFT) - 1)

INLINE u64 seed_word(u64 position, u64 state) { return position << SEED_POSITION_SHIFT | state; }
INLINE u64 seed_position(u64 word) { return word >> SEED_POSITION_SHIFT; }
INLINE u32 seed_place(u64 position) { return (u32)position & (CFG(seeds) - 1); }

/* --- the index --- */

/*
 * Of a position. In the longest ring an entry that is as old as four rounds, one in 3,000 of those that are
 * written over, looks like a new one, and the seed that lies there goes too early.
 */
#define ENTRY_POSITION_BITS 22
#define ENTRY_POSITION_MASK ((1u << ENTRY_POSITION_BITS) - 1)

/*
 * Keys of one bucket of the filter share a few lines: while few are watched, the other
 * flows of their buckets ask but a small part of the index, which remains in the cache.
 */
INLINE u32 seed_line_of(u64 hash)
{
	return bucket_bits((u32)hash, TAG_OF_HASH(hash)) & (CFG(seeds) / SEEDS_A_LINE - 1);
}

/* An entry but for its position; not 0, as an empty one is. Independent of the bits that choose the line. */
INLINE u32 seed_print(u64 hash)
{
	u32 print = (u32)(hash * HASH_MULTIPLIER >> 30) << ENTRY_POSITION_BITS;

	return print ? print : 1u << ENTRY_POSITION_BITS;
}

INLINE u32 entry_of(u32 print, u64 position)
{
	return print | ((u32)position & ENTRY_POSITION_MASK);
}

/* The position that an entry names, if it is one of the last `most` up to `head`; else 0. */
INLINE u64 entry_position(u32 entry, u64 head, u32 most)
{
	u32 age = ((u32)head - entry) & ENTRY_POSITION_MASK;

	return entry && age < most && age < head ? head - age : 0;
}

/* Has an entry the print of this hash? Two entries at once, without a branch. */
INLINE u64 seed_is_there(u64 hash)
{
	const u64 two = 1ULL << 32 | 1, most = two * (~0u >> ENTRY_POSITION_BITS);
	const u64 *entries;
	u64 print, all = ~0ULL;

	if (!CFG(seeds))
		return 0;
	entries = (const u64 *)env_seed_line(seed_line_of(hash));
	if (!entries)
		return 0;
	print = two * seed_print(hash);
	/* the last half is no entry: its print is 0, as no seed's is */
	for (u32 i = 0; i < sizeof(struct seed_line) / sizeof(u64); i++)
		all &= ((READ_ONCE(entries[i]) ^ print) >> ENTRY_POSITION_BITS & most) + most;
	return ~all & (most + two);
}

/* --- a seed --- */

/* The higher port is the ephemeral one. */
INLINE u32 guess_client(const struct key *key, u32 sender)
{
	return key->port[0] == key->port[1] ? sender & 1 : key->port[1] > key->port[0];
}

INLINE u32 seed_sender(const struct seed *seed) { return !!(seed->hello.bits & HELLO_BY_1); }

INLINE u32 seed_client(const struct seed *seed, u64 word)
{
	u32 sender = seed_sender(seed);

	if (!seed_is_candidate(word))
		return sender;
	return (word & SEED_KIND) == SEED_FIN ? guess_client(&seed->key, sender) : PEER_OF(sender);
}

INLINE int seed_has_key(const struct seed *seed, const struct key *key)
{
	return address_equal(&seed->key.addr[0], &key->addr[0]) && address_equal(&seed->key.addr[1], &key->addr[1]) &&
	       seed->key.port[0] == key->port[0] && seed->key.port[1] == key->port[1];
}

INLINE struct key seed_key(const struct seed *seed)
{
	struct key key = seed->key;

	key.zero = 0;
	return key;
}

/* ns, of its last segment. */
INLINE u64 seed_last_ns(const struct seed *seed, const struct answer *answer, u64 word)
{
	return seed->first_ns + ((word & SEED_KIND) == SEED_ANSWERED ? answer->after_ns : 0);
}

/* The deadline that comes next, in ticks. Of candidates there is no half_open. */
INLINE u32 seed_due(const struct seed *seed, const struct answer *answer, u64 word)
{
	u32 due = (u32)tick_of(seed_last_ns(seed, answer, word)) + 1 + ticks_limited(CFG(give_up_after));

	if (!CFG(half_open_after) || (word & SEED_TOLD) || seed_is_candidate(word))
		return due;
	return earlier(due, (u32)tick_after(seed->first_ns) + CFG(half_open_after));
}

#endif
