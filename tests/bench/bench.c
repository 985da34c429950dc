/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * make bench: the cost of a packet, as a ratio to a program that only parses.
 *
 * Every figure is the median of interleaved rounds; a round measures each
 * program in turn, so that what the machine does meanwhile hits all alike. The
 * time is BPF_PROG_RUN's own. Nothing is attached anywhere.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "bench.skel.h"
#include "kernel_parts.h"
#include "log.h"

#define ROUNDS_MAX 31
#define PACKET_BYTES 64

struct row {
	const char *name;
	enum traffic traffic;
	u32 flows;
	u32 repeat;
	int fill;	 /* pending table filled with spoofed SYNs first */
	int tc;		 /* measured at tc, too */
};

static const struct row rows[] = {
	{ "data, one flow", TRAFFIC_DATA, 1, 2000000, 0, 1 },
	{ "data, 64k flows", TRAFFIC_DATA, 1 << 16, 2000000, 0, 0 },
	{ "data, 1M flows", TRAFFIC_DATA, 1 << 20, 2000000, 0, 1 },
	{ "ten-packet connection", TRAFFIC_CONNECTION, 1, 500000, 0, 1 },
	{ "data, 1M flows, pending full", TRAFFIC_DATA, 1 << 20, 1000000, 1, 0 },
	{ "spoofed SYN, tables full", TRAFFIC_SYN, 1, 300000, 1, 1 },
	{ "SYN-ACK of no one, tables full", TRAFFIC_SYN_ACK, 1, 300000, 1, 0 },
	{ "FIN of no one, tables full", TRAFFIC_FIN, 1, 300000, 1, 0 },
	{ "RST of no one, tables full", TRAFFIC_RST, 1, 300000, 1, 0 },
};

static const char *const target_names[TARGETS] = { "empty", "parse", "reference", "tcpshake" };

