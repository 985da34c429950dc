/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The statistic: SYNs that did not complete, beyond the usual ones, summed up
 * as long as there are more than a slack allows (one-sided CUSUM). The last time that it stood
 * at zero is the first sign of trouble.
 *
 * Not every high sum is a flood: completions may be late, or the service may be
 * down. So it is one only when SYNs are many, too, when those beyond the usual
 * ones are those that fail, and when it went on for some ticks. What stands
 * high for two seconds without that is let go.
 */
#ifndef TCPSHAKE_STRAIN_H
#define TCPSHAKE_STRAIN_H

#include "usual.h"

#define UNEXPLAINED_TICKS (2 * TICKS_PER_SEC)
#define ONSET_TICKS (2 * TICKS_PER_SEC) /* older sums fade */
#define COLD_WAIT 15		/* ticks, of a service never heard of */
#define COLD_FACTOR 40		/* from so many times the least rate on it is not waited for */
#define COLD_KNOWN 8		/* completions: it is heard of */
#define COLD_KNOWN_TICKS 30	/* and for so long, but for the trouble */
#define ONSET_CHANCE 2			/* ticks: the first sign may have come by chance before the trouble did */
#define HOT_SHARE 24			/* of the threshold in one tick is a sign */
#define HOT_TICKS 4			/* of the last eight */
#define CHANCE 16 /* SYNs, on any service that has some */
#define MISSING_CHANCE 2 /* completions */
#define MISSING_FACTOR 12		/* each completion missed explains so many failures: SYNs may have risen, too */
#define SILENT_FACTOR 4			/* SYNs without answer are a flood from so many times the usual rate on */
#define REFUSED_FACTOR 40		/* refused SYNs are from so many times the least rate on: scans are slower */

INLINE int is_cold(const struct detector *d)
{
	return d->warm < COLD_TICKS;
}

/* SYNs a tick below which nothing is a flood. */
INLINE s64 least_of(const struct detect_config *config)
{
	return FIXED((u64)config->min_rate * (config->sum ? DETECT_SUM_FACTOR : 1)) / TICKS_PER_SEC;
}

/* Thresholds are of sensitivity 5. */
INLINE s64 by_sensitivity(s64 x, const struct detect_config *config)
{
	return x * DETECT_SENSITIVITY / (config->sensitivity ? config->sensitivity : DETECT_SENSITIVITY);
}

INLINE s64 unscaled(s64 h, const struct detect_config *config)
{
	return h * (config->sensitivity ? config->sensitivity : DETECT_SENSITIVITY) / DETECT_SENSITIVITY;
}

/*
 * SYNs that came to nothing, less those that wait for this tick's completions. What the server
 * refuses, it has dealt with.
 */
INLINE s64 failed_of(const struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	s64 failed = FIXED(bin->syn) - FIXED(bin->completed);
	s64 many = least_of(config) * REFUSED_FACTOR;

	if (FIXED(bin->syn) < many || FIXED(bin->syn) < d->usual_syn * 2 * SILENT_FACTOR)
		failed -= FIXED(bin->refused) + FIXED(bin->reset);
	return failed;
}

/* As long as there is no baseline, checks of health have to pass for usual. */
INLINE s64 strange_of(const struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	return failed_of(d, bin, config) - (is_cold(d) ? FIXED(bin->aborted) * 3 / 4 : 0);
}

/*
 * Of a service never heard of it is not known how far away its clients are, nor how slow its answers. Sums are
 * not told before their rate is one that needs no such doubt, and one may not wait while the one above it knows.
 */
INLINE int is_unheard_of(const struct detector *d, const struct detect_config *config)
{
	return !config->sum && (d->usual_completed * d->warm < FIXED(COLD_KNOWN) ||
				d->warm < d->onset.ticks + COLD_KNOWN_TICKS);
}

/* How much more than usual may fail each tick. */
INLINE s64 slack_of(const struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	if (is_cold(d))
		return least_of(config) / 8 + FIXED(bin->syn) / (is_unheard_of(d, config) ? 4 : 8);
	return least_of(config) / 16 + by_sensitivity(d->usual_syn / 32, config) + usual_failed_now(d);
}

/* A flood of the first minute has taken what completed before it for usual. */
INLINE s64 usual_of(const struct detector *d)
{
	return is_cold(d) && d->mode != MODE_FLOOD ? 0 : d->usual_syn;
}

/* SYNs beyond the usual ones since the first sign. */
INLINE s64 excess_of(const struct detector *d)
{
	s64 excess = FIXED(d->onset.syn) - usual_of(d) * d->onset.ticks;

	return excess > 0 ? excess : 0;
}

