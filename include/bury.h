/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a flow: what it counts for, its close event, its tombstone. */
#ifndef TCPSHAKE_BURY_H
#define TCPSHAKE_BURY_H

#include "due.h"
#include "pair.h"
#include "service.h"

/* Returns the alarm of its service. */
INLINE u32 count_handshake_end(struct tally *tally, const struct flow *flow, u32 how)
{
	switch (how) {
	case HOW_REFUSED:
		COUNT(tally, handshakes_refused);
		return service_count(tally, flow, SERVICE_REFUSED);
	case HOW_ABORTED:
		COUNT(tally, handshakes_aborted);
		return service_count(tally, flow, SERVICE_ABORTED);
	case HOW_RESET:
		COUNT(tally, handshakes_reset);
		return service_count(tally, flow, SERVICE_RESET);
	case HOW_REPLACED:
		COUNT(tally, handshakes_replaced);
		return service_count(tally, flow, SERVICE_REPLACED);
	case HOW_EVICTED:
		COUNT(tally, handshakes_evicted);
		return service_count(tally, flow, SERVICE_EVICTED);
	default:
		COUNT(tally, handshakes_timed_out);
		return service_count(tally, flow, SERVICE_TIMED_OUT);
	}
}

INLINE void count_connection_end(struct tally *tally, u32 how)
{
	switch (how) {
	case HOW_FIN:
		COUNT(tally, connections_fin);
		break;
	case HOW_RESET:
		COUNT(tally, connections_reset);
		break;
	case HOW_REPLACED:
		COUNT(tally, connections_replaced);
		break;
	case HOW_EVICTED:
		COUNT(tally, connections_evicted);
		break;
	case HOW_IDLE:
		COUNT(tally, connections_idle);
		break;
	default:
		COUNT(tally, connections_timed_out);
		break;
	}
}

/* A candidate for adoption is told only if it showed a SYN-ACK: a stray FIN is nobody's connection. */
INLINE int worth_a_close(u64 word, const struct flow *flow)
{
	return !(word & WORD_ADOPTION) || flow->end[0].synack || flow->end[1].synack;
}

/*
 * Of handshakes at a service in alarm the summaries of the flood tell. One whose
 * half-open was told is told to its end.
 */
INLINE u32 unless_half_open_told(u64 word, u32 alarm)
{
	return (word & WORD_TOLD_1) && !(word & WORD_TOLD_2) ? 0 : alarm;
}

INLINE void tell_close(struct tally *tally, u64 word, const struct flow *flow, u64 time, u32 ifindex,
		       u32 suppressed)
{
	struct news news = {
		.kind = EVENT_CLOSE, .detail = flow->how, .time = time, .ifindex = ifindex,
		.detail2 = word_watch(word) == WATCH_ACCEPT, .suppressed = suppressed,
	};

	tell(tally, &news, word, flow);
}

INLINE void tell_linger(struct tally *tally, u64 word, const struct flow *flow, enum phase phase, u32 holder,
			enum tcp_state state, u64 time)
{
	struct news news = {
		.kind = EVENT_LINGER, .detail = phase, .detail2 = state, .time = time,
		.value = holder, .value2 = SCOPE_FLOW,
	};

	tell(tally, &news, word, flow);
}

/* The end whose state is told for a linger bit: the first that is in such a state, or 2. */
INLINE u32 linger_holder(u64 word, u64 bit)
{
	for (u32 end = 0; end < 2; end++) {
		enum tcp_state state = word_end_state(word, end);

		if (bit == WORD_TOLD_1 ? state == STATE_CLOSE_WAIT : is_waiting_to_finish(state))
			return end;
	}
	return 2;
}

/* A state that was told to linger has been left: says so and forgets it. Returns the word. */
INLINE u64 linger_over(struct tally *tally, u64 was, u64 now, const struct flow *flow, u64 bit, u64 time)
{
	u32 holder;

	if (!(was & bit) || word_watch(was) == WATCH_PENDING || (was & WORD_TOMB))
		return now;
	holder = bit == WORD_TOLD_2 ? flow->finishing & 1 : linger_holder(was, bit);
	if (holder > 1) /* bit told of the accept queue, not of a close */
		return now & ~bit;
	if (word_end_state(was, holder) == word_end_state(now, holder) && !(now & WORD_TOMB))
		return now;
	tell_linger(tally, was, flow, PHASE_END, holder, word_end_state(was, holder), time);
	return now & ~bit;
}

