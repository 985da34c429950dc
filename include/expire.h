/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a flow when its deadline has passed. */
#ifndef TCPSHAKE_EXPIRE_H
#define TCPSHAKE_EXPIRE_H

#include "promote.h"

INLINE void tell_half_open(struct tally *tally, u64 word, const struct flow *flow, enum waiting_for what, u64 time,
			   u32 suppressed)
{
	struct news news = {
		.kind = EVENT_HALF_OPEN, .detail = what, .time = time, .suppressed = suppressed,
	};

	if (CFG(view) != VIEW_ONE_SIDED)
		tell(tally, &news, word, flow);
}

INLINE u64 expire_pending(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	u32 server = PEER_OF(flow_client(flow)), alarm;

	if ((s32)(give_up_tick(flow) - (u32)(time / TICK_NS)) <= 0)
		return bury(flow, word, HOW_TIMEOUT, time, 0);
	if (word & (WORD_ADOPTION | WORD_TOLD_1))
		return word_with_due(word, pending_due(word, flow));
	alarm = service_alarm(flow);
	tell_half_open(tally, word, flow,
		       word_proofs(word, server) & PROOF_S ? WAITING_ACK : WAITING_SYN_ACK, time, alarm);
	word |= alarm ? WORD_TOLD_1 | WORD_TOLD_2 : WORD_TOLD_1;
	return word_with_due(word, pending_due(word, flow));
}

INLINE u64 expire_accept(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	if (CFG(half_open_after) && !(flow->flags & FLOW_ACCEPT_TOLD)) {
		flow->flags |= FLOW_ACCEPT_TOLD;
		tell_half_open(tally, word, flow, WAITING_ACCEPT, time, 0);
		return word_with_due(word, (u32)tick_after(flow->mark_ns) + ACCEPT_PATIENCE +
					   CFG(half_open_after));
	}
	flow->mark_ns = 0;
	return settle(word_with_watch(word, WATCH_NONE), flow);
}

/*
 * Asks user space whether a local socket contradicts. Returns 0 when there is
 * nobody to ask or the answer has had its time; else the word with the time of
 * the answer, which counts from now: a sweep may come late, and what is due at
 * once would be buried by the same call that asked.
 */
INLINE u64 ask_sockets(struct tally *tally, u64 word, struct flow *flow, u64 time, u64 now_tick)
{
	struct news news = { .kind = EVENT_SUSPECT, .detail = word_watch(word), .time = time };

	if (!CFG(ask_sockets) || CFG(view) != VIEW_HOST || (flow->flags & FLOW_ASKED))
		return 0;
	/* a full ring: asked again then */
	if (tell(tally, &news, word, flow))
		flow->flags |= FLOW_ASKED;
	return word_with_due(word, (u32)now_tick + ANSWER_TICKS);
}

INLINE u64 expire_reset(struct tally *tally, u64 word, struct flow *flow, u64 time, u64 now_tick)
{
	u64 asked = ask_sockets(tally, word, flow, time, now_tick);

	if (asked)
		return asked;
	flow->flags |= FLOW_RESET_INFERRED;
	return bury(flow, word, HOW_RESET, time, 0);
}

INLINE u64 tell_lingering(struct tally *tally, u64 word, struct flow *flow, u64 bit, u32 after, u64 time)
{
	u32 holder = linger_holder(word, bit);
	u32 since = (u32)tick_after(flow->mark_ns) + after;

	if ((word & bit) || !after || holder > 1 || (s32)(since - (u32)(time / TICK_NS)) > 0)
		return word;
	if (bit == WORD_TOLD_2)
		flow->finishing = (u8)holder;
	tell_linger(tally, word, flow, PHASE_START, holder, word_end_state(word, holder), time);
	return word | bit;
}

/* A FIN that nobody acknowledged. One alone may be a forgery: the socket that it was sent to knows. */
INLINE u64 expire_fin(struct tally *tally, u64 word, struct flow *flow, u64 time, u64 now_tick)
{
	u32 a = word_proofs(word, 0), b = word_proofs(word, 1);
	u64 asked;

	if (word_watch(word) == WATCH_ONE_SIDED) {
		flow->flags |= FLOW_ONE_SIDED;
		return bury(flow, word, HOW_FIN, time, 0);
	}
	if (a & b & PROOF_F) {
		flow->flags |= FLOW_NO_LAST_ACK;
		return bury(flow, word, HOW_FIN, time, 0);
	}
	asked = ask_sockets(tally, word, flow, time, now_tick);
	return asked ? asked : bury(flow, word, HOW_TIMEOUT, time, 0);
}

