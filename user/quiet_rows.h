/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of the service table that are not wanted any more: a scan leaves them by the
 * thousand. A row is freed when it never saw a handshake completed, is not in
 * alarm, and was quiet for a minute; for ten while one seems unfinished (its end may
 * have been counted at another row).
 */
#ifndef TCPSHAKE_QUIET_ROWS_H
#define TCPSHAKE_QUIET_ROWS_H

#include "service_table.h"

#define QUIET_LOOK_TICKS 100 /* every so often all rows are looked at */
#define QUIET_LOOKS	 6   /* so often again with the same counts: freed */
#define FORGOTTEN_LOOKS	 60

struct quiet_row {
	u64 sum; /* of all counts, when last looked at */
	u32 born;
	u32 looks;
};

struct quiet_rows {
	struct quiet_row *row;
	u32 count;
	u64 tick; /* the last one; 0: the clock has not begun */
};

int quiet_rows_open(struct quiet_rows *quiet, u32 count); /* 0 or -ENOMEM */
void quiet_rows_close(struct quiet_rows *quiet);

/*
 * All ticks up to this one; those that were skipped saw no packet and no
 * deadline, so after a gap of hours no more is looked than can change anything.
 */
void quiet_rows_tick(struct quiet_rows *quiet, const struct service_table *table, u64 tick);

#endif
