/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flood detector: a pure function of bins. Zeroed state is a service never
 * seen. To be called once a tick, in order; where detect_idle() says so, ticks without
 * any count may be left out, as many as there are.
 */
#ifndef TCPSHAKE_DETECT_H
#define TCPSHAKE_DETECT_H

#include "judge.h"
#include "silent.h"

#define FLOOD_CALM (10 * TICKS_PER_SEC) /* pulses of a flood are not floods each */
#define CROWD_AFTER (2 * TICKS_PER_SEC)
#define CROWD_CALM (5 * TICKS_PER_SEC)
#define CROWD_LASTS (10 * 60 * TICKS_PER_SEC) /* then it is usual */
#define CROWD_FACTOR 3

/* An empty bin would change nothing. */
INLINE int detect_idle(const struct detector *d)
{
	return d->idle;
}

INLINE u64 a_second(s64 a_tick)
{
	return a_tick > 0 ? (u64)(a_tick * TICKS_PER_SEC) >> FIXED_SHIFT : 0;
}

INLINE void pending_note(struct detector *d, const struct bin *bin)
{
	u64 over = (u64)bin->completed + bin->refused + bin->reset + bin->aborted + bin->timed_out + bin->replaced +
		   bin->evicted;

	d->pending += bin->syn;
	d->pending -= over < d->pending ? over : d->pending;
}

INLINE void second_note(struct detector *d, const struct bin *bin)
{
	if (d->ticks % TICKS_PER_SEC == 0) {
		d->second_syn = 0;
		d->second_completed = 0;
	}
	d->second_syn += bin->syn;
	d->second_completed += bin->completed;
	if (d->second_syn > d->peak)
		d->peak = d->second_syn;
}

INLINE void find(const struct detector *d, struct finding *finding)
{
	const struct onset *onset = d->mode == MODE_FLOOD ? &d->upto : &d->onset;
	u64 ticks = onset->ticks ? onset->ticks : 1;

	*finding = (struct finding){
		.verdict = (enum verdict)d->verdict,
		.silent = (enum silent_kind)d->silent,
		.syn_rate = onset->syn * TICKS_PER_SEC / ticks,
		.usual_rate = a_second(d->mode == MODE_CROWD ? d->crowd_usual : d->usual_syn),
		.completion_ratio = millionths(onset->completed, onset->syn),
		.half_open = d->pending,
		.syn_total = onset->syn,
		.ticks = ticks,
	};
	finding->peak_rate = d->peak > finding->syn_rate ? d->peak : finding->syn_rate;
}

INLINE void enter(struct detector *d, enum mode mode)
{
	d->mode = (u8)mode;
	d->ticks = 0;
	d->calm = 0;
	d->peak = 0;
}

INLINE enum found flood_begins(struct detector *d, const struct evidence *evidence, struct finding *finding)
{
	enter(d, MODE_FLOOD);
	/* all that was learned so far may be the flood */
	if (is_cold(d)) {
		d->usual_syn = d->usual_completed;
		d->usual_failed = 0;
	}
	d->verdict = (u8)judge(d, evidence);
	d->upto = d->onset;
	find(d, finding);
	return FOUND_FLOOD_START;
}

INLINE enum found flood_step(struct detector *d, const struct bin *bin, const struct evidence *evidence,
			     const struct detect_config *config, struct finding *finding)
{
	second_note(d, bin);
	d->ticks++;
	d->calm++;
	if (strain_holds(d, bin, config)) {
		d->calm = 0;
		d->upto = d->onset;
	}
	if (d->calm >= FLOOD_CALM) {
		find(d, finding);
		enter(d, MODE_CALM);
		onset_reset(d);
		silence_run_reset(&d->silence);
		return FOUND_FLOOD_END;
	}
	/* of the quiet seconds at its end the first one says enough */
	if (d->ticks % TICKS_PER_SEC || d->calm > TICKS_PER_SEC)
		return FOUND_NOTHING;
	if (!d->calm)
		d->verdict = (u8)judge(d, evidence);
	find(d, finding);
	finding->syn_rate = d->second_syn;
	finding->completion_ratio = millionths(d->second_completed, d->second_syn);
	return FOUND_FLOOD_UPDATE;
}

INLINE int is_crowded(const struct detector *d, s64 usual, u32 halves, const struct detect_config *config)
{
	return d->recent_syn >= least_of(config) && d->recent_syn * 2 >= usual * halves;
}

/* SYNs have risen for seconds, and completions with them. */
INLINE int crowd_begins(struct detector *d, const struct detect_config *config)
{
	int crowd = !is_cold(d) && is_crowded(d, d->usual_syn, 2 * CROWD_FACTOR, config) &&
		    d->recent_completed * 10 >= d->recent_syn * 6;

	d->ticks = crowd ? d->ticks + 1 : 0;
	return d->ticks >= CROWD_AFTER;
}

INLINE enum found crowd_tell(struct detector *d, enum found what, struct finding *finding)
{
	find(d, finding);
	finding->verdict = VERDICT_FLASH_CROWD;
	finding->syn_rate = a_second(d->recent_syn);
	finding->completion_ratio = millionths((u64)d->recent_completed, (u64)d->recent_syn);
	finding->peak_rate = d->peak > finding->syn_rate ? d->peak : finding->syn_rate;
	finding->ticks = what == FOUND_CROWD_START ? CROWD_AFTER : CROWD_AFTER + d->ticks - d->calm;
	return what;
}