/* What the sum has to reach; more when SYNs rose by so many a tick, for some of their completions are under way. */
INLINE s64 threshold(const struct detector *d, s64 rise, const struct detect_config *config)
{
	s64 h = (usual_of(d) * lag_chance_ms[d->lag] + rise * lag_allowance_ms[d->lag]) / 100;

	if (usual_of(d) >= FIXED(1))
		h += FIXED(CHANCE);
	/* waves of clients are that high, and what delays them comes with them */
	if (rise < usual_of(d) * 4)
		h += usual_of(d) / 4;
	if (h < least_of(config) * 12 / 5)
		h = least_of(config) * 12 / 5;
	/* in the first minute the sum of a flood would be learned itself */
	if (!is_cold(d) && h < d->strain * 6)
		h = d->strain * 6;
	return by_sensitivity(h, config);
}

INLINE void onset_note(struct onset *onset, const struct bin *bin)
{
	onset->syn += bin->syn;
	onset->completed += bin->completed;
	onset->synack += bin->synack;
	onset->refused += bin->refused + bin->reset;
	onset->repeated += bin->syn_repeated;
	onset->ticks++;
}

INLINE void onset_fade(struct onset *onset)
{
	onset->syn /= 2;
	onset->completed /= 2;
	onset->synack /= 2;
	onset->refused /= 2;
	onset->repeated /= 2;
	onset->ticks /= 2;
}

INLINE u64 onset_unanswered(const struct onset *onset)
{
	return onset->syn > onset->synack + onset->refused ? onset->syn - onset->synack - onset->refused : 0;
}

INLINE u64 onset_failed(const struct onset *onset)
{
	return onset->syn > onset->completed ? onset->syn - onset->completed : 0;
}

INLINE u64 millionths(u64 part, u64 of)
{
	return of ? (part < of ? part : of) * 1000000 / of : 0;
}

INLINE int mostly_unanswered(const struct onset *onset)
{
	return onset_unanswered(onset) * 2 > onset_failed(onset);
}

/*
 * Completions that are usual and do not come: a stalled path or a service in trouble makes
 * the sum as high as a flood does, but a flood leaves the others' handshakes alone, or outnumbers them.
 */
INLINE void missing_step(struct detector *d, const struct bin *bin)
{
	d->missing += d->usual_completed * 6 / 10 - FIXED(bin->completed);
	if (d->missing < 0)
		d->missing = 0;
}

/* How much of the sum this explains. */
INLINE s64 stalled_of(const struct detector *d)
{
	/* where an open in a tick is rare, half a second without one is nothing */
	s64 chance = FIXED(d->usual_completed < FIXED(1) ? 2 * MISSING_CHANCE : MISSING_CHANCE);

	if (chance < d->usual_completed / 2)
		chance = d->usual_completed / 2;
	return d->missing > chance ? d->missing * MISSING_FACTOR : 0;
}

/* Of a steep rise, completions soon make up a good part if it is a crowd. */
INLINE int rise_fails(const struct detector *d, s64 excess)
{
	if (excess >= usual_of(d) * d->onset.ticks || d->recent_syn >= usual_of(d) * 2)
		return (d->cusum + FIXED(MISSING_CHANCE)) * 10 >= excess * 7;
	return d->cusum * 5 >= excess * 2;
}

/* Half of the last eight ticks show it, and not one burst alone makes the sum. */
INLINE int goes_on(const struct detector *d, s64 failed)
{
	return (d->hot & 1) && __builtin_popcount(d->hot) >= HOT_TICKS && d->cusum >= failed * 2;
}

/* Both now and since the first sign. */
INLINE int is_fast(const struct detector *d, const struct detect_config *config)
{
	s64 failed = FIXED(onset_failed(&d->onset)), least = least_of(config);
	u32 ticks = d->onset.ticks;

	if (!is_cold(d))
		failed -= usual_failed_now(d) * ticks;
	ticks = ticks > ONSET_CHANCE + HOT_TICKS ? ticks - ONSET_CHANCE : HOT_TICKS;
	return d->recent_failed * 20 >= least * 11 && failed * 20 >= least * 15 * ticks;
}

