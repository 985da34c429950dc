/* SPDX-License-Identifier: GPL-2.0-only */
/* What is read out of the tables that the kernel shares: no system call in most of it. */
#include "kernel_parts.h"
#include "levels.h"

void kernel_levels(struct kernel *kernel, struct levels *levels)
{
	struct tally tally;

	levels_count(&kernel->config, kernel->lines, kernel->seed_words, kernel->buckets, levels);
	if (!kernel_tally(kernel, &tally))
		levels->deferred = tally.count[C_deferred] - kernel->drained;
}

void kernel_states(struct kernel *kernel, u64 states[TCP_STATES])
{
	levels_states(&kernel->config, kernel->lines, kernel->seed_words, states);
}

u32 kernel_services(struct kernel *kernel, const struct service **rows)
{
	*rows = kernel->services;
	return kernel->plan.services + 1;
}

void kernel_service_table(struct kernel *kernel, struct service_table *table)
{
	*table = (struct service_table){
		.words = kernel->lines + (u64)kernel->config.table[TABLE_SERVICES].first_line * LINE_WORDS,
		.rows = kernel->services,
		.sources = kernel->sources,
		.count = kernel->plan.services + 1,
	};
}

void kernel_quiet(struct kernel *kernel, u64 tick)
{
	struct service_table table;

	kernel_service_table(kernel, &table);
	quiet_rows_tick(&kernel->quiet, &table, tick);
}
