/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's side of sources.h: one new handshake of a service in alarm.
 *
 * Who races: all CPUs that note SYNs, and user space that reads. Nothing is atomic,
 * which would cost three times the rest. Of two CPUs that raise a register, or vote in a
 * bucket, at once one may win: a register is low by what one source would have raised it, a
 * SYN is not counted, or one prefix keeps a vote of another. From one prefix many
 * are lost so, but of all and votes alike: its share is a little low. The detector
 * counts by the rows of the services, which are exact.
 */
#ifndef TCPSHAKE_NOTE_SOURCE_H
#define TCPSHAKE_NOTE_SOURCE_H

#include "env.h"

/* One round less, and neighbouring addresses are too even a set: 77 of 100 estimates within 5 %. */
INLINE u64 source_hash(const struct address *addr, u64 secret)
{
	u64 h = hash_mix(hash_mix(secret, addr->word[0]), addr->word[1]);

	return hash_mix(hash_mix(h, secret), secret >> 32);
}

/*
 * The register is the low bits of the hash, its rank the zeros above the highest bit
 * set in the rest. Few raise one, once there were some thousand: only those work theirs out.
 */
INLINE void sources_raise(struct sources *sources, u64 hash)
{
	u32 at = (u32)hash & (SOURCES_REGISTERS - 1);
	u64 rest = hash >> SOURCES_REGISTER_BITS;

	HIDE(at);
	at &= SOURCES_REGISTERS - 1;
	if (rest >> ((SOURCES_RANK_MOST - READ_ONCE(sources->rank[at])) & 63))
		return;
	sources->rank[at] = (u8)(SOURCES_RANK_MOST - (rest ? log2_of(rest) : 0));
}

INLINE u64 is_zero(u64 x)
{
	return ~(x | -x) >> 63;
}

/* Without a branch: in a flood from anywhere none could be foretold. */
INLINE void sources_vote(struct source_bucket *bucket, u64 prefix)
{
	u64 other = READ_ONCE(bucket->prefix) ^ prefix;
	u32 votes = READ_ONCE(bucket->votes);
	u64 won = is_zero(other) | is_zero(votes);

	bucket->prefix = prefix ^ (other & (won - 1));
	bucket->votes = votes + 2 * (u32)won - 1;
	bucket->all++;
}

/* alarm: of the service's row, not 0. */
SUBPROGRAM int note_source(u32 alarm, const struct address *client)
{
	struct sources *sources = env_sources(alarm - 1);
	u64 prefix, hash;

	if (!sources || !client)
		return 0;
	sources_raise(sources, source_hash(client, CFG(secret)));
	prefix = source_prefix(client);
	hash = hash_mix(hash_mix(CFG(secret), prefix), CFG(secret));
	for (u32 row = 0; row < SOURCES_ROWS; row++, hash >>= 32)
		sources_vote(&sources->bucket[row][hash & (SOURCES_BUCKETS - 1)], prefix);
	return 0;
}

#endif
