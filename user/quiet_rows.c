/* SPDX-License-Identifier: GPL-2.0-only */
#include "quiet_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "atomic.h"

int quiet_rows_open(struct quiet_rows *quiet, u32 count)
{
	*quiet = (struct quiet_rows){ .row = calloc(count, sizeof(*quiet->row)), .count = count };
	return quiet->row ? 0 : -ENOMEM;
}

void quiet_rows_close(struct quiet_rows *quiet)
{
	free(quiet->row);
	quiet->row = NULL;
}

/* After so many looks at the same counts; 0: never. */
static u32 looks_to_free(const struct service *row)
{
	u64 ended = row->count[SERVICE_REFUSED] + row->count[SERVICE_RESET] + row->count[SERVICE_ABORTED] +
		    row->count[SERVICE_TIMED_OUT] + row->count[SERVICE_REPLACED] + row->count[SERVICE_EVICTED];

	if (row->count[SERVICE_COMPLETED] || row->alarm)
		return 0;
	return row->count[SERVICE_SYN] <= ended ? QUIET_LOOKS : FORGOTTEN_LOOKS;
}

static int same_as_before(struct quiet_row *before, const struct service *row)
{
	struct quiet_row now = { .born = READ_ONCE(row->born) };

	for (u32 i = 0; i < SERVICE_COUNTS; i++)
		now.sum += row->count[i];
	if (now.sum == before->sum && now.born == before->born)
		return 1;
	*before = now;
	return 0;
}

/*
 * Who races: a packet that found the row just now adds one count to what is
 * past; and a row that was given away and back between the two reads of its word is freed anew.
 */
static void look(struct quiet_rows *quiet, const struct service_table *table)
{
	for (u32 i = 0; i < quiet->count; i++) {
		struct quiet_row *row = &quiet->row[i];
		u64 word = READ_ONCE(table->words[i]);

		u32 enough;

		if (!word || !same_as_before(row, &table->rows[i])) {
			row->looks = 0;
			continue;
		}
		enough = looks_to_free(&table->rows[i]);
		if (++row->looks >= enough && enough)
			cas64(&table->words[i], word, 0);
	}
}

void quiet_rows_tick(struct quiet_rows *quiet, const struct service_table *table, u64 tick)
{
	u64 from = quiet->tick ? quiet->tick : tick, looks;

	if (tick < from)
		return;
	quiet->tick = tick;
	looks = tick / QUIET_LOOK_TICKS - from / QUIET_LOOK_TICKS;
	for (u32 n = 0; n < looks && n <= FORGOTTEN_LOOKS; n++)
		look(quiet, table);
}
