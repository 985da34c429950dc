/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold between packets, whatever they were: worked out anew from the tables and the tally. */
#ifndef TCPSHAKE_TESTS_BALANCE_H
#define TCPSHAKE_TESTS_BALANCE_H

#include "env_host.h"

/*
 * Returns NULL, or what does not hold. told: events that were handed over.
 * Includes the sums of counters.h, the watch filter bucket by bucket, the level
 * of probation, and that each flow stands where its key belongs.
 */
const char *balance_fault(const struct engine *e, u64 told);

/* As above, but only what takes no walk of the filter: fast enough after every packet. */
const char *balance_fault_quick(const struct engine *e, u64 told);

#endif
