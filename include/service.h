/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts per service. Rows are found like flows, by tag in two candidate lines,
 * but are never held: counts are added atomically.
 *
 * A service has a row of its own while there is a free word for it. When there is none,
 * what is counted goes to the row of its address as a whole, which may take the
 * row of a port; when that finds no room either, to the row of its prefix, which
 * may take the row of a port or an address; at last to the one row for all
 * others, behind the table. So a scan of all ports comes to some rows of ports and one of the
 * address, a carpet over many addresses to some of addresses and those of the
 * prefixes. Rows are taken only from lower ranks, so none goes back and forth;
 * never one that saw a handshake completed, nor one in alarm. And a service
 * that completes one is worth more than a scanned port: it may take such a row.
 *
 * Rows are made by SYNs and completions. All else is counted where it finds one.
 *
 * Who races: two CPUs may make a row for the same service at once, then each
 * count goes to one of them and a reader adds both up. A row may be given away, or freed by
 * user space, between find and count: one count is then told of the new owner,
 * or of none. User space may put a row in alarm that is just given away: it sees
 * by `born` that the row is another's, and takes the alarm back.
 */
#ifndef TCPSHAKE_SERVICE_H
#define TCPSHAKE_SERVICE_H

#include "note_source.h"
#include "table.h"
#include "tell.h"

/* What a row stands for; in the table's word, so that rows are only read when it is theirs. */
enum rank { RANK_PORT, RANK_ADDRESS, RANK_PREFIX, RANKS };

#define SERVICE_USED 1ULL  /* an occupied word, whatever its tag */
#define SERVICE_GIVEN 2ULL /* its row is being written: neither found nor taken */
#define SERVICE_RANK_SHIFT 2
#define SERVICE_RANK_MASK (3ULL << SERVICE_RANK_SHIFT)

struct row_name {
	struct address addr;
	u32 port;  /* with the prefix in the bits above */
	u64 hash;
	u64 word;  /* of the table */
};

#define NAME_PREFIX_SHIFT 16

INLINE u32 service_index(u32 line, u32 i)
{
	return (line - CFG(table[TABLE_SERVICES].first_line)) * LINE_WORDS + i;
}

INLINE u32 service_other(void)
{
	return CFG(table[TABLE_SERVICES].rows) * LINE_WORDS << CFG(row_bits);
}

/* To port 0 nobody listens: it is the address's. */
INLINE u32 first_rank(u32 port)
{
	return port ? RANK_PORT : RANK_ADDRESS;
}

/* The name of the row of this rank that a service belongs to. */
INLINE void service_name(struct row_name *name, const struct address *addr, u32 port, u32 rank)
{
	u64 h;

	name->addr = *addr;
	name->port = (rank == RANK_PORT ? port & 0xffff : 0) | SERVICE_WHOLE << NAME_PREFIX_SHIFT;
	if (rank == RANK_PREFIX) {
		name->addr = address_prefix(addr);
		name->port = (address_is_v4(addr) ? SERVICE_PREFIX_4 : SERVICE_PREFIX_6) << NAME_PREFIX_SHIFT;
	}
	h = hash_mix(CFG(secret), name->addr.word[0]);
	h = hash_mix(h, name->addr.word[1]);
	name->hash = hash_mix(hash_mix(h, name->port), CFG(secret));
	name->word = word_of_hash(name->hash) | (u64)rank << SERVICE_RANK_SHIFT | SERVICE_USED;
}

/* Row index, or -1. */
INLINE int service_scan(const struct row_name *name, u32 line)
{
	u64 *words = env_line(line);

	if (!words)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		struct service *row;

		if (READ_ONCE(words[i]) != name->word)
			continue;
		row = env_service(service_index(line, i));
		if (row && (row->port | (u32)row->prefix << NAME_PREFIX_SHIFT) == name->port &&
		    address_equal(&row->addr, &name->addr))
			return (int)service_index(line, i);
	}
	return -1;
}

INLINE void service_give(struct service *row, const struct row_name *name)
{
	add32(&row->born, 1);
	row->addr = name->addr;
	row->port = (u16)name->port;
	row->prefix = (u8)(name->port >> NAME_PREFIX_SHIFT);
	for (u32 n = 0; n < SERVICE_COUNTS; n++)
		row->count[n] = 0;
	add32(&row->born, 1);
}

/*
 * A free word of the line, or one whose rank is below `limit` and that can be
 * spared, becomes the name's. Its index, or -1.
 */
INLINE int service_take(const struct row_name *name, u32 line, u32 limit)
{
	u64 *words = env_line(line);

	if (!words)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);
		struct service *row;

		if (word && ((word & SERVICE_GIVEN) ||
			     (word & SERVICE_RANK_MASK) >> SERVICE_RANK_SHIFT >= limit))
			continue;
		row = env_service(service_index(line, i));
		if (!row || (word && (row->count[SERVICE_COMPLETED] || READ_ONCE(row->alarm))))
			continue;
		if (cas64(&words[i], word, name->word | SERVICE_GIVEN) != word)
			continue;
		service_give(row, name);
		publish64(&words[i], name->word);
		return (int)service_index(line, i);
	}
	return -1;
}

/* The row of a name, or -1. */
INLINE int service_look(const struct row_name *name)
{
	int index = service_scan(name, candidate_line(name->hash, TABLE_SERVICES, 0));

	return index < 0 ? service_scan(name, candidate_line(name->hash, TABLE_SERVICES, 1)) : index;
}

