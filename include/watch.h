/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watch filter: is any flow with this hash worth a look-up?
 *
 * A packet without SYN, FIN or RST changes nothing for a settled connection,
 * and those are nearly all packets. So they are looked up only while their flow
 * is watched. A bucket counts watched flows: in the low half those of the
 * pending table (P), in the high half connections (C), so that a flood of
 * handshakes does not send the packets of connections through both tables.
 */
#ifndef TCPSHAKE_WATCH_H
#define TCPSHAKE_WATCH_H

#include "atomic.h"
#include "env.h"

#define BUCKET_P 1u
#define BUCKET_C (1u << 16)
#define BUCKET_P_MASK 0xffffu

/* What a word counts for in its bucket. Pure: the filter is the sum of this over all words. */
INLINE u32 watch_of(u64 word)
{
	enum watch watch = word_watch(word);

	if (watch == WATCH_NONE)
		return 0;
	return watch == WATCH_PENDING ? BUCKET_P : BUCKET_C;
}

/* column and the whole tag, of which the bucket takes the lower bits. */
INLINE u32 bucket_bits(u32 column, u32 tag)
{
	return tag << CFG(row_bits) | (column & ((1u << CFG(row_bits)) - 1));
}

INLINE u32 bucket_index(u32 column, u32 tag)
{
	return bucket_bits(column, tag) & ((1u << BUCKET_TAG_BITS << CFG(row_bits)) - 1);
}

INLINE u32 bucket_of_hash(u64 hash)
{
	return bucket_index((u32)hash, (u32)(hash >> 8));
}

/* Is anything of the ring or the pending table watched in this bucket? Every seed is. */
INLINE int pending_is_watched(u64 hash)
{
	u32 *bucket = env_bucket(bucket_of_hash(hash));

	return bucket && (READ_ONCE(*bucket) & BUCKET_P_MASK);
}

INLINE u32 bucket_of_slot(u32 slot, u64 word)
{
	u32 line = slot >> 3;
	u32 first = line < CFG(table[TABLE_CONNECTIONS].first_line) ? 0
		  : CFG(table[TABLE_CONNECTIONS].first_line);

	return bucket_index(line - first, word_tag(word));
}

INLINE void account_probation(u64 was, u64 now)
{
	int before = word_watch(was) == WATCH_PROBATION, after = word_watch(now) == WATCH_PROBATION;
	u32 *level;

	if (before == after)
		return;
	level = env_probation();
	if (level)
		add32(level, (u32)(after - before));
}

INLINE void watch_account(struct tally *tally, u32 slot, u64 was, u64 now)
{
	u32 before = watch_of(was), after = watch_of(now);
	u32 *bucket;

	account_probation(was, now);

	if (before == after)
		return;
	bucket = env_bucket(bucket_of_slot(slot, was ? was : now));
	if (!bucket)
		return;
	add32(bucket, after - before);
	if (before)
		COUNT(tally, watch_ended);
	if (after)
		COUNT(tally, watch_begun);
}

#endif
