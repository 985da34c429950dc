/* SPDX-License-Identifier: GPL-2.0-only */
/* A segment that fits no flow and may begin one: what all floods but those of RSTs consist of. */
#ifndef TCPSHAKE_SOW_H
#define TCPSHAKE_SOW_H

#include "beside.h"
#include "hatch.h"

#define SOW_NOTHING (-1) /* no place for it now: it begins a flow of the pending table */

/*
 * A held seed makes room for another, and is counted at its service. word: of its place. Returns what
 * else it counts for: BESIDE_...
 */
SUBPROGRAM int remove_seed(const struct seed *seed, u64 word)
{
	struct tally *tally = env_tally();
	u32 *bucket;

	if (!seed || !tally)
		return 0;
	bucket = env_bucket(seed->key.zero);
	if (bucket)
		add32(bucket, -BUCKET_P);
	if (seed_is_candidate(word))
		return (word & SEED_KIND) == SEED_FIN ? BESIDE_EVICTED_FIN : BESIDE_EVICTED_SYN_ACK;
	service_count_at(tally, &seed->key, PEER_OF(seed_sender(seed)), seed->hello.service, SERVICE_EVICTED);
	return BESIDE_EVICTED;
}

INLINE void evict_seed(struct tally *tally, const struct seed *seed, u64 word)
{
	count_evicted(tally, remove_seed(seed, word), 0);
}

INLINE int seed_moves_on(u64 word)
{
	return (word & SEED_LIVE) && (word & SEED_KIND) == SEED_ANSWERED;
}

/*
 * An answered one is likely to be somebody's: it moves to the pending table, if there is a
 * free slot. Until then its place is its own, for those who look for it. Returns 1, or 0.
 */
SUBPROGRAM int keep_answered(const struct seed *seed, u32 place, u64 word)
{
	struct key key;
	u64 hash;
	int slot;

	if (!seed || !seed_moves_on(word))
		return 0;
	key = seed_key(seed);
	hash = key_hash(&key, &CFG(hash_keys));
	slot = claim_room(hash, TABLE_PENDING, word_of_hash(hash) | WORD_BUSY);
	if (slot < 0)
		return 0;
	plant((u32)slot, place, hash, word);
	return 1;
}

/*
 * More came for one line of the index within a round than it has entries: the oldest of them
 * goes. Returns 1 when it is in somebody's hand, who may leave it a seed.
 */
SUBPROGRAM int evict_position(u64 position)
{
	u64 *word = env_seed_word(seed_place(position));
	struct seed *seed = env_seed(seed_place(position));
	struct tally *tally = env_tally();
	u64 was;

	if (!word || !seed || !tally)
		return 0;
	was = READ_ONCE(*word);
	if (seed_position(was) != position || !(was & (SEED_LIVE | SEED_BUSY)))
		return 0;
	if ((was & SEED_BUSY) || cas64(word, was, was | SEED_BUSY) != was)
		return 1;
	if (!keep_answered(seed, seed_place(position), was))
		evict_seed(tally, seed, was);
	publish64(word, seed_word(position, 0));
	return 0;
}

/*
 * The entries of a line are written in turn, so the one that is lost is its oldest (but
 * where a CPU was stopped in between); unless two CPUs write the same one at the same moment:
 * then who comes second carries the other's on to the next. So with one whose seed is in
 * somebody's hand.
 */
INLINE void enter_seed(const struct seed_ends *ends, u64 hash, u64 position)
{
	struct seed_line *line = env_seed_line(seed_line_of(hash));
	u32 mine = entry_of(seed_print(hash), position);
	u64 carried = position;

	for (u32 n = 0; line && n < SEED_ENTRIES; n++) {
		u32 at = READ_ONCE(line->next), was;
		u64 lost;

		HIDE(at);
		at = at < SEED_ENTRIES ? at : 0;
		was = READ_ONCE(line->entry[at]);
		line->next = at + 1;
		if (cas32(&line->entry[at], was, mine) != was)
			continue;
		lost = entry_position(was, READ_ONCE(ends->head), CFG(seeds));
		if (!lost || (position - lost + SEED_ENTRIES >= 2 * SEED_ENTRIES && !evict_position(lost)))
			return;
		mine = was;
		carried = lost;
	}
	evict_position(carried); /* nobody would find it */
}

INLINE void write_seed(struct seed *seed, const struct segment *seg, u32 bucket, u16 service)
{
	seed->key = seg->key;
	seed->key.zero = bucket;
	seed->first_ns = seg->time;
	write_hello(&seed->hello, seg);
	seed->hello.service = service;
	if (is_plain_syn(seg)) {
		seed->len = seg->len;
		return;
	}
	seed->ack = seg->ack;
	if (!(seg->flags & TCP_SYN)) {
		seed->hello.mss = (u16)seg->len;
		seed->hello.bits |= seg->flags & TCP_ACK ? HELLO_FIN_WITH_ACK : 0;
	}
}

INLINE u64 kind_of_seed(const struct segment *seg)
{
	return is_plain_syn(seg) ? SEED_SYN : seg->flags & TCP_SYN ? SEED_SYN_ACK : SEED_FIN;
}

/* Of a segment that begins something: is there room in a seed for all that it shows? */
INLINE int fits_seed(const struct segment *seg)
{
	if (is_plain_syn(seg))
		return 1;
	return seg->flags & TCP_SYN ? !seg->len && CFG(view) != VIEW_ONE_SIDED : seg->len <= 0xffff;
}

/* Returns the counter that the packet is filed under, with BESIDE_..., or SOW_NOTHING. */
SUBPROGRAM int sow(struct segment *seg)
{
	struct seed_ends *ends = env_seed_ends();
	struct tally *tally = env_tally();
	u64 position, was, busy, kind, *word;
	int beside = BESIDE_SOWN;
	struct seed *seed;
	u16 service = 0;
	u32 *bucket;

	if (!seg || !tally || !ends || !CFG(seeds))
		return SOW_NOTHING;
	position = fetch_add64(&ends->head, 1) + 1;
	word = env_seed_word(seed_place(position));
	seed = env_seed(seed_place(position));
	bucket = env_bucket(bucket_of_hash(seg->hash));
	if (!word || !seed || !bucket)
		return SOW_NOTHING;
	was = READ_ONCE(*word);
	busy = seed_moves_on(was) ? was | SEED_BUSY : seed_word(position, SEED_BUSY);
	if ((was & SEED_BUSY) || seed_position(was) > position || cas64(word, was, busy) != was)
		return SOW_NOTHING;
	if (READ_ONCE(ends->tail) >= position) {
		/* the sweep went by before the place was taken, and would not come back in time */
		if ((was & SEED_LIVE) && !keep_answered(seed, seed_place(position), was))
			evict_seed(tally, seed, was);
		publish64(word, seed_word(position, 0));
		return SOW_NOTHING;
	}
	if ((was & SEED_LIVE) && !keep_answered(seed, seed_place(position), was))
		beside |= remove_seed(seed, was);
	if (seed_moves_on(was))
		publish64(word, seed_word(position, SEED_BUSY));
	add32(bucket, BUCKET_P);
	kind = kind_of_seed(seg);
	if (kind == SEED_SYN)
		service = service_syn(tally, &seg->key, PEER_OF(seg->sender & 1), was ? seed->hello.service : 0);
	else
		beside |= BESIDE_CANDIDATE;
	write_seed(seed, seg, bucket_of_hash(seg->hash), service);
	publish64(word, seed_word(position, SEED_LIVE | kind));
	enter_seed(ends, seg->hash, position);
	return C_stepped | beside;
}

#endif