INLINE int service_make(const struct row_name *name, u32 limit)
{
	int index = service_take(name, candidate_line(name->hash, TABLE_SERVICES, 0), limit);

	return index < 0 ? service_take(name, candidate_line(name->hash, TABLE_SERVICES, 1), limit) : index;
}

/* The row that a service's counts go to. Its index, or -1: the row of all others. */
SUBPROGRAM int service_find(const struct address *addr, u32 port)
{
	int index = -1;

	if (!addr)
		return -1;
	for (u32 rank = first_rank(port); rank < RANKS && index < 0; rank++) {
		struct row_name name;

		service_name(&name, addr, port, rank);
		index = service_look(&name);
	}
	return index;
}

/* The same, but makes a row where there is room for it. proved: for a handshake that completed. */
SUBPROGRAM int service_find_or_make(const struct address *addr, u32 port, u32 proved)
{
	int index = -1;

	if (!addr)
		return -1;
	for (u32 rank = first_rank(port); rank < RANKS && index < 0; rank++) {
		u32 limit = rank == RANK_PORT && proved ? RANK_ADDRESS : rank;
		struct row_name name;

		service_name(&name, addr, port, rank);
		index = service_look(&name);
		if (index < 0)
			index = service_make(&name, 0);
		if (index < 0 && limit)
			index = service_make(&name, limit);
	}
	return index;
}

INLINE struct service *service_at(struct tally *tally, int index)
{
	if (index < 0) {
		COUNT(tally, services_other);
		index = (int)service_other();
	}
	return env_service((u32)index);
}

INLINE u32 flow_server(const struct flow *flow)
{
	return PEER_OF(flow_client(flow)) & 1;
}

/*
 * hint: the row's index plus 1, as it was when the flow began; it may be another's by now, or
 * nobody's, whom no one reads. The index, or -1.
 */
SUBPROGRAM int service_of_hint(const struct key *key, u32 server, u32 hint)
{
	struct service *row = hint ? env_service(hint - 1) : 0;
	u64 *words;

	if (!row || !key)
		return -1;
	server &= 1;
	if (row->port != key->port[server] || row->prefix != SERVICE_WHOLE || !address_equal(&row->addr, &key->addr[server]))
		return -1;
	words = env_line(CFG(table[TABLE_SERVICES].first_line) + (hint - 1) / LINE_WORDS);
	if (!words || (READ_ONCE(words[(hint - 1) % LINE_WORDS]) & (SERVICE_USED | SERVICE_GIVEN)) != SERVICE_USED)
		return -1;
	return (int)hint - 1;
}

INLINE struct service *service_hinted(const struct key *key, u32 server, u32 hint)
{
	int index = hint ? service_of_hint(key, server, hint) : -1;

	return index < 0 ? 0 : env_service((u32)index);
}

/* Is the service in alarm? */
INLINE u32 service_alarm_at(const struct key *key, u32 server, u32 hint)
{
	struct service *row = service_hinted(key, server, hint);

	if (!row) {
		int index = service_find(&key->addr[server], key->port[server]);

		row = env_service(index < 0 ? service_other() : (u32)index);
	}
	return row ? READ_ONCE(row->alarm) : 0;
}

INLINE u32 service_alarm(const struct flow *flow)
{
	return service_alarm_at(&flow->key, flow_server(flow), 0);
}

/* Returns the row's alarm. */
INLINE u32 service_count_at(struct tally *tally, const struct key *key, u32 server, u32 hint,
			    enum service_count what)
{
	struct service *row = service_hinted(key, server, hint);

	if (!row)
		row = service_at(tally, service_find(&key->addr[server], key->port[server]));
	if (!row)
		return 0;
	add64(&row->count[what], 1);
	return READ_ONCE(row->alarm);
}

INLINE u32 service_count(struct tally *tally, const struct flow *flow, enum service_count what)
{
	return service_count_at(tally, &flow->key, flow_server(flow), flow->service, what);
}

/*
 * A handshake begins. hint: of any other one, which in a flood is likely to be of the
 * same service. Returns that of this one, for what is counted later.
 */
INLINE u16 service_syn(struct tally *tally, const struct key *key, u32 server, u16 hint)
{
	struct service *row = service_hinted(key, server, hint);
	u32 alarm;

	if (!row) {
		int index = service_find_or_make(&key->addr[server], key->port[server], 0);

		row = service_at(tally, index);
		hint = (u16)(index + 1);
	}
	if (!row)
		return 0;
	add64(&row->count[SERVICE_SYN], 1);
	alarm = READ_ONCE(row->alarm);
	if (alarm)
		note_source(alarm, &key->addr[PEER_OF(server)]);
	return hint;
}

INLINE void service_completed(struct tally *tally, const struct flow *flow, u64 open_ns)
{
	u32 server = flow_server(flow), bucket = service_bucket(open_ns);
	struct service *row = service_hinted(&flow->key, server, flow->service);

	if (!row)
		row = service_at(tally, service_find_or_make(&flow->key.addr[server], flow->key.port[server], 1));
	if (!row)
		return;
	HIDE(bucket);
	add64(&row->count[SERVICE_COMPLETED], 1);
	add32(&row->open_time[bucket & (SERVICE_BUCKETS - 1)], 1);
}

#endif
