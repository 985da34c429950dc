/* SPDX-License-Identifier: GPL-2.0-only */
/* How long the clock's part takes: every word of both flow tables is read once a second. */
#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>

#include "calls.h"
#include "parts.h"

#define MEMORY "168M" /* slots for a million flows */
#define SLICES_MAX (1 << 18)

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

/* One call, as the tick makes it. us; what it returned in *taken. */
static double slice(int program, u32 first, u32 lines, u64 tick, u32 *taken)
{
	struct sweep_call call = { .first = first, .count = lines, .tick = tick };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &call, .ctx_size_in = sizeof(call));
	u64 begun = now_ns();

	if (bpf_prog_test_run_opts(program, &opts))
		die("sweep", errno);
	*taken = opts.retval;
	return (double)(now_ns() - begun) / 1000;
}

struct round {
	double whole_ms, longest_us, median_us;
	u32 slices;
};

static struct round sweep_round(const struct bench *bench, u64 tick)
{
	static double us[SLICES_MAX];
	u32 lines = bench->kernel->config.table[TABLE_SERVICES].first_line;
	struct round round = {};
	u32 taken = 1;

	while (taken && round.slices < SLICES_MAX) {
		us[round.slices] = slice(bench->kernel->call_seeds, STAGE_HALF_OPEN, 0, tick, &taken);
		round.whole_ms += us[round.slices++] / 1000;
	}
	for (u32 line = 0; line < lines && round.slices < SLICES_MAX; line += taken) {
		u32 rest = lines - line;

		us[round.slices] = slice(bench->kernel->call_sweep, line,
					 rest < SWEEP_CALL_LINES ? rest : SWEEP_CALL_LINES, tick, &taken);
		round.whole_ms += us[round.slices++] / 1000;
	}
	round.median_us = median(us, (int)round.slices);
	round.longest_us = us[round.slices - 1]; /* median() has sorted them */
	return round;
}

static u32 flows_of(const struct bench *bench)
{
	const struct plan *plan = &bench->kernel->plan;

	return (u32)(plan->seeds + plan->pending * bench->fill[0] + plan->connections * bench->fill[1]);
}

void sweep_measure(struct bench *bench, const struct options_of_bench *options, struct results *results)
{
	double whole[ROUNDS_MAX], middle[ROUNDS_MAX], longest[ROUNDS_MAX];
	const char *memory = options->warm ? MEMORY : options->memory[0];
	u64 before = now_ns() / TICK_NS; /* nothing is due at it */
	struct sweep_figures *sweep = &results->sweep;
	struct round round = {};

	if (!selected(options, "sweep"))
		return;
	setup_state(bench, STATE_FULL, memory, options->view);
	for (int i = 0; i < options->rounds; i++) {
		round = sweep_round(bench, before);
		whole[i] = round.whole_ms;
		middle[i] = round.median_us;
		longest[i] = round.longest_us;
	}
	*sweep = (struct sweep_figures){ .flows = flows_of(bench), .slices = round.slices,
					 .slice_lines = SWEEP_CALL_LINES, .whole_ms = median(whole, options->rounds),
					 .slice_us = median(middle, options->rounds),
					 .longest_us = median(longest, options->rounds) };
	round = sweep_round(bench, now_ns() / TICK_NS + bench->kernel->config.half_open_after + 1);
	sweep->due_whole_ms = round.whole_ms;
	sweep->due_longest_us = round.longest_us;
	bench->dirty = options->warm;
}
