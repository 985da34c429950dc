/* SPDX-License-Identifier: GPL-2.0-only */
/* What kind of flood it is: from what failed since the first sign, and from what is known of the sources. */
#ifndef TCPSHAKE_JUDGE_H
#define TCPSHAKE_JUDGE_H

#include "strain.h"

#define JUDGE_NOTED 64 /* fewer sources described tell nothing */

/* Each forged SYN has an address of its own: fewer sources than half of what failed are no forgery. */
INLINE int few_sources(const struct onset *onset, const struct evidence *evidence)
{
	return evidence && evidence->noted >= JUDGE_NOTED &&
	       millionths(evidence->sources, evidence->noted) * 2 < millionths(onset_failed(onset), onset->syn);
}

/* Who sends from addresses that are not its own has no reason to try again. */
INLINE int tries_again(const struct onset *onset)
{
	return onset->repeated * 10 >= onset_failed(onset) * 3;
}

INLINE enum verdict judge(const struct detector *d, const struct evidence *evidence)
{
	if (mostly_unanswered(&d->onset))
		return VERDICT_SERVER_SILENT;
	if (few_sources(&d->onset, evidence) || tries_again(&d->onset))
		return VERDICT_REAL_HOSTS;
	return VERDICT_SPOOFED;
}

#endif
