/* SPDX-License-Identifier: GPL-2.0-only */
/* From the time of events to the time of people. */
#ifndef TCPSHAKE_CLOCK_H
#define TCPSHAKE_CLOCK_H

#include <time.h>

#include "put.h"

enum clock_kind {
	CLOCK_LIVE,    /* events carry CLOCK_MONOTONIC */
	CLOCK_CAPTURE, /* events carry ns since the epoch */
};

/* One thread only: the last second's text is remembered, most events share it. */
struct clock {
	enum clock_kind kind;
	u64 offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC modulo 2^64, live */
	struct {
		u64 second;
		char text[24];
		int valid;
	} utc, local;
};

void clock_open(struct clock *clock, enum clock_kind kind);

/* Once a tick: the wall clock may have been set, or slewed, since. */
void clock_refresh(struct clock *clock);

/* event_ns: of an event. ns since the epoch. */
u64 clock_wall(const struct clock *clock, u64 event_ns);

void put_time_utc(struct put *put, struct clock *clock, u64 event_ns);	 /* 2024-05-01T03:12:07.412345678Z */
void put_time_local(struct put *put, struct clock *clock, u64 event_ns); /* 03:12:07.412 */

#endif
