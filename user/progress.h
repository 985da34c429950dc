/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far a large capture has been read, on a terminal: one line that is
 * written over and goes away at the end.
 */
#ifndef TCPSHAKE_PROGRESS_H
#define TCPSHAKE_PROGRESS_H

#include "base.h"

#define PROGRESS_LARGE (64ULL << 20) /* bytes; less is read in the blink of an eye */

struct progress {
	u64 size;    /* of the file; 0: nothing is shown */
	u64 next_ns; /* when the line is due again */
	u32 shown;   /* characters */
};

/* events_too: events go to a terminal as well, where the line would be among them. */
void progress_open(struct progress *progress, u64 size, int events_too);

/* May be called often: the line is written a few times a second. */
void progress_tell(struct progress *progress, u64 done, u64 packets);

/* Before anything else is written to standard error. */
void progress_erase(struct progress *progress);

#endif
