/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads what is measured and brings the tables into the state that a row asks for. Nothing is attached. */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "options.h"
#include "parts.h"
#include "run.h"

#define RING_BYTES   (4u << 20)
#define TICK_MS	     100
#define FEW	     1000
#define FULL_ENOUGH  0.995
#define FILL_PASSES  40

void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(EXIT_FAILED);
}

static void on_event(void *arg, const struct event *event)
{
	struct bench *bench = arg;

	(void)event;
	bench->events++;
}

/* Takes events as user space does: at every tick and when woken. */
static void *consume(void *arg)
{
	struct bench *bench = arg;
	struct pollfd ring = { .fd = kernel_ring_fd(bench->kernel), .events = POLLIN };

	while (!bench->stop) {
		poll(&ring, 1, TICK_MS);
		kernel_poll(bench->kernel);
	}
	return NULL;
}

static void put_target(struct bpf_map *map, u32 target, int fd)
{
	if (fd < 0 || bpf_map_update_elem(bpf_map__fd(map), &target, &fd, BPF_ANY))
		die("tail call array", errno);
}

static void open_yardsticks(struct bench *bench)
{
	struct bench_bpf *skel = bench_bpf__open_and_load();

	if (!skel)
		die("yardsticks", errno);
	put_target(skel->maps.xdp_targets, TARGET_EMPTY, bpf_program__fd(skel->progs.empty_xdp));
	put_target(skel->maps.xdp_targets, TARGET_PARSE, bpf_program__fd(skel->progs.parse_xdp));
	put_target(skel->maps.xdp_targets, TARGET_REFERENCE, bpf_program__fd(skel->progs.reference_xdp));
	put_target(skel->maps.tc_targets, TARGET_EMPTY, bpf_program__fd(skel->progs.empty_tc));
	put_target(skel->maps.tc_targets, TARGET_PARSE, bpf_program__fd(skel->progs.parse_tc));
	put_target(skel->maps.tc_targets, TARGET_REFERENCE, bpf_program__fd(skel->progs.reference_tc));
	for (u32 lane = 0; lane < LANES; lane++) {
		/* no client of one lane is one of the other */
		skel->bss->lanes[lane].count = (u64)lane << 40;
		skel->bss->lanes[lane].salt = lane + 1;
	}
	bench->yardsticks = skel;
}

static void prepare(const char *memory, const char *view, struct config *config, struct plan *plan)
{
	char *words[] = { "tcpshake", "-i", "none", "--memory", (char *)memory, "--view", (char *)view, NULL };
	struct options options;

	if (options_parse(ARRAY_SIZE(words) - 1, words, &options) || run_prepare(&options, config, plan))
		exit(EXIT_USAGE);
}

void setup_open(struct bench *bench, const char *memory, const char *view, u32 need)
{
	struct config config = {};
	struct plan plan;

	prepare(memory, view, &config, &plan);
	if (kernel_open(&bench->kernel, &config, &plan, need, RING_BYTES, on_event, bench)) {
		fprintf(stderr, "bench: %s\n", bench->kernel ? kernel_error(bench->kernel) : "no memory");
		exit(EXIT_FAILED);
	}
	if (!bench->yardsticks)
		open_yardsticks(bench);
	put_target(bench->yardsticks->maps.xdp_targets, TARGET_TCPSHAKE, kernel_program(bench->kernel, "xdp_ether"));
	put_target(bench->yardsticks->maps.tc_targets, TARGET_TCPSHAKE, kernel_program(bench->kernel, "tc_in_ether"));
	bench->stop = 0;
	if (pthread_create(&bench->consumer, NULL, consume, bench))
		die("thread", errno);
}

static void close_kernel(struct bench *bench)
{
	if (!bench->kernel)
		return;
	bench->stop = 1;
	pthread_join(bench->consumer, NULL);
	kernel_close(bench->kernel);
	bench->kernel = NULL;
}

void setup_close(struct bench *bench)
{
	close_kernel(bench);
	bench_bpf__destroy(bench->yardsticks);
	bench->yardsticks = NULL;
}

