/* SPDX-License-Identifier: GPL-2.0-only */
/* From the sketch of an alarm's sources to numbers for people. */
#ifndef TCPSHAKE_SOURCES_ESTIMATE_H
#define TCPSHAKE_SOURCES_ESTIMATE_H

#include "sources.h"

#define TOP_SOURCES	   8
#define TOP_SHARE_LEAST 10000 /* millionths: below it a prefix may be the sketch's noise */

struct top_source {
	struct address addr; /* the prefix's first */
	u8 prefix;	     /* bits, IPv4 in its mapped form: SERVICE_PREFIX_4 or _6 */
	u32 share;	     /* of all SYNs noted, millionths */
};

struct sources_estimate {
	u64 syns;     /* noted since the alarm began */
	u64 distinct; /* addresses; standard error 1.6 % */
	u32 top_count;
	struct top_source top[TOP_SOURCES]; /* the largest first */
};

void sources_estimate(const struct sources *sources, struct sources_estimate *out);

#endif
