/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A seed becomes a flow of the pending table: for a segment that it has no room for,
 * or at its first deadline.
 */
#ifndef TCPSHAKE_HATCH_H
#define TCPSHAKE_HATCH_H

#include "claim.h"
#include "seed.h"

#define SEED_NONE (-1)
#define SEED_IN_HAND (-2)

INLINE void write_hello(struct hello *hello, const struct segment *seg)
{
	hello->isn = seg->seq;
	hello->mss = seg->offers & OFFER_MSS ? seg->mss : 0;
	hello->place = seg->place;
	hello->offers = seg->offers;
	hello->bits = (u8)((seg->offers & OFFER_WSCALE ? seg->wscale & HELLO_WSCALE : 0) |
			   (seg->sender & 1 ? HELLO_BY_1 : 0) | (seg->own ? HELLO_LOCAL : 0));
}

INLINE void grow_hello(struct end *end, const struct hello *hello, u32 len)
{
	end->isn = hello->isn;
	end->top = hello->isn + 1 + len;
	end->mss = hello->mss;
	end->wscale = hello->bits & HELLO_WSCALE;
	end->offers = hello->offers;
	end->syn_place = hello->place;
	end->flags = END_HAS_ISN | (hello->bits & HELLO_LOCAL ? END_LOCAL : 0);
}

INLINE void grow_syn_ack(struct end *end, const struct hello *hello, u32 ack)
{
	grow_hello(end, hello, 0);
	end->synack = 1;
	end->ack = ack;
	end->flags |= END_HAS_ACK;
}

INLINE void grow_fin(struct end *end, const struct seed *seed)
{
	const struct hello *hello = &seed->hello;

	if (hello->bits & HELLO_LOCAL)
		end->flags |= END_LOCAL;
	if (hello->bits & HELLO_FIN_WITH_ACK) {
		end->ack = end->fin_ack = seed->ack;
		end->flags |= END_HAS_ACK;
	}
	end->fin = hello->isn + hello->mss + 1;
	if (hello->mss) {
		end->isn_alt = hello->isn;
		end->top = end->fin;
		end->flags |= END_EARLY;
	}
	end->fin_place = hello->place;
	end->fin_count = 1;
}

/* What step_pending() would have made of the seed's segments. word: of its place. */
SUBPROGRAM int grow(struct flow *flow, const struct seed *seed, const struct answer *answer, u64 word)
{
	u64 kind = word & SEED_KIND;
	struct end *own, *peer;
	u32 sender;

	if (!flow || !seed || !answer)
		return 0;
	sender = seed_sender(seed);
	*flow = (struct flow){ 0 };
	flow->key = seed_key(seed);
	flow->first_ns = seed->first_ns;
	flow->last_tick = (u32)tick_of(seed_last_ns(seed, answer, word));
	flow->flags = seed_client(seed, word) ? FLOW_CLIENT_IS_1 : 0;
	own = &flow->end[sender];
	peer = &flow->end[PEER_OF(sender)];
	if (kind == SEED_SYN_ACK) {
		flow->flags |= FLOW_BY_SYNACK;
		flow->mark_ns = seed->first_ns;
		grow_syn_ack(own, &seed->hello, seed->ack);
		peer->isn = seed->ack - 1;
		peer->top = seed->ack;
		peer->flags = END_HAS_ISN;
	} else if (kind == SEED_FIN) {
		flow->flags |= FLOW_BY_GUESS;
		grow_fin(own, seed);
	} else {
		flow->service = seed->hello.service;
		flow->duplicates = !!(seed->hello.bits & HELLO_TWICE);
		grow_hello(own, &seed->hello, seed->len);
		own->syn = 1;
		own->flags |= END_SENT_PLAIN_SYN;
	}
	if (kind == SEED_ANSWERED) {
		flow->mark_ns = seed->first_ns + answer->after_ns;
		flow->duplicates += !!(answer->hello.bits & HELLO_TWICE);
		grow_syn_ack(peer, &answer->hello, seed->hello.isn + 1);
	}
	return 0;
}

/* Its word in the pending table, but for the tag. word: of its place. */
INLINE u64 word_of_seed(const struct seed *seed, const struct answer *answer, u64 word)
{
	u32 sender = seed_sender(seed);
	u64 flow = proofs_in_word(sender, seed_proofs(word)) | proofs_in_word(PEER_OF(sender), seed_peer_proofs(word));

	if (word & SEED_TOLD)
		flow |= WORD_TOLD_1;
	if (word & SEED_TOLD_IN_ALARM)
		flow |= WORD_TOLD_2;
	if (seed_is_candidate(word))
		flow |= WORD_ADOPTION;
	return word_with_due(word_with_watch(flow, WATCH_PENDING), seed_due(seed, answer, word));
}

/* Fills a slot, just claimed, of the pending table. In the filter the pair remains in the same bucket. */
SUBPROGRAM int plant(u32 slot, u32 place, u64 hash, u64 word)
{
	struct answer *answer = env_answer(place);
	struct seed *seed = env_seed(place);
	struct flow *flow = env_flow(slot);
	u64 *target = word_at(slot), now;

	if (!answer || !seed || !flow || !target)
		return 0;
	grow(flow, seed, answer, word);
	now = word_of_hash(hash) | word_of_seed(seed, answer, word);
	env_note_due(slot, now);
	publish64(target, now);
	return 0;
}

/*
 * A held seed moves to the pending table and its place is free: returns the slot.
 * Or it is live as before, and SLOT_BUSY is returned.
 */
SUBPROGRAM int hatch(u32 place, u64 hash, u64 time)
{
	u64 *word = env_seed_word(place), was;
	int slot;

	if (!word)
		return SLOT_BUSY;
	was = READ_ONCE(*word) & ~SEED_BUSY;
	slot = claim_pending(hash, time, 0);
	if (slot < 0) {
		publish64(word, was);
		return SLOT_BUSY;
	}
	plant((u32)slot, place, hash, was);
	publish64(word, seed_word(seed_position(was), 0));
	return slot;
}

/* Holds the seed that an entry names if it has this key. Its place, or SEED_... */
INLINE int hold_seed(const struct key *key, u32 entry)
{
	struct seed_ends *ends = env_seed_ends();
	u64 position, *word;
	struct seed *seed;

	if (!ends)
		return SEED_NONE;
	/* its place may be given out again and not taken yet, or have been passed over: the word tells */
	position = entry_position(entry, READ_ONCE(ends->head), 2 * CFG(seeds));
	word = env_seed_word(seed_place(position));
	seed = env_seed(seed_place(position));
	if (!position || !word || !seed)
		return SEED_NONE;
	for (int look = 0; look < HOLD_LOOKS; look++) {
		u64 was = READ_ONCE(*word);

		if (seed_position(was) != position || !(was & (SEED_LIVE | SEED_BUSY)))
			return SEED_NONE;
		fetch(seed);
		fetch(env_answer(seed_place(position)));
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

#endif
