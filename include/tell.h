/* SPDX-License-Identifier: GPL-2.0-only */
/* Events out of the engine, and the saturating odds and ends that go with them. */
#ifndef TCPSHAKE_TELL_H
#define TCPSHAKE_TELL_H

#include "env.h"
#include "seed.h"

struct news {
	u64 time;
	u64 value, value2;
	u32 ifindex;
	u32 count;
	u8 kind, detail, detail2;
	u8 unselected; /* 1: the user asked not to see it */
	u32 suppressed; /* not 0: the summaries of a flood stand for it */
};

/* An event that lacks but its flow and word; NULL when it is filtered or lost (and counted as that). */
INLINE struct event *begin_event(struct tally *tally, const struct news *news)
{
	struct event *event;

	if (news->kind < EVENT_KINDS) {
		COUNT(tally, events_made);
		if (news->unselected || !(CFG(events) & 1u << news->kind)) {
			COUNT(tally, events_filtered);
			return 0;
		}
		if (news->suppressed) {
			COUNT(tally, events_suppressed);
			return 0;
		}
	}
	event = env_event();
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
	return event;
}

/* Returns 1 when the event is on its way. */
INLINE int tell(struct tally *tally, const struct news *news, u64 word, const struct flow *flow)
{
	struct event *event = begin_event(tally, news);

	if (!event)
		return 0;
	event->word = word & ~WORD_DUE_MASK;
	event->flow = *flow;
	env_send(event);
	return 1;
}

/* The close of a flow that is but a seed. The rest of its record, cold memory, is not touched: it hatches in the event. */
INLINE void tell_seed(struct tally *tally, const struct news *news, u64 word, const struct flow *flow)
{
	struct event *event = begin_event(tally, news);

	if (!event)
		return;
	event->word = word & ~(WORD_DUE_MASK | WORD_SEED);
	event->flow.key = flow->key;
	event->flow.first_ns = flow->first_ns;
	event->flow.seed = flow->seed;
	hatch_record(&event->flow);
	event->flow.how = news->detail;
	env_send(event);
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
