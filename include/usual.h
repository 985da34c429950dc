/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is usual at a service: how many SYNs, completions and failures a tick,
 * how far the failures run ahead of it in good times, and how long a handshake takes.
 */
#ifndef TCPSHAKE_USUAL_H
#define TCPSHAKE_USUAL_H

#include "detector.h"

#define USUAL_SHIFT 9	/* averages over 512 ticks */
#define RECENT_SHIFT 3
#define CLIP 4		/* one tick counts for at most so many usual ones: a burst is not a new level */

INLINE s64 clamp64(s64 x, s64 low, s64 high)
{
	return x < low ? low : x > high ? high : x;
}

INLINE s64 abs64(s64 x)
{
	return x < 0 ? -x : x;
}

/* In the first minute the average is that of all ticks so far. */
INLINE s64 average(s64 mean, s64 x, u32 warm)
{
	return mean + (warm < 1 << USUAL_SHIFT ? (x - mean) / (s64)(warm + 1) : (x - mean) / (1 << USUAL_SHIFT));
}

/*
 * The time from SYN to completion, from the counts alone. A tank that is filled
 * by SYNs and loses a fixed share a tick gives completions with a mean lag of (1 / share - 1)
 * ticks; of four tanks, that which foretells the completions best has the service's lag.
 * The first has none: what comes goes in the same tick.
 */
static const u32 lag_divisor[LAGS] = { 10, 25, 60, 130 }; /* tenths */
/* How long completions may keep one waiting: the lag, and that of a crowd from farther away. */
static const u32 lag_allowance_ms[LAGS] = { 200, 300, 1000, 1800 };
/* Usual SYNs of so long may be without completion, by chance or because a path stumbles. */
static const u32 lag_chance_ms[LAGS] = { 150, 200, 500, 1000 };

INLINE void lag_drain(struct detector *d, s64 syn, s64 foretold[LAGS])
{
	foretold[0] = syn;
	for (u32 i = 1; i < LAGS; i++) {
		s64 *pool = &d->pool[i - 1];

		*pool += syn;
		foretold[i] = *pool * 10 / lag_divisor[i];
		*pool -= foretold[i];
	}
}

INLINE void learn_lag(struct detector *d, const s64 foretold[LAGS], s64 completed)
{
	/* completions of a SYN, in 1/1024 */
	s64 gain = d->usual_syn > 0 ? clamp64((d->usual_completed << 10) / d->usual_syn, 0, 1024) : 1024;
	s64 most = d->usual_syn * CLIP + FIXED(1);
	u32 best = 0;

	for (u32 i = 0; i < LAGS; i++) {
		s64 miss = abs64((foretold[i] * gain >> 10) - completed);

		d->error[i] = average(d->error[i], miss < most ? miss : most, d->warm);
		/* the slower tanks smooth more, which helps with any lag: they must do better by more than that */
		if (d->error[i] * 65 < d->error[best] * 64)
			best = i;
	}
	/* little traffic tells a slow path from others, no more; too little, nothing */
	if (d->usual_completed < FIXED(1) / TICKS_PER_SEC || (d->usual_completed < FIXED(1) && best == 1))
		best = 0;
	d->lag = (u8)best;
}

/* Failures that go with the present number of completions: lossy clients come in crowds, too. */
INLINE s64 usual_failed_now(const struct detector *d)
{
	s64 usual = d->usual_failed > 0 ? d->usual_failed : 0;
	s64 share;

	if (d->recent_completed <= d->usual_completed || d->usual_completed <= 0)
		return usual;
	share = (usual << 10) / d->usual_completed;
	return usual + ((d->recent_completed - d->usual_completed) * (share < 512 ? share : 512) >> 10);
}

INLINE void learn_usual(struct detector *d, s64 syn, s64 completed, s64 failed)
{
	if (d->warm >= COLD_TICKS) {
		syn = clamp64(syn, 0, d->usual_syn * CLIP + FIXED(1));
		completed = clamp64(completed, 0, d->usual_completed * CLIP + FIXED(1));
		failed = clamp64(failed, -d->usual_syn - FIXED(1), d->usual_failed * CLIP + d->usual_syn + FIXED(1));
	}
	d->usual_syn = average(d->usual_syn, syn, d->warm);
	d->usual_completed = average(d->usual_completed, completed, d->warm);
	d->usual_failed = average(d->usual_failed, failed, d->warm);
	if (d->warm < COLD_TICKS)
		d->warm++;
}

INLINE void note_recent(struct detector *d, s64 syn, s64 completed)
{
	d->recent_syn += (syn - d->recent_syn) / (1 << RECENT_SHIFT);
	d->recent_completed += (completed - d->recent_completed) / (1 << RECENT_SHIFT);
}

#endif
