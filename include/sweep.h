/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep: reads words and handles those that are due. Ten calls of a tenth
 * go through both flow tables once a second.
 */
#ifndef TCPSHAKE_SWEEP_H
#define TCPSHAKE_SWEEP_H

#include "expire.h"

SUBPROGRAM int sweep_slot(u32 slot, u64 now_tick)
{
	u64 *word = word_at(slot);
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	u64 was;
	int busy;

	if (!word || !flow || !tally)
		return 0;
	was = READ_ONCE(*word);
	was = hold(word, word_tag(was), &busy);
	if (!was) /* in somebody's hand: it will still be due the next time */
		return 0;
	release(tally, slot, word, was, expire(flow, was, now_tick));
	return 0;
}

/* One line. now_tick: all deadlines up to it are due. */
SUBPROGRAM int sweep_line(u32 line, u64 now_tick)
{
	u64 *words = env_line(line);

	if (!words)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);

		if (word && !(word & WORD_BUSY) && word_is_due(word, (u32)now_tick))
			sweep_slot(line * LINE_WORDS + i, now_tick);
	}
	return 0;
}

/* The lines of both flow tables. */
INLINE u32 sweep_lines(void)
{
	return CFG(table[TABLE_SERVICES].first_line);
}

/*
 * The run or the capture is over: what can be said of a flow that still stands.
 * A RST in doubt was not contradicted, two FINs were sent; all else just ends
 * here, with the states it has, and stays counted as unfinished or live.
 */
SUBPROGRAM u64 conclude(struct flow *flow, u64 word, u32 how, u64 time)
{
	struct tally *tally = env_tally();
	u32 alarm = 0;

	if (!flow || !tally || (word & WORD_TOMB))
		return word;
	word = hatch(flow, word);
	if (word_watch(word) == WATCH_RESET) {
		flow->flags |= FLOW_RESET_INFERRED;
		return bury(flow, word, HOW_RESET, time, 0);
	}
	if (word_watch(word) != WATCH_PENDING && (word_proofs(word, 0) & word_proofs(word, 1) & PROOF_F)) {
		flow->flags |= FLOW_NO_LAST_ACK;
		return bury(flow, word, HOW_FIN, time, 0);
	}
	if (worth_a_close(word, flow)) {
		flow->how = (u8)how;
		if (word_watch(word) == WATCH_PENDING)
			alarm = service_alarm(flow);
		tell_close(tally, word, flow, time, 0, unless_half_open_told(word, alarm));
	}
	return word;
}

SUBPROGRAM int conclude_slot(u32 slot, u32 how, u64 time)
{
	u64 *word = word_at(slot);
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	u64 was;
	int busy;

	if (!word || !flow || !tally)
		return 0;
	was = READ_ONCE(*word);
	was = hold(word, word_tag(was), &busy);
	if (was)
		release(tally, slot, word, was, conclude(flow, was, how, time));
	return 0;
}

SUBPROGRAM int conclude_line(u32 line, u32 how, u64 time)
{
	u64 *words = env_line(line);

	if (!words)
		return -1;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		if (READ_ONCE(words[i]) && !(READ_ONCE(words[i]) & WORD_TOMB))
			conclude_slot(line * LINE_WORDS + i, how, time);
	}
	return 0;
}

#endif