struct bench {
	struct bench_bpf *skel;
	struct kernel *kernel;
	struct drive *drive;
	volatile int stop; /* the consumer of events */
	u64 events;
	int filled;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static void on_event(void *arg, const struct event *event)
{
	struct bench *bench = arg;

	(void)event;
	bench->events++;
}

/* Takes events as user space would, ten times a second and when woken. */
static void *consume(void *arg)
{
	struct bench *bench = arg;

	while (!bench->stop) {
		ring_buffer__poll(bench->kernel->ring, 20);
		kernel_poll(bench->kernel);
	}
	return NULL;
}

static void put_target(const struct bench *bench, struct bpf_map *map, u32 target, int fd)
{
	(void)bench;
	if (bpf_map_update_elem(bpf_map__fd(map), &target, &fd, BPF_ANY))
		die("tail call array", errno);
}

static void open_programs(struct bench *bench, u64 memory)
{
	struct config config = { .events = 0xff, .half_open_after = 30, .give_up_after = 750,
				 .close_wait_after = 600, .fin_wait_after = 900, .idle_after = 80000,
				 .view = VIEW_TAP, .pair_limit = 5000 };
	struct plan plan;

	if (plan_memory(memory, &config, &plan))
		die("plan", EINVAL);
	if (kernel_open(&bench->kernel, &config, &plan, NEED_ALL, 4 << 20, on_event, bench))
		die(bench->kernel ? kernel_error(bench->kernel) : "load", 0);
	bench->skel = bench_bpf__open_and_load();
	if (!bench->skel)
		die("yardsticks", errno);
	bench->drive = &bench->skel->bss->drive;
	put_target(bench, bench->skel->maps.xdp_targets, TARGET_EMPTY, bpf_program__fd(bench->skel->progs.empty_xdp));
	put_target(bench, bench->skel->maps.xdp_targets, TARGET_PARSE, bpf_program__fd(bench->skel->progs.parse_xdp));
	put_target(bench, bench->skel->maps.xdp_targets, TARGET_REFERENCE,
		   bpf_program__fd(bench->skel->progs.reference_xdp));
	put_target(bench, bench->skel->maps.xdp_targets, TARGET_TCPSHAKE, kernel_program(bench->kernel, "xdp_ether"));
	put_target(bench, bench->skel->maps.tc_targets, TARGET_EMPTY, bpf_program__fd(bench->skel->progs.empty_tc));
	put_target(bench, bench->skel->maps.tc_targets, TARGET_PARSE, bpf_program__fd(bench->skel->progs.parse_tc_hook));
	put_target(bench, bench->skel->maps.tc_targets, TARGET_REFERENCE,
		   bpf_program__fd(bench->skel->progs.reference_tc));
	put_target(bench, bench->skel->maps.tc_targets, TARGET_TCPSHAKE, kernel_program(bench->kernel, "tc_in_ether"));
}

static void template_packet(u8 *packet)
{
	memset(packet, 0, PACKET_BYTES);
	packet[12] = 0x08; /* IPv4 */
	packet[14] = 0x45;
	packet[17] = 40;
	packet[22] = 64;
	packet[23] = 6; /* TCP */
	packet[46] = 0x50;
}

/* ns a packet */
static double run(struct bench *bench, enum traffic traffic, u32 flows, enum target target, u32 repeat, int tc)
{
	u8 packet[PACKET_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = (int)repeat);

	template_packet(packet);
	bench->drive->traffic = traffic;
	bench->drive->target = target;
	bench->drive->flows = flows;
	/* a connection's ten packets begin with its SYN */
	bench->drive->count = (bench->drive->count + 9) / 10 * 10;
	if (bpf_prog_test_run_opts(tc ? bpf_program__fd(bench->skel->progs.drive_tc)
				      : bpf_program__fd(bench->skel->progs.drive_xdp), &opts))
		die("BPF_PROG_RUN", errno);
	return opts.duration;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

static void fill_tables(struct bench *bench)
{
	u32 slots = bench->kernel->plan.pending;

	if (bench->filled)
		return;
	run(bench, TRAFFIC_SYN, 1, TARGET_TCPSHAKE, slots * 2, 0);
	bench->filled = 1;
}

static void measure(struct bench *bench, const struct row *row, int tc, int rounds, FILE *json)
{
	static double ns[TARGETS][ROUNDS_MAX];
	double at[TARGETS];

	if (row->fill)
		fill_tables(bench);
	for (u32 target = 0; target < TARGETS; target++)
		run(bench, row->traffic, row->flows, target, row->repeat / 10, tc);
	for (int round = 0; round < rounds; round++) {
		for (u32 target = 0; target < TARGETS; target++)
			ns[target][round] = run(bench, row->traffic, row->flows, target, row->repeat, tc);
	}
	for (u32 target = 0; target < TARGETS; target++)
		at[target] = median(ns[target], rounds);
	printf("%-4s %-32s %6.0f %6.0f %6.0f %6.0f   %6.2f x  %5.1f x cheaper  %6.1f M/s\n", tc ? "tc" : "xdp",
	       row->name, at[TARGET_EMPTY], at[TARGET_PARSE], at[TARGET_REFERENCE], at[TARGET_TCPSHAKE],
	       at[TARGET_TCPSHAKE] / at[TARGET_PARSE],
	       (at[TARGET_REFERENCE] - at[TARGET_EMPTY]) /
		       (at[TARGET_TCPSHAKE] > at[TARGET_EMPTY] ? at[TARGET_TCPSHAKE] - at[TARGET_EMPTY] : 1),
	       1000 / (at[TARGET_TCPSHAKE] - at[TARGET_EMPTY] + 40));
	fflush(stdout);
	if (!json)
		return;
	fprintf(json, "{\"hook\":\"%s\",\"row\":\"%s\"", tc ? "tc" : "xdp", row->name);
	for (u32 target = 0; target < TARGETS; target++)
		fprintf(json, ",\"%s_ns\":%.1f", target_names[target], at[target]);
	fprintf(json, ",\"ratio_to_parse\":%.3f}\n", at[TARGET_TCPSHAKE] / at[TARGET_PARSE]);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	FILE *json = argc > 2 ? fopen(argv[2], "w") : NULL;
	static struct bench bench;
	pthread_t consumer;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench [ROUNDS (1 to %d)] [JSON-FILE]\n", ROUNDS_MAX);
		return 2;
	}
	log_set_verbose(0);
	open_programs(&bench, 512ULL << 20);
	if (pthread_create(&consumer, NULL, consume, &bench))
		die("thread", errno);
	printf("ns a packet, medians of %d rounds, harness included; M/s: of one core with a 40 ns driver below\n",
	       rounds);
	printf("%-4s %-32s %6s %6s %6s %6s   %8s  %-15s\n", "hook", "packet", "empty", "parse", "refer.", "tcpsh.",
	       "to parse", "net, to refer.");
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int tc = 0; tc <= rows[i].tc; tc++)
			measure(&bench, &rows[i], tc, rounds, json);
	}
	bench.stop = 1;
	pthread_join(consumer, NULL);
	printf("events delivered: %llu\n", bench.events);
	kernel_close(bench.kernel);
	bench_bpf__destroy(bench.skel);
	if (json)
		fclose(json);
	return 0;
}
