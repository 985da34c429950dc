/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the counts of the rows to what is new of each. Packets change the counts
 * while they are read: a count that is missed by one tick comes with the next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "floods_parts.h"
#include "log.h"
#include "put.h"

/* Of a count the i-th of n even parts. */
static u32 part_of(u32 whole, u32 i, u32 n)
{
	return n == 1 ? whole : (u32)((u64)whole * (i + 1) / n - (u64)whole * i / n);
}

struct bin bins_part(const u32 fresh[SERVICE_COUNTS], u32 i, u32 n)
{
	return (struct bin){
		.syn = part_of(fresh[SERVICE_SYN], i, n),
		.syn_repeated = part_of(fresh[SERVICE_SYN_REPEATED], i, n),
		.synack = part_of(fresh[SERVICE_SYNACK], i, n),
		.completed = part_of(fresh[SERVICE_COMPLETED], i, n),
		.refused = part_of(fresh[SERVICE_REFUSED], i, n),
		.reset = part_of(fresh[SERVICE_RESET], i, n),
		.aborted = part_of(fresh[SERVICE_ABORTED], i, n),
		.timed_out = part_of(fresh[SERVICE_TIMED_OUT], i, n),
		.replaced = part_of(fresh[SERVICE_REPLACED], i, n),
		.evicted = part_of(fresh[SERVICE_EVICTED], i, n),
	};
}

static void list(struct floods *floods, u32 id)
{
	struct subject *subject = &floods->subject[id];

	if (subject->listed)
		return;
	subject->listed = 1;
	floods->run[floods->runs++] = id;
}

/* What is new in a row, for it and for the sums over it. */
static void add_fresh(struct floods *floods, u32 row)
{
	const u64 *now = floods->side.table.rows[row].count;
	u64 *before = floods->seen[row].count;
	u32 fresh[SERVICE_COUNTS];

	for (u32 i = 0; i < SERVICE_COUNTS; i++) {
		u64 count = READ_ONCE(now[i]);

		fresh[i] = (u32)(count - before[i]);
		before[i] = count;
	}
	/* it does not pass here: nothing is to follow from its absence */
	if (floods->config.one_sided)
		fresh[SERVICE_SYNACK] = fresh[SERVICE_SYN];
	for (u32 id = row; id != NOBODY; id = floods->subject[id].parent) {
		for (u32 i = 0; i < SERVICE_COUNTS; i++)
			floods->subject[id].fresh[i] += fresh[i];
		list(floods, id);
	}
}

static u64 sum_of_counts(const struct service *row)
{
	u64 sum = 0;

	for (u32 i = 0; i < SERVICE_COUNTS; i++)
		sum += READ_ONCE(row->count[i]);
	return sum;
}

static void look_at_row(struct floods *floods, u32 row, u64 tick)
{
	const struct service *service = &floods->side.table.rows[row];
	u32 born = READ_ONCE(service->born);
	u64 sum;

	if (born & 1)
		return; /* it is being given to another: the next tick will see to whom */
	sum = sum_of_counts(service);
	if (born != floods->born[row] || (sum && !floods->subject[row].attached)) {
		groups_detach(floods, row, tick);
		groups_attach(floods, row);
		floods->born[row] = born;
		floods->sums[row] = 0;
		memset(&floods->seen[row], 0, sizeof(floods->seen[row]));
	}
	if (sum == floods->sums[row])
		return;
	floods->sums[row] = sum;
	add_fresh(floods, row);
}

static void collect_row(struct floods *floods, u32 row, u64 tick)
{
	if (row + 1 == floods->rows || READ_ONCE(floods->side.table.words[row]))
		look_at_row(floods, row, tick);
	else if (floods->subject[row].attached)
		groups_detach(floods, row, tick);
}

void bins_collect(struct floods *floods, u64 tick)
{
	u64 *touched = floods->side.table.touched;

	for (u32 row = 0; row < floods->rows && !touched; row++)
		collect_row(floods, row, tick);
	for (u32 i = 0; i * 64 < floods->rows && touched; i++) {
		for (; touched[i]; touched[i] &= touched[i] - 1)
			collect_row(floods, i * 64 + (u32)__builtin_ctzll(touched[i]), tick);
	}
}

void bins_open(struct floods *floods)
{
	const char *path = getenv("TCPSHAKE_BINS"); /* for tests: what the detector is told */

	floods->bins = path ? fopen(path, "w") : NULL;
	if (path && !floods->bins)
		log_note("%s: %s; bins are not written", path, strerror(errno));
	else if (path)
		setvbuf(floods->bins, NULL, _IOLBF, 0);
}

void bins_print(const struct floods *floods, const struct subject *subject, const struct bin *bin, u64 tick)
{
	static const struct bin empty;
	char address[64];
	struct put put = put_into(address, sizeof(address) - 1);

	if (!memcmp(bin, &empty, sizeof(empty)))
		return;
	put_address(&put, &subject->addr);
	address[put_length(&put)] = 0;
	fprintf(floods->bins, "%llu %s %u %u %u %u %u %u %u %u\n", tick, address, subject->port, bin->syn,
		bin->syn_repeated, bin->synack, bin->completed, bin->refused, bin->reset, bin->aborted);
}
