/* SPDX-License-Identifier: GPL-2.0-only */
/* The sums of counters.h, told again as code: nothing is lost between two counters. */
#include "summary.h"

#define N(name) (tally->count[C_##name])

static struct sum_sides packets(const struct tally *tally, const struct levels *levels)
{
	return (struct sum_sides){
		.name = "packets",
		.left = N(packets),
		.right = N(stepped) + N(not_watched) + N(no_connection) + N(duplicate) + N(filtered) +
			 N(not_tcp) + N(fragment) + N(malformed) + N(truncated) + N(odd_flags) +
			 N(contended) + levels->deferred,
	};
}

static struct sum_sides handshakes(const struct tally *tally, const struct levels *levels)
{
	return (struct sum_sides){
		.name = "handshakes started",
		.left = N(handshakes_started),
		.right = N(handshakes_completed) + N(handshakes_refused) + N(handshakes_aborted) +
			 N(handshakes_reset) + N(handshakes_timed_out) + N(handshakes_replaced) +
			 N(handshakes_evicted) + levels->unfinished,
	};
}

static struct sum_sides completed(const struct tally *tally)
{
	return (struct sum_sides){
		.name = "handshakes completed",
		.left = N(handshakes_completed),
		.right = N(begun_by_handshake) + N(begun_refused_table_full),
	};
}

static struct sum_sides connections(const struct tally *tally, const struct levels *levels)
{
	return (struct sum_sides){
		.name = "connections begun",
		.left = N(begun_by_handshake) + N(begun_by_adoption),
		.right = N(connections_fin) + N(connections_reset) + N(connections_timed_out) +
			 N(connections_idle) + N(connections_replaced) + N(connections_evicted) +
			 levels->live,
	};
}

static struct sum_sides adoptions(const struct tally *tally, const struct levels *levels)
{
	return (struct sum_sides){
		.name = "adoptions started",
		.left = N(adoptions_started),
		.right = N(begun_by_adoption) + N(adoptions_refused_table_full) + N(adoptions_joined) +
			 N(adoptions_expired) + N(adoptions_evicted) + levels->adoptions_unfinished,
	};
}

static struct sum_sides time_waits(const struct tally *tally, const struct levels *levels)
{
	return (struct sum_sides){
		.name = "TIME_WAIT entered",
		.left = N(time_wait_entered),
		.right = N(time_wait_expired) + N(time_wait_reused) + N(time_wait_evicted) + levels->held,
	};
}

static struct sum_sides events(const struct tally *tally, const struct output_counts *output)
{
	static const struct output_counts none;

	if (!output)
		output = &none;
	return (struct sum_sides){
		.name = "events made",
		.left = N(events_made) + output->own,
		.right = N(events_filtered) + N(events_suppressed) + N(events_lost_in_ring) + output->lost +
			 output->written + output->queued + output->held + output->beyond,
	};
}

int sums_check(const struct tally *tally, const struct levels *levels, const struct output_counts *output,
	       struct sum_sides sides[SUMS])
{
	int unbalanced = 0;

	sides[SUM_PACKETS] = packets(tally, levels);
	sides[SUM_HANDSHAKES] = handshakes(tally, levels);
	sides[SUM_COMPLETED] = completed(tally);
	sides[SUM_CONNECTIONS] = connections(tally, levels);
	sides[SUM_ADOPTIONS] = adoptions(tally, levels);
	sides[SUM_TIME_WAIT] = time_waits(tally, levels);
	sides[SUM_EVENTS] = events(tally, output);
	sides[SUM_WATCH] =
		(struct sum_sides){ "watch begun", N(watch_begun), N(watch_ended) + levels->filter_sum };
	sides[SUM_FILTER] = (struct sum_sides){ "watch filter", levels->filter_sum, levels->watched_words };
	for (int i = 0; i < SUMS; i++)
		unbalanced += sides[i].left != sides[i].right;
	return unbalanced;
}

/*
 * Buckets are octaves. Within one the values are taken to lie evenly, which is
 * off by less than the octave; services have finer ones.
 */
u64 histogram_quantile(const struct tally *tally, enum histogram histogram, u32 per_mille)
{
	const u64 *bucket = tally->bucket[histogram];
	u64 all = 0, below = 0, rank;

	for (int b = 0; b < HIST_BUCKETS; b++)
		all += bucket[b];
	if (!all)
		return 0;
	rank = (all * per_mille + 999) / 1000;
	for (int b = 0; b < HIST_BUCKETS; b++) {
		u64 low = 1ULL << (HIST_FIRST_LOG2 + b);

		if (below + bucket[b] >= rank && bucket[b])
			return low + (u64)((double)low * ((double)(rank - below) - 0.5) / (double)bucket[b]);
		below += bucket[b];
	}
	return 1ULL << (HIST_FIRST_LOG2 + HIST_BUCKETS);
}
