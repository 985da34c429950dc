/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a flow wants to be looked at next. Pure: from the word, the record and
 * the configuration. The time of an event of the clock is its deadline, so a
 * sweep that comes late changes nothing that is told.
 */
#ifndef TCPSHAKE_DUE_H
#define TCPSHAKE_DUE_H

#include "env.h"
#include "tell.h"

#define TOMB_TICKS (60 * TICKS_PER_SEC)	     /* TIME_WAIT on Linux; RFC 9293's 2 MSL is longer */
#define FIN_PATIENCE (75 * TICKS_PER_SEC)    /* a FIN without acknowledgment and sign of life */
#define ACCEPT_PATIENCE (75 * TICKS_PER_SEC)
#define RESET_DOUBT (2 * TICKS_PER_SEC)
#define PROBATION_TICKS (60 * TICKS_PER_SEC)
#define ANSWER_TICKS (1 * TICKS_PER_SEC)     /* user space asks the socket table meanwhile */

INLINE int is_waiting_to_finish(enum tcp_state state)
{
	return state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2 || state == STATE_CLOSING ||
	       state == STATE_LAST_ACK;
}

INLINE enum tcp_state word_end_state(u64 word, u32 end)
{
	return state_of(word_proofs(word, end), word_proofs(word, PEER_OF(end)));
}

INLINE int any_end_is(u64 word, enum tcp_state state)
{
	return word_end_state(word, 0) == state || word_end_state(word, 1) == state;
}

INLINE u32 earlier(u32 a, u32 b)
{
	return (s32)(a - b) < 0 ? a : b;
}

INLINE u32 half_open_tick(const struct flow *flow)
{
	return (u32)tick_after(flow->first_ns) + CFG(half_open_after);
}

INLINE u32 give_up_tick(const struct flow *flow)
{
	return flow->last_tick + 1 + ticks_limited(CFG(give_up_after));
}

INLINE u32 pending_due(u64 word, const struct flow *flow)
{
	u32 due = give_up_tick(flow);

	if (!(word & (WORD_TOLD_1 | WORD_ADOPTION)) && CFG(half_open_after))
		due = earlier(due, half_open_tick(flow));
	return due;
}

INLINE int close_wait_is_due(u64 word)
{
	return !(word & WORD_TOLD_1) && CFG(close_wait_after) && any_end_is(word, STATE_CLOSE_WAIT);
}

INLINE int fin_wait_is_due(u64 word)
{
	return !(word & WORD_TOLD_2) && CFG(fin_wait_after) &&
	       (is_waiting_to_finish(word_end_state(word, 0)) || is_waiting_to_finish(word_end_state(word, 1)));
}

INLINE u32 linger_due(u64 word, const struct flow *flow, u32 due)
{
	u32 since = (u32)tick_after(flow->mark_ns);

	if (close_wait_is_due(word))
		due = earlier(due, since + CFG(close_wait_after));
	if (fin_wait_is_due(word))
		due = earlier(due, since + CFG(fin_wait_after));
	return due;
}

/*
 * Will anything come of this word's deadline? Not of a settled connection's where
 * idleness is not asked about: it is only pushed ahead, each time it passes.
 */
INLINE int deadline_matters(u64 word)
{
	enum watch watch = word_watch(word);

	return CFG(idle_after) || (word & WORD_TOMB) || (watch != WATCH_NONE && watch != WATCH_HALF) ||
	       close_wait_is_due(word) || fin_wait_is_due(word);
}

INLINE u32 idle_tick(const struct flow *flow)
{
	return flow->last_tick + 1 + (CFG(idle_after) ? ticks_limited(CFG(idle_after)) : TICKS_MAX);
}

/* For a live flow whose watch has just begun or goes on; tick of now for the classes that count from it. */
INLINE u32 due_of(u64 word, const struct flow *flow)
{
	switch (word_watch(word)) {
	case WATCH_PENDING:
		return pending_due(word, flow);
	case WATCH_FIN:
	case WATCH_ONE_SIDED:
		return linger_due(word, flow, flow->last_tick + 1 + FIN_PATIENCE);
	case WATCH_NONE:
	case WATCH_HALF:
		return linger_due(word, flow, idle_tick(flow));
	default:
		return word_due(word); /* set when the class was entered */
	}
}

#endif
