/* SPDX-License-Identifier: GPL-2.0-only */
/* Levels: what stands in the tables, counted by walking them. The same walk for host and kernel memory. */
#ifndef TCPSHAKE_LEVELS_H
#define TCPSHAKE_LEVELS_H

#include "config.h"
#include "summary.h"

/* lines, seed_words, buckets: as the tables have them. Fills all but deferred. */
void levels_count(const struct config *config, const u64 *lines, const u64 *seed_words, const u32 *buckets,
		  struct levels *levels);

/* Flows by RFC 9293 state of each end; TIME_WAITs held are under STATE_TIME_WAIT. */
void levels_states(const struct config *config, const u64 *lines, const u64 *seed_words, u64 states[TCP_STATES]);

#endif
