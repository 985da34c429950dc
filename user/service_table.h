/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service table as user space shares it with the engine: in a live run
 * memory that packets change at any moment.
 */
#ifndef TCPSHAKE_SERVICE_TABLE_H
#define TCPSHAKE_SERVICE_TABLE_H

#include "service_row.h"
#include "sources.h"

struct service_table {
	u64 *words;		 /* one a row, but for the last; 0: the row is free, what it says is past */
	struct service *rows;	 /* user space writes `alarm`, no more */
	struct sources *sources; /* SOURCES of them; row->alarm - 1 tells which */
	u64 *touched;		 /* a bit for each row that may have changed, to be cleared by who looks; NULL: any may */
	u32 count;		 /* rows; the last is that of all others, and always in use */
};

#endif
