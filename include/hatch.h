/* SPDX-License-Identifier: GPL-2.0-only */
/* A seed becomes a flow of the pending table: for a segment with its key, or at its first deadline. */
#ifndef TCPSHAKE_HATCH_H
#define TCPSHAKE_HATCH_H

#include "claim.h"
#include "sow.h"

#define SEED_NONE (-1)
#define SEED_IN_HAND (-2)

/* What step_pending() would have made of the seed's SYN. */
SUBPROGRAM int grow(struct flow *flow, const struct seed *seed)
{
	struct end *end;
	u32 client;

	if (!flow || !seed)
		return 0;
	client = seed_client(seed);
	*flow = (struct flow){ 0 };
	flow->key = seed_key(seed);
	flow->first_ns = seed->first_ns;
	end = &flow->end[client];
	end->isn = seed->isn;
	end->top = seed->isn + 1 + seed->len;
	end->mss = seed->mss;
	end->wscale = seed->bits & SEED_WSCALE;
	end->offers = seed->offers;
	end->syn_place = seed->place;
	end->syn = 1;
	end->flags = END_HAS_ISN | END_SENT_PLAIN_SYN | (seed->bits & SEED_LOCAL ? END_LOCAL : 0);
	flow->last_tick = (u32)tick_of(seed->first_ns);
	flow->flags = client ? FLOW_CLIENT_IS_1 : 0;
	flow->service = seed->service;
	return 0;
}

/* Its word, but for the tag. state: of the place's word. */
INLINE u64 word_of_seed(const struct seed *seed, u64 state)
{
	u64 word = proofs_in_word(seed_client(seed), PROOF_S);

	if (state & SEED_TOLD)
		word |= WORD_TOLD_1;
	if (state & SEED_TOLD_IN_ALARM)
		word |= WORD_TOLD_2;
	return word_with_due(word_with_watch(word, WATCH_PENDING), seed_due(seed->first_ns, state & SEED_TOLD));
}

/*
 * A held seed moves to the pending table and its place is free: returns the slot.
 * Or it is live as before, and SLOT_BUSY is returned. In the filter it remains in
 * the same bucket.
 */
SUBPROGRAM int hatch(u32 place, u64 hash, u64 time)
{
	u64 *word = env_seed_word(place), *target_word;
	struct seed *seed = env_seed(place);
	struct flow *target;
	u64 now;
	int slot;

	if (!word || !seed)
		return SLOT_BUSY;
	slot = claim_pending(hash, time, 0);
	target = env_flow((u32)slot);
	target_word = word_at((u32)slot);
	if (slot < 0 || !target || !target_word) {
		publish64(word, READ_ONCE(*word) & ~SEED_BUSY);
		return SLOT_BUSY;
	}
	grow(target, seed);
	now = word_of_hash(hash) | word_of_seed(seed, READ_ONCE(*word));
	env_note_due((u32)slot, now);
	publish64(target_word, now);
	publish64(word, seed_word(seed_position(READ_ONCE(*word)), 0));
	return slot;
}

/* Holds the seed that an entry names if it has this key. Its place, or SEED_... */
INLINE int hold_seed(const struct key *key, u32 entry)
{
	struct seed_ends *ends = env_seed_ends();
	u64 position = ends ? entry_position(entry, READ_ONCE(ends->head)) : 0;
	u64 *word = env_seed_word(seed_place(position));
	struct seed *seed = env_seed(seed_place(position));

	if (!position || !word || !seed)
		return SEED_NONE;
	for (int look = 0; look < HOLD_LOOKS; look++) {
		u64 was = READ_ONCE(*word);

		if (seed_position(was) != position || !(was & (SEED_LIVE | SEED_BUSY)))
			return SEED_NONE;
		if (!(was & SEED_BUSY) && cas64(word, was, was | SEED_BUSY) == was) {
			if (seed_has_key(seed, key))
				return (int)seed_place(position);
			publish64(word, was);
			return SEED_NONE;
		}
		wait_a_look(look);
	}
	return SEED_IN_HAND;
}

/* The seed with the segment's key, held; or SEED_... */
SUBPROGRAM int find_seed(struct segment *seg)
{
	struct seed_line *line;
	u32 print;

	if (!seg || !CFG(seeds))
		return SEED_NONE;
	line = env_seed_line(seed_line_of(seg->hash));
	print = seed_print(seg->hash);
	if (!line)
		return SEED_NONE;
	for (u32 i = 0; i < SEED_ENTRIES; i++) {
		u32 entry = READ_ONCE(line->entry[i]);
		int place;

		if ((entry ^ print) >> ENTRY_POSITION_BITS)
			continue;
		place = hold_seed(&seg->key, entry);
		if (place != SEED_NONE)
			return place;
	}
	return SEED_NONE;
}

/* Any segment hatches the seed that has its key. 0, or SLOT_BUSY: it could not be done now. */
INLINE int hatch_for(struct segment *seg)
{
	int place;

	if (!seed_is_there(seg->hash))
		return 0;
	place = find_seed(seg);
	if (place == SEED_NONE)
		return 0;
	if (place < 0 || hatch((u32)place, seg->hash, seg->time) < 0)
		return SLOT_BUSY;
	return 0;
}

#endif
