/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rewrite PATH COUNT: writes the metrics file COUNT times, each time with all
 * counters at the number of the writing, as fast as it goes: whoever reads two
 * numbers in one text has two texts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floods.h"
#include "levels.h"
#include "metrics.h"

int main(int argc, char **argv)
{
	static struct options options;
	static struct plan plan;
	static struct tally tally;
	static struct levels levels;
	static struct output_counts output;
	static struct floods_counts floods;
	static struct service row;
	u64 states[TCP_STATES] = { 0 };
	struct metrics_device device = { "s0", "tc", 1 };
	struct metrics metrics = {
		.options = &options, .plan = &plan, .tally = &tally, .levels = &levels, .output = &output, .floods = &floods,
		.rows = &row, .row_count = 1, .states = states, .device = &device, .devices = 1,
	};
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	for (unsigned long n = 1; n <= count; n++) {
		int error;

		for (u32 i = 0; i < COUNTERS; i++)
			tally.count[i] = n;
		for (u32 i = 0; i < VERDICTS; i++)
			floods.total[i] = n;
		for (u32 i = 0; i < SILENT_KINDS; i++)
			floods.silent_total[i] = n;
		floods.ns = n * NSEC_PER_SEC;
		metrics.time_ns = n * NSEC_PER_SEC;
		error = metrics_write(&metrics, argv[1]);
		if (error) {
			fprintf(stderr, "%s: %s\n", argv[1], strerror(-error));
			return 1;
		}
	}
	return count ? 0 : 2;
}