/* In the first minute: whether what comes late has come, or there is too much of it to be waited for. */
INLINE int is_flood_when_cold(const struct detector *d, const struct detect_config *config)
{
	const struct onset *onset = &d->onset;
	s64 syn = FIXED(onset->syn);

	if (d->cusum * 2 < syn)
		return 0;
	if (is_unheard_of(d, config))
		return onset->ticks >= COLD_WAIT || syn >= least_of(config) * COLD_FACTOR * onset->ticks;
	if (mostly_unanswered(onset) && syn < d->usual_completed * SILENT_FACTOR * onset->ticks)
		return 0;
	/* a crowd's first clients come soon */
	return onset->ticks >= COLD_WAIT || onset->completed * 20 <= onset->syn * 3 + 20 * MISSING_CHANCE;
}

/* The sum is high: is it a flood? */
INLINE int looks_like_flood(const struct detector *d, s64 h, const struct detect_config *config)
{
	const struct onset *onset = &d->onset;
	s64 excess = excess_of(d), syn = FIXED(onset->syn);
	s64 factor = d->mode == MODE_SILENT ? 2 * SILENT_FACTOR : SILENT_FACTOR;

	if (!is_fast(d, config))
		return 0;
	if (is_cold(d))
		return is_flood_when_cold(d, config);
	if (mostly_unanswered(onset) && syn < usual_of(d) * factor * onset->ticks)
		return 0;
	/* when the others' opens fall meanwhile, the sum alone has to say it */
	if (excess * 3 < h && d->cusum < h * 2)
		return 0;
	return rise_fails(d, excess) || d->cusum >= h * 4;
}

INLINE void onset_reset(struct detector *d)
{
	d->cusum = 0;
	d->missing = 0;
	d->hot = 0;
	d->onset = (struct onset){ 0 };
}

enum strain { STRAIN_USUAL, STRAIN_HIGH, STRAIN_FLOOD };

/* Over some four ticks: a flood of the least rate comes near its rate within half a second. */
INLINE void note_failed(struct detector *d, s64 failed)
{
	s64 beyond = failed - (is_cold(d) ? 0 : usual_failed_now(d));

	d->recent_failed += (beyond - d->recent_failed) / 4;
}

/* One tick that is not in alarm. */
INLINE enum strain strain_step(struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	s64 failed = strange_of(d, bin, config) - slack_of(d, bin, config), rise, h;

	note_failed(d, strange_of(d, bin, config));
	missing_step(d, bin);
	d->cusum += failed;
	if (d->cusum <= 0 || config->settling) {
		onset_reset(d);
		return STRAIN_USUAL;
	}
	if (d->onset.ticks >= ONSET_TICKS)
		onset_fade(&d->onset);
	onset_note(&d->onset, bin);
	rise = excess_of(d) / d->onset.ticks;
	if (rise < d->recent_syn - usual_of(d))
		rise = d->recent_syn - usual_of(d);
	h = threshold(d, rise, config);
	d->hot = (u8)(d->hot << 1 | (failed * HOT_SHARE >= unscaled(h, config) && d->cusum >= stalled_of(d)));
	if (d->cusum < h) {
		d->onset.unexplained = 0;
		/* a handshake or two under way are no sign */
		if (d->cusum * 8 < h)
			d->onset = (struct onset){ 0 };
		return d->cusum * 2 < threshold(d, 0, config) ? STRAIN_USUAL : STRAIN_HIGH;
	}
	if (goes_on(d, failed) && looks_like_flood(d, h, config))
		return STRAIN_FLOOD;
	if (++d->onset.unexplained >= UNEXPLAINED_TICKS)
		onset_reset(d);
	return STRAIN_HIGH;
}

/* How high the sum usually stands; capped, lest trouble be learned. */
INLINE void learn_strain(struct detector *d, const struct detect_config *config)
{
	s64 most = (usual_of(d) + least_of(config)) * 4;

	d->strain = average(d->strain, d->cusum < most ? d->cusum : most, d->warm);
}

/* Hardly any of the usual ones complete, and they are those who ask: the flood is over, the service is down. */
INLINE int usual_ones_fail(const struct detector *d)
{
	return d->recent_completed * 4 < d->usual_completed && d->recent_syn < usual_of(d) * 2;
}

/*
 * One tick in alarm. Whether there is still a sign of the flood: the sum stands as high as it is let rise, which
 * is half of what begins one. As soon as the flood ends it falls.
 */
INLINE int strain_holds(struct detector *d, const struct bin *bin, const struct detect_config *config)
{
	s64 most = threshold(d, 0, config) / 2;

	d->cusum = clamp64(d->cusum + strange_of(d, bin, config) - slack_of(d, bin, config), 0, most);
	onset_note(&d->onset, bin);
	return d->cusum == most && !usual_ones_fail(d);
}

#endif
