/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows, and the sums over them: an address over its services, a /24 or /48 over
 * its addresses. A sum of one part is kept but not asked about; with the second
 * part it begins where the first one's detector stands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "floods_parts.h"

static u32 *chain_of(struct floods *floods, const struct address *addr, u8 prefix)
{
	u64 hash = hash_mix(hash_mix(prefix, addr->word[0]), addr->word[1]);

	return &floods->chains[(u32)(hash >> 20) & floods->chain_mask];
}

int groups_new(struct floods *floods)
{
	u32 chains = 1;

	while (chains < floods->subjects)
		chains *= 2;
	floods->chain_mask = chains - 1;
	floods->chains = malloc(chains * sizeof(*floods->chains));
	if (!floods->chains)
		return -ENOMEM;
	memset(floods->chains, 0xff, chains * sizeof(*floods->chains));
	floods->free_sum = NOBODY;
	floods->fresh_sum = floods->rows;
	return 0;
}

/* Subjects that were never used are not touched before they are: their memory costs nothing. */
static u32 take_free_sum(struct floods *floods)
{
	u32 id = floods->free_sum;

	if (id != NOBODY)
		floods->free_sum = floods->subject[id].next;
	else if (floods->fresh_sum < floods->subjects)
		id = floods->fresh_sum++;
	return id;
}

static void inherit(struct floods *floods, struct subject *sum, u32 id)
{
	const struct subject *from = &floods->subject[id];

	if (!from->running && from->first != NOBODY)
		from = &floods->subject[from->first];
	if (!from->running || from->silent)
		return;
	sum->detector = from->detector;
	sum->found = from->found;
	if (from->alarmed)
		alarm_begin(floods, (u32)(sum - floods->subject));
}

static void join_sum(struct floods *floods, u32 part, u32 id)
{
	struct subject *sum = &floods->subject[id];

	floods->subject[part].parent = id;
	sum->members++;
	if (sum->members == 1) {
		sum->first = part;
	} else if (!sum->running) {
		sum->running = 1;
		if (sum->first != NOBODY)
			inherit(floods, sum, sum->first);
	}
}

/*
 * The sum over this address (SERVICE_WHOLE) or prefix; NOBODY: there is no room, which cannot be.
 * Calls itself once: an address is part of a prefix, which is part of nothing.
 */
/* NOLINTNEXTLINE(misc-no-recursion) */
static u32 sum_of(struct floods *floods, struct address addr, u8 prefix)
{
	u32 *chain = chain_of(floods, &addr, prefix), id = *chain, above;
	struct subject *sum;

	for (; id != NOBODY; id = floods->subject[id].next) {
		sum = &floods->subject[id];
		if (sum->prefix == prefix && address_equal(&sum->addr, &addr))
			return id;
	}
	id = take_free_sum(floods);
	if (id == NOBODY)
		return NOBODY;
	sum = &floods->subject[id];
	*sum = (struct subject){
		.addr = addr, .prefix = prefix, .span = prefix == SERVICE_WHOLE ? SPAN_ADDRESS : SPAN_PREFIX,
		.listed = sum->listed, .parent = NOBODY, .first = NOBODY, .told = NOBODY, .next = *chain,
	};
	*chain = id;
	if (prefix != SERVICE_WHOLE)
		return id;
	prefix = address_is_v4(&addr) ? SERVICE_PREFIX_4 : SERVICE_PREFIX_6;
	above = sum_of(floods, address_prefix(&addr), prefix);
	if (above != NOBODY)
		join_sum(floods, id, above);
	return id;
}

void groups_attach(struct floods *floods, u32 row)
{
	const struct service *service = &floods->side.table.rows[row];
	struct subject *subject = &floods->subject[row];
	u32 sum = NOBODY;

	*subject = (struct subject){
		.addr = service->addr, .port = service->port, .prefix = service->prefix, .span = SPAN_SERVICE,
		.running = 1, .attached = 1, .listed = subject->listed, .parent = NOBODY, .first = NOBODY,
		.told = NOBODY,
	};
	if (subject->prefix)
		sum = sum_of(floods, subject->addr, subject->prefix);
	if (sum != NOBODY)
		join_sum(floods, row, sum);
	mark_row(floods, row);
}

static void free_sum(struct floods *floods, u32 id)
{
	struct subject *sum = &floods->subject[id];
	u32 *at = chain_of(floods, &sum->addr, sum->prefix);

	while (*at != id)
		at = &floods->subject[*at].next;
	*at = sum->next;
	sum->next = floods->free_sum;
	floods->free_sum = id;
}

/* Calls itself once, as sum_of() does. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void leave_sum(struct floods *floods, u32 part, u64 tick)
{
	u32 id = floods->subject[part].parent;
	struct subject *sum;

	if (id == NOBODY)
		return;
	sum = &floods->subject[id];
	floods->subject[part].parent = NOBODY;
	if (sum->first == part)
		sum->first = NOBODY;
	if (--sum->members)
		return;
	if (sum->told != NOBODY)
		tell_end(floods, id, tick);
	alarm_end(floods, id);
	leave_sum(floods, id, tick);
	sum->running = 0;
	memset(sum->fresh, 0, sizeof(sum->fresh));
	free_sum(floods, id);
}

void groups_detach(struct floods *floods, u32 row, u64 tick)
{
	struct subject *subject = &floods->subject[row];

	if (!subject->attached)
		return;
	if (subject->told != NOBODY)
		tell_end(floods, row, tick);
	if (subject->crowd)
		tell_crowd(floods, row, PHASE_END, tick);
	if (subject->silent) {
		subject->silence.ticks += tick - subject->silent_tick;
		tell_silent(floods, row, PHASE_END, tick);
	}
	queues_forget(floods, row);
	alarm_end(floods, row);
	leave_sum(floods, row, tick);
	subject->attached = subject->running = 0;
	memset(subject->fresh, 0, sizeof(subject->fresh));
}

int is_part_of(const struct floods *floods, u32 part, u32 sum)
{
	for (u32 id = floods->subject[part].parent; id != NOBODY; id = floods->subject[id].parent) {
		if (id == sum)
			return 1;
	}
	return 0;
}
