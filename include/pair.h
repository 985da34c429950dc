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

/*
 * Adds one TIME_WAIT to the pair, or takes one away (n is 1 or -1), and returns
 * the new count; 0 when the line is full. Who races: two CPUs may give a new
 * pair two words; its count is then split until both are empty.
 */
SUBPROGRAM int pair_add(const struct flow *flow, int n)
{
	u64 hash, *line;
	u32 tag;

	if (!flow)
		return 0;
	hash = pair_hash(flow);
	tag = (u32)(hash >> 32);
	line = env_pair_line((u32)hash & (PAIR_LINES - 1));
	if (!line)
		return 0;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(line[i]);

		if ((u32)word && (u32)(word >> 32) == tag)
			return (int)(u32)fetch_add64(&line[i], (u64)(s64)n) + n;
	}
	if (n < 0)
		return 0;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(line[i]);

		if (!(u32)word && cas64(&line[i], word, (u64)tag << 32 | 1) == word)
			return 1;
	}
	return 0;
}

#endif
