/* SPDX-License-Identifier: GPL-2.0-only */
/* What text and JSON lines need beside the event. */
#ifndef TCPSHAKE_LINE_H
#define TCPSHAKE_LINE_H

#include "clock.h"
#include "report.h"

/* Longer than any line can be: names are cut before they come here. */
#define LINE_BYTES 8192

struct line_context {
	struct clock *clock;
	/*
	 * Name of an interface, NULL when it has none. What a deadline made knows
	 * its interface from a place, that is modulo 2^15.
	 */
	const char *(*iface_name)(u32 ifindex, void *arg);
	void *iface_arg;
	int colour;	/* text: escape sequences wanted */
	u64 seq;	/* JSON: number of this event */
	u32 width;	/* text: widest pair of endpoints so far, kept by text_event() */
	const struct report *report; /* of this event; NULL: nothing to add */
};

#endif