INLINE enum found crowd_enter(struct detector *d, struct finding *finding)
{
	enter(d, MODE_CROWD);
	d->crowd_usual = d->usual_syn;
	return crowd_tell(d, FOUND_CROWD_START, finding);
}

INLINE enum found crowd_leave(struct detector *d, struct finding *finding)
{
	crowd_tell(d, FOUND_CROWD_END, finding);
	enter(d, MODE_CALM);
	return FOUND_CROWD_END;
}

INLINE int crowd_ends(struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	second_note(d, bin);
	d->ticks++;
	d->calm = is_crowded(d, d->crowd_usual, CROWD_FACTOR, config) ? 0 : d->calm + 1;
	return d->calm >= CROWD_CALM || d->ticks >= CROWD_LASTS;
}

INLINE enum found silent_tell(struct detector *d, enum found what, struct finding *finding)
{
	find(d, finding);
	finding->syn_rate = (u64)d->silence.syn * TICKS_PER_SEC >> 2 * LEAK_SHIFT;
	finding->ticks = d->ticks;
	return what;
}

INLINE enum found silent_enter(struct detector *d, struct finding *finding)
{
	enter(d, MODE_SILENT);
	d->ticks = d->silence.ticks > d->silence.held ? d->silence.ticks : d->silence.held;
	d->silence.held = 0;
	return silent_tell(d, FOUND_SILENT_START, finding);
}

INLINE enum found silent_leave(struct detector *d, struct finding *finding)
{
	silent_tell(d, FOUND_SILENT_END, finding);
	enter(d, MODE_CALM);
	d->silence = (struct silence){ 0 };
	return FOUND_SILENT_END;
}

/* One thing is told a tick: what a flood interrupts is told to end first, the flood a tick later. */
INLINE enum found interrupt(struct detector *d, const struct evidence *evidence, struct finding *finding)
{
	switch (d->mode) {
	case MODE_CROWD:
		return crowd_leave(d, finding);
	case MODE_SILENT:
		return silent_leave(d, finding);
	default:
		return flood_begins(d, evidence, finding);
	}
}

INLINE enum found peace_step(struct detector *d, const struct bin *bin, const struct evidence *evidence,
			     const struct detect_config *config, struct finding *finding)
{
	s64 foretold[LAGS];
	enum strain strain;

	lag_drain(d, FIXED(bin->syn), foretold);
	strain = strain_step(d, bin, config);
	if (strain == STRAIN_FLOOD)
		return interrupt(d, evidence, finding);
	if (d->mode == MODE_SILENT) {
		d->ticks++;
		return silence_ends(d, bin) ? silent_leave(d, finding) : FOUND_NOTHING;
	}
	learn_strain(d, config);
	/*
	 * A flood would teach that completions take long, and hide behind it; a crowd has its own noise, from which any
	 * tank may come out best.
	 */
	if (strain == STRAIN_USUAL && d->recent_syn <= d->usual_syn * 2)
		learn_lag(d, foretold, FIXED(bin->completed));
	if (strain == STRAIN_USUAL || is_cold(d))
		learn_usual(d, FIXED(bin->syn), FIXED(bin->completed), failed_of(d, bin, config));
	if (!config->sum && silence_begins(d, bin))
		return d->mode == MODE_CROWD ? crowd_leave(d, finding) : silent_enter(d, finding);
	if (d->mode == MODE_CROWD)
		return crowd_ends(d, bin, config) ? crowd_leave(d, finding) : FOUND_NOTHING;
	return crowd_begins(d, config) ? crowd_enter(d, finding) : FOUND_NOTHING;
}

INLINE int is_empty(const struct bin *bin)
{
	return !(bin->syn | bin->syn_repeated | bin->synack | bin->completed | bin->refused | bin->reset |
		 bin->aborted | bin->timed_out | bin->replaced | bin->evicted);
}

static inline enum found detect_step(struct detector *d, const struct bin *bin, const struct evidence *evidence,
				     const struct detect_config *config, struct finding *finding)
{
	pending_note(d, bin);
	note_recent(d, FIXED(bin->syn), FIXED(bin->completed));
	if (d->mode == MODE_FLOOD)
		return flood_step(d, bin, evidence, config, finding);
	return peace_step(d, bin, evidence, config, finding);
}

/* Another one knew what the silence was, and that it is over: what follows is found anew. */
static inline void detect_silence_over(struct detector *d)
{
	if (d->mode == MODE_SILENT)
		enter(d, MODE_CALM);
	d->silence = (struct silence){ 0 };
}

/* evidence may be NULL. finding is written unless FOUND_NOTHING is returned. */
static inline enum found detect(struct detector *d, const struct bin *bin, const struct evidence *evidence,
				const struct detect_config *config, struct finding *finding)
{
	struct detector before;
	enum found found;

	if (!is_empty(bin)) {
		d->idle = 0;
		return detect_step(d, bin, evidence, config, finding);
	}
	if (d->idle)
		return FOUND_NOTHING;
	before = *d;
	found = detect_step(d, bin, evidence, config, finding);
	d->idle = !__builtin_memcmp(&before, d, sizeof(before));
	return found;
}

#endif
