/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host's socket table tells of connections: those older than us, and those in doubt. */
#ifndef TCPSHAKE_SOCKET_TABLE_H
#define TCPSHAKE_SOCKET_TABLE_H

#include "engine.h"

/* Any flow with this key in a line of the connection table, held; or FIND_... */
SUBPROGRAM int find_key(struct segment *seg, u32 line)
{
	u64 marks;
	u32 tag;

	if (!seg)
		return FIND_NOTHING;
	tag = TAG_OF_HASH(seg->hash);
	marks = prints_like(line_prints(line), print_of_tag(tag));
	for (u32 n = 0; n < LINE_WORDS && marks; n++, marks &= marks - 1) {
		u32 slot = line * LINE_WORDS + first_mark(marks);
		struct flow *flow = env_flow(slot);
		u64 *place = word_at(slot), word;
		int busy;

		if (!flow || !place || (READ_ONCE(*place) & WORD_TOMB))
			continue;
		word = hold(place, tag, &busy);
		if (word && key_equal(&flow->key, &seg->key))
			return (int)slot;
		if (word)
			publish64(place, word);
	}
	return FIND_NOTHING;
}

INLINE int find_live(struct segment *seg)
{
	int slot = find_key(seg, candidate_line(seg->hash, TABLE_CONNECTIONS, 0));

	if (slot < 0)
		slot = find_key(seg, candidate_line(seg->hash, TABLE_CONNECTIONS, 1));
	return slot;
}

/* A FIN that the local socket never took. Its own, not yet acknowledged, is none of these. */
INLINE u64 without_pending_fin(struct tally *tally, u64 word, struct flow *flow, u32 remote)
{
	if ((word_proofs(word, remote) & (PROOF_F | PROOF_G)) != PROOF_F)
		return word;
	COUNT(tally, fin_disproved);
	saturate(&flow->disproved);
	return word & ~(proofs_in_word(0, PROOF_Q) | proofs_in_word(1, PROOF_Q) | proofs_in_word(remote, PROOF_F));
}

/* The local socket exists: a RST in doubt was not taken, a silent connection is not gone. 1: it was known. */
SUBPROGRAM int socket_alive(struct segment *seg)
{
	struct tally *tally = env_tally();
	struct flow *flow;
	u64 *word, was, now;
	int slot;

	if (!seg || !tally)
		return 0;
	seg->hash = key_hash(&seg->key, &CFG(hash_keys));
	slot = find_live(seg);
	if (slot < 0)
		return 0;
	flow = env_flow((u32)slot);
	word = word_at((u32)slot);
	if (!flow || !word)
		return 0;
	was = READ_ONCE(*word) & ~WORD_BUSY;
	now = was;
	flow->flags &= ~FLOW_ASKED;
	if (word_watch(was) == WATCH_RESET) {
		COUNT(tally, rst_disproved);
		saturate(&flow->disproved);
		now = word_with_watch(was, WATCH_NONE);
	} else if (word_watch(was) == WATCH_FIN) {
		now = without_pending_fin(tally, was, flow, PEER_OF(seg->sender & 1));
	} else if (word_watch(was) == WATCH_PROBATION) {
		now = word_with_watch(was, WATCH_NONE);
	}
	flow->last_tick = (u32)tick_of(seg->time);
	now = settle(now, flow);
	release(tally, (u32)slot, word, was, now);
	return 1;
}

/*
 * Takes up a connection that was open before we came. proofs by end; client:
 * the end that is taken for it. 1: adopted.
 */
SUBPROGRAM int adopt_socket(struct segment *seg, u32 proofs0, u32 proofs1, u32 client)
{
	struct tally *tally = env_tally();
	struct flow *flow;
	u64 *word, now;
	int slot;

	if (!seg || !tally || !wanted(seg))
		return 0;
	seg->hash = key_hash(&seg->key, &CFG(hash_keys));
	slot = find_live(seg);
	if (slot >= 0) {
		word = word_at((u32)slot);
		if (word)
			publish64(word, READ_ONCE(*word) & ~WORD_BUSY);
		return 0;
	}
	COUNT(tally, adoptions_started);
	slot = claim_connection(seg->hash, 0, seg->time);
	flow = env_flow((u32)slot);
	word = word_at((u32)slot);
	if (slot < 0 || !flow || !word) {
		COUNT(tally, adoptions_refused_table_full);
		return 0;
	}
	*flow = (struct flow){ 0 };
	flow->key = seg->key;
	flow->first_ns = flow->mark_ns = seg->time;
	flow->last_tick = (u32)tick_of(seg->time);
	flow->flags = FLOW_ADOPTED | FLOW_BY_GUESS | (client ? FLOW_CLIENT_IS_1 : 0);
	flow->end[seg->sender & 1].flags = END_LOCAL;
	for (u32 end = 0; end < 2; end++) {
		if ((end ? proofs1 : proofs0) & PROOF_F)
			flow->end[end].flags |= END_FIN_UNSEEN;
	}
	COUNT(tally, begun_by_adoption);
	now = word_of_hash(seg->hash) | proofs_in_word(0, proofs0 & PROOF_MASK) |
	      proofs_in_word(1, proofs1 & PROOF_MASK);
	release(tally, (u32)slot, word, 0, settle(now, flow));
	return 1;
}

#endif