/*
 * A flow that was silent for --idle-after is looked up again for 60 s. Not
 * more than a quarter of the filter's buckets at once, or the filter is none.
 */
INLINE u64 begin_probation(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	u32 limit = 1u << (BUCKET_TAG_BITS - 2) << CFG(row_bits);
	u32 *level = env_probation();

	if (!CFG(idle_after))
		return word_with_due(word, (u32)(time / TICK_NS) + TICKS_MAX);
	if (!level || READ_ONCE(*level) >= limit) {
		COUNT(tally, probation_delayed);
		return word_with_due(word, (u32)(time / TICK_NS) + PROBATION_TICKS);
	}
	flow->flags &= ~FLOW_ASKED;
	word = word_with_watch(word, WATCH_PROBATION);
	return word_with_due(word, (u32)(time / TICK_NS) + PROBATION_TICKS);
}

INLINE u64 expire_settled(struct tally *tally, u64 word, struct flow *flow, u64 time, u64 now_tick)
{
	u32 tick = (u32)(time / TICK_NS);

	word = tell_lingering(tally, word, flow, WORD_TOLD_1, CFG(close_wait_after), time);
	word = tell_lingering(tally, word, flow, WORD_TOLD_2, CFG(fin_wait_after), time);
	if (word_watch(word) == WATCH_FIN || word_watch(word) == WATCH_ONE_SIDED) {
		if ((s32)(flow->last_tick + 1 + FIN_PATIENCE - tick) <= 0)
			return expire_fin(tally, word, flow, time, now_tick);
	} else if ((s32)(idle_tick(flow) - tick) <= 0) {
		return begin_probation(tally, word, flow, time);
	}
	return word_with_due(word, due_of(word, flow));
}

INLINE u64 expire_probation(struct tally *tally, u64 word, struct flow *flow, u64 time, u64 now_tick)
{
	u64 asked = ask_sockets(tally, word, flow, time, now_tick);

	return asked ? asked : bury(flow, word, HOW_IDLE, time, 0);
}

INLINE u64 expire_tomb(struct tally *tally, u64 word, struct flow *flow, u64 time)
{
	u32 end = (u32)tick_after(flow->mark_ns) + TOMB_TICKS;

	if ((word & WORD_TIME_WAIT) && CFG(time_wait_after) && !(word & WORD_TOLD_1)) {
		if (CFG(time_wait_after) < TOMB_TICKS) {
			tell_linger(tally, word, flow, PHASE_START,
				    word_end_state(word, 0) == STATE_TIME_WAIT ? 0 : 1, STATE_TIME_WAIT, time);
			return word_with_due(word | WORD_TOLD_1, end);
		}
	}
	tomb_gone(flow, word, HOW_NONE, time);
	return 0;
}

/* One deadline of a held flow. Returns its new word, 0 when it is gone. */
SUBPROGRAM u64 expire_once(struct flow *flow, u64 word, u64 now_tick)
{
	struct tally *tally = env_tally();
	u64 time = due_time(word_due(word), now_tick);

	if (!flow || !tally)
		return word;
	if (word & WORD_TOMB)
		return expire_tomb(tally, word, flow, time);
	switch (word_watch(word)) {
	case WATCH_PENDING:
		return expire_pending(tally, word, flow, time);
	case WATCH_ACCEPT:
		return expire_accept(tally, word, flow, time);
	case WATCH_RESET:
		return expire_reset(tally, word, flow, time, now_tick);
	case WATCH_PROBATION:
		return expire_probation(tally, word, flow, time, now_tick);
	default:
		return expire_settled(tally, word, flow, time, now_tick);
	}
}

/*
 * All deadlines of the flow in a slot that have passed at now_tick. The caller
 * holds it; `word` is its word. Returns the new one: a flow can go through
 * several on its way (half-open, given up, tombstone) when nobody looked.
 */
SUBPROGRAM u64 expire(struct flow *flow, u64 word, u64 now_tick)
{
	if (!flow)
		return word;
	for (int n = 0; n < 6 && word && word_is_due(word, (u32)now_tick); n++)
		word = expire_once(flow, word, now_tick);
	return word;
}

#endif
