/* SPDX-License-Identifier: GPL-2.0-only */
/* A SYN that fits no flow: the commonest beginning, and all that a flood consists of. */
#ifndef TCPSHAKE_PLANT_H
#define TCPSHAKE_PLANT_H

#include "claim.h"
#include "seed.h"
#include "step.h"

/* Returns the counter that the packet is filed under, or STEP_BUSY. */
SUBPROGRAM int plant(struct segment *seg)
{
	struct tally *tally = env_tally();
	struct flow *flow;
	u64 *place, word;
	int slot;

	if (!seg || !tally)
		return C_internal_error;
	slot = claim_pending(seg, 0);
	if (slot < 0)
		return STEP_BUSY;
	flow = env_flow((u32)slot);
	place = word_at((u32)slot);
	if (!flow || !place)
		return C_internal_error;
	COUNT(tally, handshakes_started);
	sow(flow, seg, service_syn(tally, &seg->key, PEER_OF(seg->sender & 1)));
	word = word_of_hash(seg->hash) | proofs_in_word(seg->sender & 1, PROOF_S) | WORD_SEED;
	word = word_with_due(word_with_watch(word, WATCH_PENDING), seed_due(seg->time));
	release(tally, (u32)slot, place, 0, word);
	return C_stepped;
}

#endif
