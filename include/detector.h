/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the detector keeps of a service. Zeroed: never seen.
 *
 * Levels and rates are in SYNs, and SYNs a tick, times 2^16 (FIXED), so that a
 * service with one connection a minute has a usual rate, too.
 */
#ifndef TCPSHAKE_DETECTOR_H
#define TCPSHAKE_DETECTOR_H

#include "bin.h"

#define FIXED_SHIFT 16
#define FIXED(x) ((s64)(x) << FIXED_SHIFT)
#define COLD_TICKS (60 * TICKS_PER_SEC) /* without a baseline */

#define LAGS 4 /* what the time from SYN to completion may be, see usual.h */

enum mode { MODE_CALM, MODE_CROWD, MODE_FLOOD, MODE_SILENT };

/* Sums since the first sign of trouble. */
struct onset {
	u64 syn, completed, synack, refused, repeated;
	u32 ticks;
	u32 unexplained; /* ticks that the sum stood high and the rest did not look like a flood */
};

struct silence {
	u32 asks, refusals; /* since the last SYN-ACK */
	u32 ticks;	    /* since the first of these asks */
	u32 unasked;	    /* since the last */
	u32 held;	    /* ticks that what starts or ends it holds */
	u32 syn, synack, refused, repeated; /* leaky sums, times 32 */
	u32 answered; /* SYNs since the last tick that left some without answer */
};

struct detector {
	s64 usual_syn, usual_completed, usual_failed; /* frozen while in alarm */
	s64 strain;				      /* the usual level of cusum */
	s64 recent_syn, recent_completed;	      /* over some eight ticks */
	s64 recent_failed;
	s64 pool[LAGS - 1], error[LAGS];	      /* see usual.h */
	s64 cusum, missing;			      /* see strain.h */
	s64 crowd_usual;
	struct onset onset;
	struct onset upto; /* in alarm: as of the last sign */
	struct silence silence;
	u64 pending;
	u64 second_syn, second_completed, peak; /* of this second; SYNs of the busiest */
	u32 warm;			        /* ticks learned, up to COLD_TICKS */
	u32 ticks, calm;		        /* of the mode; of these at the end without a sign */
	u8 mode, verdict, silent, lag;
	u8 hot;	 /* a bit for each of the last eight ticks with a sign */
	u8 idle; /* the last bin was empty and changed nothing */
	u8 zero[2];
};

_Static_assert(sizeof(struct detector) <= 384, "");

#endif
