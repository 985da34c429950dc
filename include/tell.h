/* SPDX-License-Identifier: GPL-2.0-only */
/* Events out of the engine, and the saturating odds and ends that go with them. */
#ifndef TCPSHAKE_TELL_H
#define TCPSHAKE_TELL_H

#include "env.h"
#include "ticks.h"

struct news {
	u64 time;
	u64 value, value2;
	u32 ifindex;
	u32 count;
	u8 kind, detail, detail2;
	u8 unselected; /* 1: the user asked not to see it */
	u32 suppressed; /* not 0: the summaries of a flood, or a loss, stand for it */
};

/* Whether an event is to be made; else it is counted as filtered or suppressed. */
INLINE int worth_telling(struct tally *tally, const struct news *news)
{
	if (news->kind >= EVENT_KINDS)
		return 1;
	COUNT(tally, events_made);
	if (news->unselected || !(CFG(events) & 1u << news->kind)) {
		COUNT(tally, events_filtered);
		return 0;
	}
	if (news->suppressed) {
		COUNT(tally, events_suppressed);
		return 0;
	}
	return 1;
}

/* Returns 1 when the event is on its way, 0 when it is not told or lost (and counted as that). */
INLINE int tell(struct tally *tally, const struct news *news, u64 word, const struct flow *flow)
{
	struct event *event;

	if (!worth_telling(tally, news))
		return 0;
	event = env_event(word_is_open(word));
	if (!event) {
		if (news->kind < EVENT_KINDS)
			COUNT(tally, events_lost_in_ring);
		return 0;
	}
	event->version = EVENT_VERSION;
	event->kind = news->kind;
	event->detail = news->detail;
	event->detail2 = news->detail2;
	event->zero[0] = event->zero[1] = event->zero[2] = 0;
	event->ifindex = news->ifindex;
	event->count = news->count;
	event->time = news->time;
	event->value = news->value;
	event->value2 = news->value2;
	event->word = word & ~WORD_DUE_MASK;
	event->flow = *flow;
	env_send(event);
	return 1;
}

INLINE void record_time(struct tally *tally, u32 histogram, u64 ns)
{
	u32 log2 = ns >> HIST_FIRST_LOG2 ? log2_of(ns >> HIST_FIRST_LOG2) : 0;

	if (log2 >= HIST_BUCKETS)
		log2 = HIST_BUCKETS - 1;
	if (histogram >= HISTOGRAMS)
		return;
	add64(&tally->bucket[histogram][log2], 1);
	add64(&tally->sum_ns[histogram], ns);
}

#endif
