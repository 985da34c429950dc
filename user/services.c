/* SPDX-License-Identifier: GPL-2.0-only */
#include "services.h"

#include <errno.h>
#include <stdlib.h>

static u64 quantile(const struct service *row, u32 per_mille)
{
	u64 total = 0, seen = 0;

	for (u32 i = 0; i < SERVICE_BUCKETS; i++)
		total += row->open_time[i];
	for (u32 i = 0; i < SERVICE_BUCKETS; i++) {
		seen += row->open_time[i];
		if (seen && seen * 1000 >= total * per_mille)
			return service_bucket_ns(i);
	}
	return 0;
}

static u64 still_open(const u64 *count)
{
	u64 ended = count[SERVICE_COMPLETED] + count[SERVICE_REFUSED] + count[SERVICE_RESET] +
		    count[SERVICE_ABORTED] + count[SERVICE_TIMED_OUT] + count[SERVICE_REPLACED] +
		    count[SERVICE_EVICTED];

	return count[SERVICE_SYN] > ended ? count[SERVICE_SYN] - ended : 0;
}

int services_summarise(const struct service *rows, u32 count, struct service_summary **out)
{
	struct service_summary *found = calloc((size_t)count + 1, sizeof(*found));
	int n = 0;

	if (!found)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct service *row = &rows[i];

		if (!row->count[SERVICE_SYN])
			continue;
		found[n++] = (struct service_summary){
			.addr = row->addr,
			.port = row->port,
			.prefix = row->prefix,
			.syn = row->count[SERVICE_SYN],
			.completed = row->count[SERVICE_COMPLETED],
			.refused = row->count[SERVICE_REFUSED],
			.half_open = still_open(row->count),
			.timed_out = row->count[SERVICE_TIMED_OUT],
			.median_ns = quantile(row, 500),
			.p99_ns = quantile(row, 990),
		};
	}
	*out = found;
	return n;
}
