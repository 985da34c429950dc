/* SPDX-License-Identifier: GPL-2.0-only */
/* What found no room, told as the difference of counters. */
#ifndef TCPSHAKE_LOSSES_H
#define TCPSHAKE_LOSSES_H

#include "counters.h"
#include "output.h"

/*
 * Tells what was lost since *before, which becomes *now. time: ns of the clock
 * that events have. Returns 0, or the output's negative errno.
 */
int losses_tell(struct output *output, struct tally *before, const struct tally *now, u64 time);

#endif