static u32 first_slot(const struct bench *bench, enum table table)
{
	return bench->kernel->config.table[table].first_line * LINE_WORDS;
}

/* Share of a table's slots that hold a flow or a tombstone. */
static double share_used(const struct bench *bench, enum table table)
{
	u32 first = first_slot(bench, table), end = first_slot(bench, table + 1), used = 0;

	for (u32 slot = first; slot < end; slot++)
		used += READ_ONCE(bench->kernel->lines[slot]) != 0;
	return (double)used / (end - first);
}

static void send_new(struct bench *bench, enum family family, enum traffic traffic, u32 packets)
{
	drive(bench, XDP, family, 0, TARGET_TCPSHAKE, traffic, 1, packets);
}

/* Random keys leave holes for long; the last of them are not worth the wait. */
static void fill_table(struct bench *bench, enum table table, enum traffic traffic, u32 packets_a_flow)
{
	u32 slots = first_slot(bench, table + 1) - first_slot(bench, table);

	for (int pass = 0; pass < FILL_PASSES && share_used(bench, table) < FULL_ENOUGH; pass++)
		send_new(bench, V4, traffic, slots / 4 * packets_a_flow);
	if (share_used(bench, table) < FULL_ENOUGH)
		fprintf(stderr, "bench: a table is only %.1f %% full\n", 100 * share_used(bench, table));
}

/* The flood detector's mark, set as the detector sets it: through the map, on the row of the service. */
static void raise_alarm(struct bench *bench)
{
	const struct plan *plan = &bench->kernel->plan;
	u32 rows = 0;

	/* the rows of both families have to be there */
	send_new(bench, V4, TRAFFIC_SYN, FEW);
	send_new(bench, V6, TRAFFIC_SYN, FEW);
	for (u32 i = 0; i <= plan->services; i++) {
		struct service *service = &bench->kernel->services[i];

		if (service->port != SERVICE_PORT || service->prefix != SERVICE_WHOLE)
			continue;
		service->alarm = 1 + rows++;
	}
	if (rows != 2)
		fprintf(stderr, "bench: %u services in alarm, not one a family\n", rows);
}

void setup_state(struct bench *bench, enum state state, const char *memory, const char *view)
{
	if (bench->kernel && bench->state == state && !bench->dirty && !strcmp(bench->memory, memory) &&
	    !strcmp(bench->view, view))
		return;
	close_kernel(bench);
	setup_open(bench, memory, view, NEED_XDP | NEED_TC_IN | NEED_ETHERNET);
	if (state == STATE_FEW)
		send_new(bench, V4, TRAFFIC_SYN, FEW);
	if (state >= STATE_FULL)
		fill_table(bench, TABLE_CONNECTIONS, TRAFFIC_HANDSHAKE, 3);
	if (state >= STATE_PENDING_FULL) {
		fill_table(bench, TABLE_PENDING, TRAFFIC_SYN_TWICE, 2);
		send_new(bench, V4, TRAFFIC_SYN, bench->kernel->plan.seeds);
	}
	if (state >= STATE_ALARM)
		raise_alarm(bench);
	bench->state = state;
	bench->memory = memory;
	bench->view = view;
	bench->dirty = 0;
	bench->fill[0] = share_used(bench, TABLE_PENDING);
	bench->fill[1] = share_used(bench, TABLE_CONNECTIONS);
}

void setup_usage(const struct options_of_bench *options, struct results *results)
{
	for (int i = 0; i < options->memories; i++) {
		struct config config = {};
		struct plan plan;

		prepare(options->memory[i], options->view, &config, &plan);
		results->usage[results->usages++] = (struct usage){
			.memory = options->memory[i], .pending = plan.pending, .connections = plan.connections,
			.seeds = plan.seeds,
			.slot_bytes = (double)(plan.used - plan.seeds * (u64)PLAN_SEED_BYTES) /
				      ((double)plan.pending + plan.connections),
		};
	}
}
