/* SPDX-License-Identifier: GPL-2.0-only */
/* Two threads, each pinned to a CPU, with flows of their own at one service. */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "parts.h"

struct worker {
	struct bench *bench;
	pthread_barrier_t *start;
	enum target target;
	enum traffic traffic;
	u32 lane, flows, packets;
	double ns;
};

/* clang-format off */
static const struct row rows[] = {
	{ "both CPUs: data, one flow each",           TRAFFIC_DATA,       1,       STATE_FEW,  0, NULL, 0, 0 },
	{ "both CPUs: data, 1M flows each",           TRAFFIC_DATA,       1 << 20, STATE_FEW,  0, NULL, 0, 0 },
	{ "both CPUs: ten-packet connections",        TRAFFIC_CONNECTION, 1,       STATE_FEW,  0, NULL, 0, 0 },
	{ "both CPUs: spoofed SYN, tables full",      TRAFFIC_SYN,        1,       STATE_FULL, 0, NULL, 0, 0 },
};
/* clang-format on */

static void pin(u32 cpu)
{
	cpu_set_t one;
	int error;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	error = pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	if (error)
		die("pinning to a CPU", error);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	pin(w->lane);
	pthread_barrier_wait(w->start);
	w->ns = drive(w->bench, XDP, V4, w->lane, w->target, w->traffic, w->flows, w->packets);
	return NULL;
}

/* ns a packet of one CPU, the mean over so many of them at once. */
static double run(struct bench *bench, const struct row *row, enum target target, u32 packets, u32 cpus)
{
	struct worker worker[LANES];
	pthread_t thread[LANES];
	pthread_barrier_t start;
	double sum = 0;

	pthread_barrier_init(&start, NULL, cpus);
	for (u32 i = 0; i < cpus; i++) {
		worker[i] = (struct worker){ .bench = bench, .start = &start, .target = target, .lane = i,
					     .traffic = row->traffic, .flows = row->flows, .packets = packets };
		if (pthread_create(&thread[i], NULL, work, &worker[i]))
			die("thread", errno);
	}
	for (u32 i = 0; i < cpus; i++) {
		pthread_join(thread[i], NULL);
		sum += worker[i].ns;
	}
	pthread_barrier_destroy(&start);
	return sum / cpus;
}

static void measure(struct bench *bench, const struct options_of_bench *options, const struct row *row,
		    struct both *both)
{
	double alone[TARGETS][ROUNDS_MAX] = {}, together[TARGETS][ROUNDS_MAX] = {};
	struct tally before, after;
	u32 packets[TARGETS] = {};

	for (u32 target = 0; target < TARGETS; target++) {
		double ns;

		if (target == TARGET_REFERENCE && !options->reference)
			continue;
		ns = run(bench, row, target, PROBE, LANES);

		packets[target] = packets_for(row, ns, options->run_ms);
		run(bench, row, target, packets[target] / 4, LANES);
	}
	kernel_tally(bench->kernel, &before);
	for (int round = 0; round < options->rounds; round++) {
		for (u32 target = 0; target < TARGETS; target++) {
			if (!packets[target])
				continue;
			alone[target][round] = run(bench, row, target, packets[target], 1);
			together[target][round] = run(bench, row, target, packets[target], LANES);
		}
	}
	kernel_tally(bench->kernel, &after);
	both->name = row->name;
	for (u32 target = 0; target < TARGETS; target++) {
		both->alone[target] = median(alone[target], options->rounds);
		both->together[target] = median(together[target], options->rounds);
	}
	both->made = after.count[C_events_made] - before.count[C_events_made];
	both->lost = after.count[C_events_lost_in_ring] - before.count[C_events_lost_in_ring];
	bench->dirty = options->warm;
}

void both_measure(struct bench *bench, const struct options_of_bench *options, struct results *results)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < LANES) {
		fprintf(stderr, "bench: one CPU only: nothing to say about both\n");
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!selected(options, rows[i].name))
			continue;
		setup_state(bench, rows[i].state, options->memory[0], options->view);
		measure(bench, options, &rows[i], &results->both[results->boths++]);
	}
}
