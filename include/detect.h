/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flood detector: a pure function of bins. Zeroed state is a service never
 * seen. To be called once a tick, in order; where detect_idle() says so, ticks without
 * any count may be left out, as many as there are.
 */
#ifndef TCPSHAKE_DETECT_H
#define TCPSHAKE_DETECT_H

#include "bin.h"

struct detector {
	u64 pending;
	u64 usual;     /* SYNs a tick, times 2^16 */
	u64 syn_total;
	u64 peak;
	u32 failed;
	u32 ticks;
	u32 calm;
	u32 alarm;
	u64 reserved[24];
};

_Static_assert(sizeof(struct detector) <= 256, "");

/* An empty bin would change nothing. */
INLINE int detect_idle(const struct detector *d)
{
	return !d->alarm && !d->failed && !d->usual;
}

/* evidence may be NULL. finding is written unless FOUND_NOTHING is returned. */
static inline enum found detect(struct detector *d, const struct bin *bin, const struct evidence *evidence,
				const struct detect_config *config, struct finding *finding)
{
	u32 failed = bin->syn > bin->completed ? bin->syn - bin->completed : 0;
	u32 least = config->min_rate * (config->sum ? DETECT_SUM_FACTOR : 1);
	u64 over = bin->completed + bin->refused + bin->reset + bin->aborted + bin->timed_out + bin->replaced +
		   bin->evicted;
	enum found found = FOUND_NOTHING;

	d->pending += bin->syn;
	d->pending -= over < d->pending ? over : d->pending;
	d->failed -= d->failed / 4 + (d->failed && d->failed < 4);
	d->failed += failed;
	if (!d->alarm) {
		u64 now = (u64)bin->syn << 16;

		d->usual = now > d->usual ? d->usual + (now - d->usual) / 256 : d->usual - (d->usual - now) / 256;
		if (d->usual < 256)
			d->usual = 0;
		d->ticks = 0;
		d->syn_total = 0;
		d->peak = 0;
		if (d->failed * 3 >= least && d->failed >= (d->usual >> 16) * 2) {
			d->alarm = 1;
			found = FOUND_FLOOD_START;
		}
		d->calm = 0;
	} else {
		d->calm = d->failed * 6 < least ? d->calm + 1 : 0;
		if (d->calm > 100) {
			d->alarm = 0;
			found = FOUND_FLOOD_END;
		} else if (d->ticks % TICKS_PER_SEC == 0) {
			found = FOUND_FLOOD_UPDATE;
		}
	}
	d->ticks++;
	d->syn_total += bin->syn;
	d->peak = bin->syn > d->peak ? bin->syn : d->peak;
	if (found)
		*finding = (struct finding){
			.verdict = evidence && evidence->noted > 8 * evidence->sources ? VERDICT_REAL_HOSTS :
				   bin->synack * 2 < bin->syn			       ? VERDICT_SERVER_SILENT :
											 VERDICT_SPOOFED,
			.syn_rate = bin->syn * TICKS_PER_SEC,
			.usual_rate = d->usual * TICKS_PER_SEC >> 16,
			.peak_rate = d->peak * TICKS_PER_SEC,
			.completion_ratio = bin->syn ? bin->completed * 1000000ULL / bin->syn : 0,
			.half_open = d->pending,
			.syn_total = d->syn_total,
			.ticks = d->ticks - d->calm,
		};
	return found;
}

#endif
