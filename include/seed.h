/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow of one SYN. It is sown in one cache line, and hatches into a whole
 * record when anything but its eviction comes.
 */
#ifndef TCPSHAKE_SEED_H
#define TCPSHAKE_SEED_H

#include "ticks.h"

INLINE u32 seed_client(const struct flow *flow)
{
	return !!(flow->seed.bits & SEED_CLIENT_IS_1);
}

INLINE void sow(struct flow *flow, const struct segment *seg, u32 service)
{
	flow->key = seg->key;
	flow->first_ns = seg->time;
	flow->seed = (struct seed){
		.isn = seg->seq,
		.len = seg->len,
		.mss = seg->offers & OFFER_MSS ? seg->mss : 0,
		.place = seg->place,
		.service = (u16)service,
		.offers = seg->offers,
		.bits = (u8)((seg->offers & OFFER_WSCALE ? seg->wscale & SEED_WSCALE : 0) |
			     (seg->sender ? SEED_CLIENT_IS_1 : 0) | (seg->own ? SEED_LOCAL : 0)),
	};
}

/* Makes of the seed what step_pending() would have made of its SYN. */
SUBPROGRAM int hatch_seed(struct flow *flow)
{
	struct seed seed;
	struct end *end;
	u32 client;

	if (!flow)
		return 0;
	seed = flow->seed;
	client = seed_client(flow);
	__builtin_memset(flow->end, 0, sizeof(*flow) - __builtin_offsetof(struct flow, end));
	end = &flow->end[client];
	end->isn = seed.isn;
	end->top = seed.isn + 1 + seed.len;
	end->mss = seed.mss;
	end->wscale = seed.bits & SEED_WSCALE;
	end->offers = seed.offers;
	end->syn_place = seed.place;
	end->syn = 1;
	end->flags = END_HAS_ISN | END_SENT_PLAIN_SYN | (seed.bits & SEED_LOCAL ? END_LOCAL : 0);
	flow->last_tick = (u32)tick_of(flow->first_ns);
	flow->flags = client ? FLOW_CLIENT_IS_1 : 0;
	flow->service = seed.service;
	return 0;
}

/* A held flow is about to be read or stepped: returns its word, of a whole record. */
INLINE u64 hatch(struct flow *flow, u64 word)
{
	if (!word_is_seed(word))
		return word;
	hatch_seed(flow);
	return word & ~WORD_SEED;
}

#endif
