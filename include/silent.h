/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service that stops answering while it is asked no more than usual: no
 * answer at all, only RSTs, or an answer to some and none to the others, who try again (as
 * when its accept queue is full; who can ask the queue knows better).
 *
 * Silence means something only where an answer was due: the service answers often
 * enough that several are missing by now, or it is asked without pause.
 */
#ifndef TCPSHAKE_SILENT_H
#define TCPSHAKE_SILENT_H

#include "usual.h"

#define SILENT_AFTER (3 * TICKS_PER_SEC)
#define SILENT_ASKS 8
#define SILENT_MISSING 8 /* completions that are usual in that time */
#define PERSISTENT_AFTER (30 * TICKS_PER_SEC)
#define PERSISTENT_ASKS 30
#define UNASKED_AFTER (30 * TICKS_PER_SEC)
#define OVERFLOW_AFTER (3 * TICKS_PER_SEC)
#define OVERFLOW_SYNS 16 /* in some three seconds */
#define ANSWERED_SYNS 24 /* in a row: whatever it was, it is over */
#define ANSWERED_TICKS 5 /* with answers, in a row */
#define LEAK_SHIFT 5

INLINE void leak(u32 *sum, u32 x)
{
	u64 now = *sum - (*sum >> LEAK_SHIFT) + (u64)x;

	*sum = now > 0xffffffffU ? 0xffffffffU : (u32)now;
}

INLINE void silence_leak(struct silence *s, const struct bin *bin)
{
	leak(&s->syn, bin->syn * 32);
	leak(&s->synack, bin->synack * 32);
	leak(&s->refused, (bin->refused + bin->reset) * 32);
	leak(&s->repeated, bin->syn_repeated * 32);
	if (bin->syn > bin->synack + bin->refused)
		s->answered = 0;
	else if (s->answered < ANSWERED_SYNS)
		s->answered += bin->syn;
}

INLINE void silence_run_reset(struct silence *s)
{
	s->asks = 0;
	s->refusals = 0;
	s->ticks = 0;
	s->unasked = 0;
}

/* Asks since the last SYN-ACK. Who is asked by no one for half a minute is not silent. */
INLINE void silence_run(struct silence *s, const struct bin *bin)
{
	u32 asks = bin->syn + bin->syn_repeated;

	s->unasked = asks || !s->asks ? 0 : s->unasked + 1;
	if (bin->synack || s->unasked >= UNASKED_AFTER) {
		silence_run_reset(s);
		return;
	}
	s->asks += asks;
	s->refusals += bin->refused;
	if (s->asks)
		s->ticks++;
}

INLINE int answer_is_missing(const struct detector *d)
{
	const struct silence *s = &d->silence;

	if (s->ticks >= PERSISTENT_AFTER && s->asks >= PERSISTENT_ASKS)
		return 1;
	return s->ticks >= SILENT_AFTER && s->asks >= SILENT_ASKS &&
	       d->usual_completed * s->ticks >= FIXED(SILENT_MISSING);
}

/* SYNs of the last seconds that got no answer though others did, and that were repeated. */
INLINE u32 dropped_of(const struct silence *s)
{
	u32 answered = s->synack + s->refused;

	return s->syn > answered ? s->syn - answered : 0;
}

INLINE int drops_some(const struct silence *s)
{
	u32 dropped = dropped_of(s);

	return s->answered < ANSWERED_SYNS && s->syn >= OVERFLOW_SYNS * 32 && s->synack && dropped >= s->syn / 4 &&
	       s->repeated >= dropped / 2;
}

/* One tick of a service that is not silent. Whether it is from now on; then d->silent says how. */
INLINE int silence_begins(struct detector *d, const struct bin *bin)
{
	struct silence *s = &d->silence;

	silence_leak(s, bin);
	silence_run(s, bin);
	if (answer_is_missing(d)) {
		d->silent = s->refusals * 2 >= s->asks ? SILENT_REFUSING : SILENT_NO_ANSWER;
		return 1;
	}
	s->held = drops_some(s) ? s->held + 1 : 0;
	d->silent = SILENT_OVERFLOW;
	return s->held >= OVERFLOW_AFTER;
}

/* One tick of a silent service. Whether it answers again, or is no longer asked. */
INLINE int silence_ends(struct detector *d, const struct bin *bin)
{
	struct silence *s = &d->silence;

	silence_leak(s, bin);
	s->unasked = bin->syn + bin->syn_repeated ? 0 : s->unasked + 1;
	if (s->unasked >= UNASKED_AFTER)
		return 1;
	if (bin->syn)
		s->held = bin->synack * 10 >= bin->syn * 9 ? s->held + 1 : 0;
	return s->held >= (d->silent == SILENT_OVERFLOW ? OVERFLOW_AFTER : ANSWERED_TICKS);
}

#endif
