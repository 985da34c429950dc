/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A segment that meets the seed of its pair. Those that nearly every handshake goes on
 * with need no flow of the pending table: the SYN-ACK stays beside the seed, the ACK makes a
 * connection of it, and a second sighting of either is noted. For any other the seed hatches.
 * A seed, which is the newest that began with its key, is asked before the pair's other flows.
 */
#ifndef TCPSHAKE_STEP_SEED_H
#define TCPSHAKE_STEP_SEED_H

#include "hatch.h"
#include "pending.h"
#include "promote.h"

#define SEED_OPENS (-3)

/* A SYN-ACK that comes later than this hatches its seed: those that are given up in turn come not much out of it. */
#define ANSWER_MOST NSEC_PER_SEC

INLINE int is_before_due(const struct segment *seg, const struct seed *seed, const struct answer *answer, u64 word)
{
	return (s32)((u32)tick_of(seg->time) - seed_due(seed, answer, word)) < 0;
}

/* Is the segment what most servers answer a SYN with? */
INLINE int answers(const struct segment *seg, const struct seed *seed, u64 word)
{
	return is_syn_ack(seg) && (word & SEED_KIND) == SEED_SYN && (seg->sender & 1) != seed_sender(seed) && !seg->len &&
	       seg->ack == seed->hello.isn + 1 && seg->time - seed->first_ns < ANSWER_MOST;
}

/* Is it the segment that this was written of, at a second place? Then it is noted, once. */
INLINE int is_second_sighting(const struct segment *seg, struct hello *hello, u32 sender, u64 last_ns)
{
	if ((seg->sender & 1) != sender || seg->seq != hello->isn || seg->place == hello->place ||
	    (hello->bits & HELLO_TWICE) || tick_of(seg->time) != tick_of(last_ns))
		return 0;
	hello->bits |= HELLO_TWICE | (seg->own ? HELLO_LOCAL : 0);
	return 1;
}

/* A router shows each packet where it comes in and where it leaves. */
INLINE int is_seen_again(const struct segment *seg, struct seed *seed, struct answer *answer, u64 word)
{
	u64 last = seed_last_ns(seed, answer, word);

	if ((word & SEED_KIND) == SEED_SYN)
		return is_plain_syn(seg) && seg->len == seed->len &&
		       is_second_sighting(seg, &seed->hello, seed_sender(seed), last);
	return (word & SEED_KIND) == SEED_ANSWERED && is_syn_ack(seg) && !seg->len && seg->ack == seed->hello.isn + 1 &&
	       is_second_sighting(seg, &answer->hello, PEER_OF(seed_sender(seed)), last);
}

/* Is it the plain third packet of a handshake, or the client's first data in its place? */
INLINE int opens(const struct segment *seg, const struct seed *seed, const struct answer *answer, u64 word)
{
	return !(seg->flags & TCP_CONTROL) && (seg->flags & TCP_ACK) && (word & SEED_KIND) == SEED_ANSWERED &&
	       (seg->sender & 1) == seed_sender(seed) && seg->seq == seed->hello.isn + 1 &&
	       seg->ack == answer->hello.isn + 1 && !seg->aside;
}

/*
 * Gives a seed back that remains one. A seed of the next round that met it busy has passed it over,
 * and nothing waits for its deadline any more: then it has to move. (The exchange is a full barrier: who
 * was met before it has given out the position already.)
 */
INLINE void give_back(struct segment *seg, u32 place, u64 *word, u64 now)
{
	const struct seed_ends *ends = env_seed_ends();

	exchange64(word, now);
	if (ends && READ_ONCE(ends->head) - seed_position(now) >= CFG(seeds) && cas64(word, now, now | SEED_BUSY) == now)
		hatch(place, seg->hash, seg->time);
}

/*
 * Of a held seed. Returns the counter that the packet is filed under; SEED_NONE: the seed is
 * a flow now, and the segment goes on as if it always had been one; SEED_OPENS, and it
 * remains held, for open_seed(); or STEP_BUSY.
 */
SUBPROGRAM int step_seed(struct segment *seg, u32 place)
{
	struct tally *tally = env_tally();
	struct answer *answer = env_answer(place);
	struct seed *seed = env_seed(place);
	u64 *word = env_seed_word(place), was;

	if (!seg || !tally || !answer || !seed || !word)
		return STEP_BUSY;
	was = READ_ONCE(*word) & ~SEED_BUSY;
	if (is_before_due(seg, seed, answer, was)) {
		if (opens(seg, seed, answer, was))
			return SEED_OPENS;
		if (answers(seg, seed, was)) {
			write_hello(&answer->hello, seg);
			answer->after_ns = (u32)(seg->time - seed->first_ns);
			service_count_at(tally, &seed->key, PEER_OF(seed_sender(seed)), seed->hello.service, SERVICE_SYNACK);
			give_back(seg, place, word, was | SEED_ANSWERED);
			return C_stepped;
		}
		if (is_seen_again(seg, seed, answer, was)) {
			give_back(seg, place, word, was);
			return C_duplicate;
		}
	}
	return hatch(place, seg->hash, seg->time) < 0 ? STEP_BUSY : SEED_NONE;
}

/* A tombstone that has no flow yet: of a connection that there was no room for. */
SUBPROGRAM int put_tomb(const struct flow *flow, u64 hash, u64 time, u64 word)
{
	int slot = claim_pending(hash, time, 0);
	struct flow *target;
	u64 *target_word;

	if (slot < 0 || !flow)
		return 0;
	target = env_flow((u32)slot);
	target_word = word_at((u32)slot);
	if (!target || !target_word)
		return 0;
	*target = *flow;
	env_note_due((u32)slot, word);
	publish64(target_word, word);
	return 0;
}

/* What a held, answered seed and the ACK that completes it come to, in a record in hand. Returns its word. */
SUBPROGRAM u64 complete_seed(struct segment *seg, u32 place)
{
	struct answer *answer = env_answer(place);
	struct flow *flow = env_hatchling(0);
	struct seed *seed = env_seed(place);
	u64 *word = env_seed_word(place), was;
	struct step s = { 0 };

	if (!seg || !answer || !flow || !seed || !word)
		return 0;
	was = READ_ONCE(*word) & ~SEED_BUSY;
	grow(flow, seed, answer, was);
	if (step_take(&s, seg, flow, word_of_hash(seg->hash) | word_of_seed(seed, answer, was)))
		return 0;
	if (seg->own)
		s.own->flags |= END_LOCAL;
	step_rest(&s, FIT_NUMBERS);
	check_proofs(&s);
	flow->last_tick = (u32)tick_of(seg->time);
	return s.word;
}

/* The seed is a connection at once, and its place free. */
SUBPROGRAM int open_seed(struct segment *seg, u32 place)
{
	struct flow *flow = env_hatchling(0);
	struct tally *tally = env_tally();
	struct seed *seed = env_seed(place);
	u64 *word = env_seed_word(place), open, tomb;
	u32 *bucket;

	if (!seg || !tally || !flow || !seed || !word)
		return C_internal_error;
	open = complete_seed(seg, place);
	tomb = open_flow(seg, flow, open, SLOT_NONE);
	if (tomb)
		put_tomb(flow, seg->hash, seg->time, tomb);
	/* not before it can be found as what it is now: who sees the bucket without it does not look for a seed */
	bucket = env_bucket(seed->key.zero);
	if (bucket)
		add32(bucket, -BUCKET_P);
	COUNT(tally, watch_ended);
	publish64(word, seed_word(seed_position(READ_ONCE(*word)), 0));
	return C_stepped;
}

#endif
