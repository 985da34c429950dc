/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's side of sources.h: one new handshake of a service in alarm.
 *
 * Who races: all CPUs that note SYNs, and user space that reads. Totals are added
 * atomically. Of two CPUs that raise a register, or vote in a bucket, at once one may
 * win: a register is low by what one source would have raised it, a vote is
 * lost, or one prefix keeps a vote of another. Each costs one SYN's weight in an
 * estimate whose own error is larger; nothing else is derived from them.
 */
#ifndef TCPSHAKE_NOTE_SOURCE_H
#define TCPSHAKE_NOTE_SOURCE_H

#include "env.h"

INLINE u64 source_hash(const struct address *addr, u64 secret)
{
	u64 h = hash_mix(hash_mix(secret, addr->word[0]), addr->word[1]);

	return hash_mix(hash_mix(h, secret), secret >> 32);
}

/* The register is the low bits of the hash, its rank the zeros above the highest bit set in the rest. */
INLINE void sources_raise(struct sources *sources, u64 hash)
{
	u32 at = (u32)hash & (SOURCES_REGISTERS - 1);
	u64 rest = hash >> SOURCES_REGISTER_BITS | 1;
	u8 rank = (u8)(64 - SOURCES_REGISTER_BITS - log2_of(rest));

	HIDE(at);
	at &= SOURCES_REGISTERS - 1;
	if (READ_ONCE(sources->rank[at]) < rank)
		sources->rank[at] = rank;
}

INLINE void sources_vote(struct source_bucket *bucket, u64 prefix)
{
	u32 votes = READ_ONCE(bucket->votes);

	add32(&bucket->all, 1);
	if (READ_ONCE(bucket->prefix) == prefix) {
		bucket->votes = votes + 1;
	} else if (votes) {
		bucket->votes = votes - 1;
	} else {
		bucket->prefix = prefix;
		bucket->votes = 1;
	}
}

/* alarm: of the service's row, not 0. */
SUBPROGRAM int note_source(u32 alarm, const struct address *client)
{
	struct sources *sources = env_sources(alarm - 1);
	u64 prefix, hash;

	if (!sources || !client)
		return 0;
	add64(&sources->syns, 1);
	sources_raise(sources, source_hash(client, CFG(secret)));
	prefix = source_prefix(client);
	hash = hash_mix(hash_mix(CFG(secret), prefix), CFG(secret));
	for (u32 row = 0; row < SOURCES_ROWS; row++, hash >>= 32)
		sources_vote(&sources->bucket[row][hash & (SOURCES_BUCKETS - 1)], prefix);
	return 0;
}

#endif
