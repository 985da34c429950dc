/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes on while it runs: events that are taken, programs that are called, counters that are read. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel_parts.h"
#include "sections.h"

#define DEFERRED_A_TICK 4096
#define EVENTS_A_POLL 65536

int kernel_fail(struct kernel *kernel, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(kernel->error, sizeof(kernel->error), format, args);
	va_end(args);
	return error;
}

const char *kernel_error(const struct kernel *kernel)
{
	return kernel->error;
}

int kernel_program(const struct kernel *kernel, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(kernel->object, name));
}

/*
 * libbpf goes on for as long as there is anything in the ring: in a flood that
 * is for ever, and no tick or signal would be heard. It takes the record for
 * which an error is returned.
 */
static int take_event(void *arg, void *data, size_t size)
{
	struct kernel *kernel = arg;
	const struct event *event = data;

	if (size >= sizeof(*event) && event->version == EVENT_VERSION)
		kernel->emit(kernel->arg, event);
	return --kernel->patience ? 0 : -EAGAIN;
}

int kernel_open_ring(struct kernel *kernel)
{
	kernel->ring = ring_buffer__new(bpf_object__find_map_fd_by_name(kernel->object, "events"), take_event,
					kernel, NULL);
	if (!kernel->ring)
		return kernel_fail(kernel, -errno, "cannot open the ring buffer: %s", strerror(errno));
	return 0;
}

int kernel_ring_fd(const struct kernel *kernel)
{
	return ring_buffer__epoll_fd(kernel->ring);
}

int kernel_poll(struct kernel *kernel)
{
	int taken;

	kernel->patience = EVENTS_A_POLL;
	taken = ring_buffer__consume(kernel->ring);
	return taken == -EAGAIN ? EVENTS_A_POLL : taken;
}

/* What the program returned, or a negative errno. */
static int run(int program, void *context, u32 size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = context, .ctx_size_in = size);

	return bpf_prog_test_run_opts(program, &opts) ? -errno : (int)opts.retval;
}

/* Segments that met a busy flow: none in a quiet minute. */
static int step_deferred(struct kernel *kernel)
{
	struct segment seg;
	int result = 0;

	for (int n = 0; n < DEFERRED_A_TICK && !result; n++) {
		if (bpf_map_lookup_and_delete_elem(kernel->deferred, NULL, &seg))
			return errno == ENOENT ? 0 : -errno;
		result = run(kernel->call_step, &seg, sizeof(seg));
		kernel->drained += !result;
	}
	/* still busy, or not to be run: again at the next tick */
	if (result && bpf_map_update_elem(kernel->deferred, NULL, &seg, BPF_ANY))
		return -errno;
	return result < 0 ? result : 0;
}

static int call_lines(struct kernel *kernel, u32 first, u32 count, const struct sweep_call *like)
{
	struct sweep_call call = *like;

	call.first = first;
	while (count) {
		int taken;

		call.count = count < SWEEP_CALL_LINES ? count : SWEEP_CALL_LINES;
		taken = run(kernel->call_sweep, &call, sizeof(call));
		if (taken <= 0)
			return taken;
		call.first += (u32)taken;
		count -= (u32)taken;
	}
	return 0;
}

static int conclude_seeds(struct kernel *kernel, u32 first, u32 count, const struct sweep_call *like)
{
	struct sweep_call call = *like;
	int error = 0;

	call.first = first;
	while (count && !error) {
		call.count = count < SWEEP_CALL_SEEDS ? count : SWEEP_CALL_SEEDS;
		error = run(kernel->call_seeds, &call, sizeof(call));
		call.first += call.count;
		count -= call.count;
	}
	return error;
}

/*
 * The seeds that are due; of no more than a round, for those of strays have no half-open to wait
 * for, and come as fast as they are passed in a flood of them.
 */
static int sweep_seeds(struct kernel *kernel, u64 tick, u32 stage)
{
	struct sweep_call call = { .first = stage, .tick = tick };
	u64 passed = 0;
	int more;

	do {
		more = run(kernel->call_seeds, &call, sizeof(call));
		passed += more > 0 ? (u64)more : 0;
	} while (more > 0 && passed < kernel->config.seeds);
	return more < 0 ? more : 0;
}

int kernel_tick(struct kernel *kernel, u64 now_ns)
{
	struct sweep_call call = { .tick = now_ns / TICK_NS };
	u64 first = kernel->tick + 1;
	int error = step_deferred(kernel);

	for (u32 stage = 0; stage < SEED_STAGES && !error; stage++)
		error = sweep_seeds(kernel, call.tick, stage);
	/* who was stopped for long need not go round more than once */
	if (call.tick >= SWEEP_SECTIONS && first + SWEEP_SECTIONS <= call.tick)
		first = call.tick - SWEEP_SECTIONS + 1;
	for (u64 tick = first; tick <= call.tick && !error; tick++) {
		struct line_range range = sweep_range(&kernel->config, tick);

		kernel_quiet(kernel, tick);
		error = call_lines(kernel, range.first, range.count, &call);
	}
	kernel->tick = call.tick;
	return error;
}

int kernel_conclude(struct kernel *kernel, u32 how, u64 now_ns)
{
	struct sweep_call call = { .how = how, .time = now_ns };
	u32 lines = kernel->config.table[TABLE_SERVICES].first_line, seeds = kernel->config.seeds;
	/* no more at once than the ring holds */
	u32 flows = kernel->ring_bytes / (2 * (u32)sizeof(struct event));
	u32 step = flows > LINE_WORDS ? flows / LINE_WORDS : 1;
	int error = step_deferred(kernel);

	for (u32 line = 0; line < lines && !error; line += step) {
		error = call_lines(kernel, line, lines - line < step ? lines - line : step, &call);
		kernel_poll(kernel);
	}
	for (u32 place = 0; place < seeds && !error; place += flows) {
		error = conclude_seeds(kernel, place, seeds - place < flows ? seeds - place : flows, &call);
		kernel_poll(kernel);
	}
	return error;
}

int kernel_socket(struct kernel *kernel, struct socket_call *call)
{
	return run(kernel->call_socket, call, sizeof(*call));
}

int kernel_tally(struct kernel *kernel, struct tally *tally)
{
	u32 zero = 0;
	u64 *sum = (u64 *)tally;

	if (bpf_map_lookup_elem(kernel->tally, &zero, kernel->tallies))
		return -errno;
	memset(tally, 0, sizeof(*tally));
	for (int cpu = 0; cpu < kernel->cpus; cpu++) {
		const u64 *one = (const u64 *)&kernel->tallies[cpu];

		for (size_t i = 0; i < sizeof(*tally) / sizeof(u64); i++)
			sum[i] += one[i];
	}
	return 0;
}
