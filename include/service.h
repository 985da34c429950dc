/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts per service. Rows are found like flows, by tag in two candidate lines,
 * but are never held: counts are added atomically. When both lines are full, a
 * row that never saw a handshake completed makes room (a scan of all ports
 * makes rows by the thousand); when there is none, the counts go to one row for
 * all others, which is the last of the table.
 *
 * Who races: two CPUs may make a row for the same service at once, then each
 * count goes to one of them and a reader adds both up. A row may be given away
 * between find and count: one count is then told of the new owner.
 */
#ifndef TCPSHAKE_SERVICE_H
#define TCPSHAKE_SERVICE_H

#include "table.h"
#include "tell.h"

#define SERVICE_USED 1ULL /* an occupied word, whatever its tag */

INLINE u32 service_index(u32 line, u32 i)
{
	return (line - CFG(table[TABLE_SERVICES].first_line)) * LINE_WORDS + i;
}

INLINE u32 service_other(void)
{
	return CFG(table[TABLE_SERVICES].rows) * LINE_WORDS << CFG(row_bits);
}

INLINE u64 service_hash(const struct address *addr, u16 port)
{
	u64 h = hash_mix(CFG(secret), addr->word[0]);

	h = hash_mix(h, addr->word[1]);
	return hash_mix(hash_mix(h, port), CFG(secret));
}

/* Row index, or -1. */
INLINE int service_scan(const struct address *addr, u32 port, u32 line, u32 tag)
{
	u64 *words = env_line(line);

	if (!words || !addr)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);
		struct service *row;

		if (!word || word_tag(word) != tag)
			continue;
		row = env_service(service_index(line, i));
		if (row && row->port == port && address_equal(&row->addr, addr))
			return (int)service_index(line, i);
	}
	return -1;
}

/* A free word of the line, or one that can be spared, becomes the service's row. Its index, or -1. */
INLINE int service_take(const struct address *addr, u32 port, u32 line, u32 tag, u32 evict)
{
	u64 *words = env_line(line);

	if (!words || !addr)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);
		struct service *row = env_service(service_index(line, i));

		if (!row || (word && (!evict || row->count[SERVICE_COMPLETED])))
			continue;
		if (cas64(&words[i], word, (u64)tag << WORD_TAG_SHIFT | SERVICE_USED) != word)
			continue;
		row->addr = *addr;
		row->port = (u16)port;
		for (u32 n = 0; n < SERVICE_COUNTS; n++)
			row->count[n] = 0;
		return (int)service_index(line, i);
	}
	return -1;
}

SUBPROGRAM int service_find(const struct address *addr, u32 port)
{
	u64 hash;
	u32 tag, a, b;
	int index;

	if (!addr)
		return -1;
	hash = service_hash(addr, (u16)port);
	tag = TAG_OF_HASH(hash);
	a = candidate_line(hash, TABLE_SERVICES, 0);
	b = candidate_line(hash, TABLE_SERVICES, 1);
	index = service_scan(addr, port, a, tag);
	if (index < 0)
		index = service_scan(addr, port, b, tag);
	if (index < 0)
		index = service_take(addr, port, a, tag, 0);
	if (index < 0)
		index = service_take(addr, port, b, tag, 0);
	if (index < 0)
		index = service_take(addr, port, a, tag, 1);
	return index;
}

INLINE struct service *service_of(struct tally *tally, const struct flow *flow)
{
	u32 server = PEER_OF(flow_client(flow));
	int index = service_find(&flow->key.addr[server & 1], flow->key.port[server & 1]);

	if (index < 0) {
		COUNT(tally, services_other);
		index = (int)service_other();
	}
	return env_service((u32)index);
}

INLINE void service_count(struct tally *tally, const struct flow *flow, enum service_count what)
{
	struct service *row = service_of(tally, flow);

	if (row)
		add64(&row->count[what], 1);
}

INLINE void service_completed(struct tally *tally, const struct flow *flow, u64 open_ns)
{
	struct service *row = service_of(tally, flow);
	u32 bucket = service_bucket(open_ns);

	if (!row)
		return;
	HIDE(bucket);
	add64(&row->count[SERVICE_COMPLETED], 1);
	add32(&row->open_time[bucket & (SERVICE_BUCKETS - 1)], 1);
}

#endif
