/* SPDX-License-Identifier: GPL-2.0-only */
/* A SYN that fits no flow: the commonest beginning, and all that a flood consists of. */
#ifndef TCPSHAKE_SOW_H
#define TCPSHAKE_SOW_H

#include "beside.h"
#include "seed.h"
#include "service.h"

#define SOW_NOTHING (-1) /* no place for it now: it begins a flow of the pending table */

/* A held seed makes room for another. */
SUBPROGRAM int remove_seed(const struct seed *seed)
{
	struct tally *tally = env_tally();
	u32 *bucket;

	if (!seed || !tally)
		return 0;
	bucket = env_bucket(seed->key.zero);
	if (bucket)
		add32(bucket, -BUCKET_P);
	service_count_at(tally, &seed->key, PEER_OF(seed_client(seed)), seed->service, SERVICE_EVICTED);
	return 0;
}

INLINE void evict_seed(struct tally *tally, const struct seed *seed)
{
	remove_seed(seed);
	COUNT(tally, watch_ended);
	COUNT(tally, handshakes_evicted);
	COUNT(tally, events_made);
	add64(&tally->count[unspoken()], 1);
}

/* More came for one line of the index within a round than it has entries: the oldest of them goes. */
SUBPROGRAM int evict_position(u64 position)
{
	u64 *word = env_seed_word(seed_place(position));
	struct seed *seed = env_seed(seed_place(position));
	struct tally *tally = env_tally();
	u64 was;

	if (!word || !seed || !tally)
		return 0;
	was = READ_ONCE(*word);
	if (seed_position(was) != position || (was & (SEED_LIVE | SEED_BUSY)) != SEED_LIVE ||
	    cas64(word, was, was | SEED_BUSY) != was)
		return 0;
	evict_seed(tally, seed);
	publish64(word, seed_word(position, 0));
	return 0;
}

/*
 * The entries of a line are written in turn, so the one that is lost is its oldest;
 * unless two CPUs write the same one at the same moment: then who comes second carries
 * the other's on to the next.
 */
INLINE void enter_seed(const struct seed_ends *ends, u64 hash, u64 position)
{
	struct seed_line *line = env_seed_line(seed_line_of(hash));
	u32 mine = entry_of(seed_print(hash), position);

	for (u32 n = 0; line && n < SEED_ENTRIES; n++) {
		u32 at = READ_ONCE(line->next), was;
		u64 lost;

		HIDE(at);
		at = at < SEED_ENTRIES ? at : 0;
		was = READ_ONCE(line->entry[at]);
		line->next = at + 1;
		if (cas32(&line->entry[at], was, mine) != was)
			continue;
		lost = entry_position(was, READ_ONCE(ends->head));
		if (lost && position - lost + SEED_ENTRIES < 2 * SEED_ENTRIES) {
			mine = was;
			continue;
		}
		if (lost)
			evict_position(lost);
		return;
	}
	evict_position(position); /* nobody would find it */
}

INLINE void write_seed(struct seed *seed, const struct segment *seg, u32 bucket, u16 service)
{
	seed->key = seg->key;
	seed->key.zero = bucket;
	seed->first_ns = seg->time;
	seed->isn = seg->seq;
	seed->len = seg->len;
	seed->mss = seg->offers & OFFER_MSS ? seg->mss : 0;
	seed->place = seg->place;
	seed->service = service;
	seed->offers = seg->offers;
	seed->bits = (u8)((seg->offers & OFFER_WSCALE ? seg->wscale & SEED_WSCALE : 0) |
			  (seg->sender ? SEED_CLIENT_IS_1 : 0) | (seg->own ? SEED_LOCAL : 0));
}

/* Returns the counter that the packet is filed under, with BESIDE_..., or SOW_NOTHING. */
SUBPROGRAM int sow(struct segment *seg)
{
	struct seed_ends *ends = env_seed_ends();
	struct tally *tally = env_tally();
	u64 position, was, *word;
	struct seed *seed;
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
	if ((was & SEED_BUSY) || seed_position(was) > position || cas64(word, was, seed_word(position, SEED_BUSY)) != was)
		return SOW_NOTHING;
	if (READ_ONCE(ends->tail) >= position) {
		/* the sweep went by before the place was taken, and would not come back in time */
		if (was & SEED_LIVE)
			evict_seed(tally, seed);
		publish64(word, seed_word(position, 0));
		return SOW_NOTHING;
	}
	if (was & SEED_LIVE)
		remove_seed(seed);
	add32(bucket, BUCKET_P);
	write_seed(seed, seg, bucket_of_hash(seg->hash),
		   service_syn(tally, &seg->key, PEER_OF(seg->sender & 1)));
	publish64(word, seed_word(position, SEED_LIVE));
	enter_seed(ends, seg->hash, position);
	return C_stepped | BESIDE_SOWN | (was & SEED_LIVE ? BESIDE_EVICTED : 0);
}

#endif