INLINE void tell_pair(struct tally *tally, u64 word, const struct flow *flow, enum phase phase, u64 time)
{
	u32 limit = CFG(pair_limit);
	struct news news = {
		.kind = EVENT_LINGER, .detail = phase, .detail2 = STATE_TIME_WAIT, .time = time,
		.count = phase == PHASE_START ? limit : limit - limit / 4 - 1,
		.value = word_end_state(word, 0) == STATE_TIME_WAIT ? 0 : 1, .value2 = SCOPE_PAIR,
	};

	tell(tally, &news, word, flow);
}

INLINE void pair_entered(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	int news = pair_add(flow, 1);

	if (news == PAIR_NOT_COUNTED)
		return;
	flow->flags |= FLOW_IN_PAIR;
	if (news == PAIR_START)
		tell_pair(tally, word, flow, PHASE_START, time);
}

INLINE void pair_left(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	if (!(flow->flags & FLOW_IN_PAIR))
		return;
	flow->flags &= ~FLOW_IN_PAIR;
	if (pair_add(flow, -1) == PAIR_END)
		tell_pair(tally, word, flow, PHASE_END, time);
}

/* A tombstone goes: its time is over, or (how) a new connection or want of room ended it. */
SUBPROGRAM int tomb_gone(struct flow *flow, u64 word, u32 how, u64 time)
{
	struct tally *tally = env_tally();

	if (!tally || !flow || !(word & WORD_TIME_WAIT))
		return 0;
	if (how == HOW_REPLACED)
		COUNT(tally, time_wait_reused);
	else if (how == HOW_EVICTED)
		COUNT(tally, time_wait_evicted);
	else
		COUNT(tally, time_wait_expired);
	pair_left(tally, word, flow, time);
	if (word & WORD_TOLD_1)
		tell_linger(tally, word, flow, PHASE_END, word_end_state(word, 0) == STATE_TIME_WAIT ? 0 : 1,
			    STATE_TIME_WAIT, time);
	return 0;
}

/*
 * Ends a live flow and returns the word of its tombstone. time: of the packet
 * or the deadline, ns; ifindex: of the packet, or 0.
 */
SUBPROGRAM u64 bury(struct flow *flow, u64 word, u32 how, u64 time, u32 ifindex)
{
	struct tally *tally = env_tally();
	u32 due, alarm = 0;
	u64 tomb;

	if (!tally || !flow)
		return 0;
	tomb = word_with_watch(word, WATCH_NONE) | WORD_TOMB;
	flow->how = (u8)how;
	if (word_watch(word) == WATCH_PENDING) {
		if (!(word & WORD_ADOPTION)) {
			alarm = count_handshake_end(tally, flow, how);
		} else {
			/* in a flood: the SYN-ACK repeated, for a SYN that was evicted */
			if (worth_a_close(word, flow))
				alarm = service_alarm(flow);
			if (how == HOW_EVICTED)
				COUNT(tally, adoptions_evicted);
			else
				COUNT(tally, adoptions_expired);
		}
		if (how == HOW_EVICTED)
			alarm = 1; /* a loss tells how many had to go: one line each would be a second flood */
	} else {
		count_connection_end(tally, how);
		linger_over(tally, word, tomb, flow, WORD_TOLD_1, time);
		linger_over(tally, word, tomb, flow, WORD_TOLD_2, time);
	}
	if (worth_a_close(word, flow))
		tell_close(tally, word, flow, time, ifindex, unless_half_open_told(word, alarm));

	tomb &= ~(WORD_TOLD_1 | WORD_TOLD_2);
	due = (u32)tick_after(time) + TOMB_TICKS;
	if (how == HOW_FIN) {
		tomb |= WORD_TIME_WAIT;
		flow->mark_ns = time;
		COUNT(tally, time_wait_entered);
		pair_entered(tally, tomb, flow, time);
		if (CFG(time_wait_after))
			due = earlier(due, (u32)tick_after(time) + CFG(time_wait_after));
	}
	return word_with_due(tomb, due);
}

#endif
