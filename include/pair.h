/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TIME_WAITs per pair: how many ports one address has tied up towards one
 * address and port. The holder of the TIME_WAIT is one side; on the other side
 * only what is not ephemeral counts: the service's port.
 *
 * A word is 32 bits of hash and a count. Two pairs whose hashes agree share a
 * count (1 in 2^32 per pair in the same line); a pair that finds its line full
 * is not counted, and its flows know that by the absence of FLOW_IN_PAIR.
 */
#ifndef TCPSHAKE_PAIR_H
#define TCPSHAKE_PAIR_H

#include "atomic.h"
#include "env.h"

INLINE u64 pair_hash(const struct flow *flow)
{
	u32 server = PEER_OF(flow_client(flow)) & 1;
	u64 h = CFG(secret);

	h = hash_mix(h, flow->key.addr[0].word[0]);
	h = hash_mix(h, flow->key.addr[0].word[1]);
	h = hash_mix(h, flow->key.addr[1].word[0]);
	h = hash_mix(h, flow->key.addr[1].word[1]);
	return hash_mix(h, (u64)flow->key.port[server] << 1 | server);
}

/* In the count's half of a word: it was told that the pair is over the limit. */
#define PAIR_TOLD (1u << 31)
#define PAIR_TRIES 8

/*
 * The word after one more TIME_WAIT, or one less. Told at the limit, over at
 * three quarters of it: a pair that hovers at the limit is told once.
 */
INLINE u64 pair_step(u64 word, int n, u32 limit)
{
	u32 told = (u32)word & PAIR_TOLD, count = ((u32)word & ~PAIR_TOLD) + (u32)n;

	if (limit && count >= limit)
		told = PAIR_TOLD;
	else if (count < limit - limit / 4)
		told = 0;
	return (word >> 32) << 32 | told | count;
}

/* Changes the pair's word; 0: it is not in this slot. *now is the new word. */
INLINE int pair_change(u64 *slot, u32 tag, int n, u32 limit, u64 *was, u64 *now)
{
	for (int try = 0; try < PAIR_TRIES; try++) {
		*was = READ_ONCE(*slot);
		if (!((u32)*was & ~PAIR_TOLD) || (u32)(*was >> 32) != tag)
			return 0;
		*now = pair_step(*was, n, limit);
		if (cas64(slot, *was, *now) == *was)
			return 1;
	}
	return 0;
}

enum pair_news { PAIR_NOT_COUNTED = -1, PAIR_NOTHING, PAIR_START, PAIR_END };

/*
 * Adds one TIME_WAIT to the pair (n = 1), or takes one away (n = -1). Returns an
 * enum pair_news; PAIR_NOT_COUNTED when its line is full. Who races: two CPUs
 * may give a new pair two words; its count is then split until both are empty.
 */
SUBPROGRAM int pair_add(const struct flow *flow, int n)
{
	u64 hash, *line, was, now;
	u32 tag;

	if (!flow)
		return PAIR_NOT_COUNTED;
	hash = pair_hash(flow);
	tag = (u32)(hash >> 32);
	line = env_pair_line((u32)hash & (PAIR_LINES - 1));
	if (!line)
		return PAIR_NOT_COUNTED;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		if (!pair_change(&line[i], tag, n, CFG(pair_limit), &was, &now))
			continue;
		if (((u32)was ^ (u32)now) & PAIR_TOLD)
			return (u32)now & PAIR_TOLD ? PAIR_START : PAIR_END;
		return PAIR_NOTHING;
	}
	for (u32 i = 0; i < LINE_WORDS && n > 0; i++) {
		u64 word = READ_ONCE(line[i]);

		if (!(u32)word && cas64(&line[i], word, (u64)tag << 32 | 1) == word)
			return PAIR_NOTHING;
	}
	return PAIR_NOT_COUNTED;
}

#endif
