/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep: reads words and handles those that are due. Ten calls of a tenth
 * go through both flow tables once a second.
 */
#ifndef TCPSHAKE_SWEEP_H
#define TCPSHAKE_SWEEP_H

#include "calls.h"
#include "expire.h"
#include "sow.h"

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

/* One line. now_tick: all deadlines up to it are due. Returns how many were. */
SUBPROGRAM int sweep_line(u32 line, u64 now_tick)
{
	u64 *words = env_line(line);
	int due = 0;

	if (!words)
		return 0;
	for (u32 i = 0; i < LINE_WORDS; i++) {
		u64 word = READ_ONCE(words[i]);

		if (word && !(word & WORD_BUSY) && word_is_due(word, (u32)now_tick)) {
			sweep_slot(line * LINE_WORDS + i, now_tick);
			due++;
		}
	}
	return due;
}

/* What a position costs the sweep, against one where nothing stands any more. */
#define SWEEP_WAITS 0
#define SWEEP_PASSED 1
#define SWEEP_COUNTED 2
#define SWEEP_HATCHED 32

/*
 * Half-opens that are not told (not selected, or a flood's summaries stand for them)
 * are counted where the seed lies: it is as likely to be overwritten as ever.
 * Returns the state of its word, or 0: it is to be told.
 */
INLINE u64 half_open_untold(struct tally *tally, const struct seed *seed, const struct answer *answer, u64 word)
{
	u32 server = PEER_OF(seed_sender(seed)), alarm;
	struct news news = { .kind = EVENT_HALF_OPEN };

	if (seed_due(seed, answer, word) == seed_due(seed, answer, word | SEED_TOLD))
		return 0;
	alarm = service_alarm_at(&seed->key, server, seed->hello.service);
	if ((CFG(events) & 1u << EVENT_HALF_OPEN) && !alarm && CFG(view) != VIEW_ONE_SIDED)
		return 0;
	news.suppressed = alarm;
	if (CFG(view) != VIEW_ONE_SIDED)
		worth_telling(tally, &news);
	return alarm ? SEED_TOLD | SEED_TOLD_IN_ALARM : SEED_TOLD;
}

/*
 * A seed that is due is counted where it lies, or moves to the pending table and is told
 * of there. One that is not, or is in somebody's hand, is waited for; but candidates for
 * adoption have no half-open. One of the round before, which was in somebody's hand when its
 * place was given to another, makes room now.
 */
INLINE int sweep_seed(u64 position, u64 now_tick, enum seed_stage stage)
{
	u64 *word = env_seed_word(seed_place(position)), was, told;
	struct answer *answer = env_answer(seed_place(position));
	struct seed *seed = env_seed(seed_place(position));
	struct tally *tally = env_tally();
	struct key key;
	int slot;

	if (!word || !answer || !seed || !tally)
		return SWEEP_PASSED;
	was = READ_ONCE(*word);
	if (seed_position(was) < position && (was & SEED_BUSY))
		return SWEEP_WAITS;
	if (seed_position(was) < position && (was & SEED_LIVE) && evict_position(seed_position(was)))
		return SWEEP_WAITS;
	if (seed_position(was) != position || !(was & (SEED_LIVE | SEED_BUSY)))
		return SWEEP_PASSED;
	if (stage == STAGE_HALF_OPEN && !(was & SEED_BUSY) && seed_is_candidate(was))
		return SWEEP_COUNTED;
	if ((was & SEED_BUSY) || (s32)((u32)now_tick - seed_due(seed, answer, was)) < 0 ||
	    cas64(word, was, was | SEED_BUSY) != was)
		return SWEEP_WAITS;
	told = stage == STAGE_HALF_OPEN ? half_open_untold(tally, seed, answer, was) : 0;
	if (told) {
		publish64(word, was | told);
		return SWEEP_COUNTED;
	}
	key = seed_key(seed);
	slot = hatch(seed_place(position), key_hash(&key, &CFG(hash_keys)), now_tick * TICK_NS);
	if (slot < 0)
		return SWEEP_WAITS;
	sweep_slot((u32)slot, now_tick);
	return SWEEP_HATCHED;
}

/*
 * A position that was given out and not yet taken looks like one that is over.
 * So of such a one the sweep first says that it went by, as who takes it then will
 * see, and looks again.
 */
SUBPROGRAM int sweep_position(u64 position, u64 now_tick)
{
	const u64 *word = env_seed_word(seed_place(position));
	struct seed_ends *ends = env_seed_ends();
	int cost = sweep_seed(position, now_tick, STAGE_HALF_OPEN);
	u64 now;

	if (cost == SWEEP_WAITS || !word || !ends)
		return cost;
	if (cost != SWEEP_PASSED) {
		publish64(&ends->tail, position);
		return cost;
	}
	exchange64(&ends->tail, position);
	now = READ_ONCE(*word);
	if (seed_position(now) != position || !(now & (SEED_LIVE | SEED_BUSY)))
		return cost;
	publish64(&ends->tail, position - 1);
	return SWEEP_WAITS;
}

/* Of those whose half_open is behind them. */
SUBPROGRAM int give_up_position(u64 position, u64 now_tick)
{
	struct seed_ends *ends = env_seed_ends();
	int cost = sweep_seed(position, now_tick, STAGE_GIVE_UP);

	if (ends && cost != SWEEP_WAITS)
		ends->last = position;
	return cost;
}

/*
 * Goes on along the ring to the first seed that is not due. Returns 0, or over how many positions when
 * it might have gone further.
 */
INLINE int sweep_stage(u64 now_tick, enum seed_stage stage)
{
	struct seed_ends *ends = env_seed_ends();
	u32 spent = 0, passed = 0;
	u64 end, position;

	if (!ends || !CFG(seeds))
		return 0;
	end = READ_ONCE(ends->head);
	if (ends->tail + CFG(seeds) < end)
		exchange64(&ends->tail, end - CFG(seeds));
	if (ends->last + CFG(seeds) < end)
		ends->last = end - CFG(seeds);
	if (stage == STAGE_GIVE_UP)
		end = ends->tail;
	position = (stage == STAGE_GIVE_UP ? ends->last : ends->tail) + 1;
	for (; passed < SWEEP_CALL_SEEDS && spent < SWEEP_CALL_SEEDS; passed++, position++) {
		int cost = SWEEP_WAITS;

		if (position <= end)
			cost = stage == STAGE_GIVE_UP ? give_up_position(position, now_tick)
						      : sweep_position(position, now_tick);
		if (cost == SWEEP_WAITS)
			return 0;
		spent += (u32)cost;
	}
	return (int)passed;
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

/* A seed stays where it is, and counted as unfinished. */
SUBPROGRAM int conclude_seed(u32 place, u32 how, u64 time)
{
	u64 *word = env_seed_word(place), was;
	struct answer *answer = env_answer(place);
	struct flow *flow = env_hatchling(1);
	struct seed *seed = env_seed(place);

	if (!word || !answer || !seed || !flow)
		return 0;
	was = READ_ONCE(*word);
	if ((was & (SEED_LIVE | SEED_BUSY)) != SEED_LIVE || cas64(word, was, was | SEED_BUSY) != was)
		return 0;
	grow(flow, seed, answer, was);
	conclude(flow, word_of_hash(key_hash(&flow->key, &CFG(hash_keys))) | word_of_seed(seed, answer, was), how, time);
	publish64(word, was);
	return 0;
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
