/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood NAMESPACE DEVICE TO_MAC --to ADDRESS [OPTION...]
 *
 * Sends made-up TCP segments out of a veth device of a network namespace (its name
 * as of `ip netns`), faster than a socket can: the frames never were socket
 * buffers, a program (flood.bpf.c) writes each and redirects it. The device's peer
 * must have native XDP or GRO, else the kernel throws all of them away.
 *
 * Ends after --count segments or --seconds, and prints as JSON how many it sent
 * and how many of those found the peer's queue full.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "enter.h"
#include "flood.h"
#include "flood.skel.h"

#define BATCH  64      /* what a veth takes from its queue at a time */
#define RUN    1000000 /* frames a system call, which costs 30 ms whatever their number */
#define STEP_S 0.05    /* when paced */

static const char *const mode_names[FLOOD_MODES] = {
	[FLOOD_SYN] = "syn",	 [FLOOD_PAIR] = "pair", [FLOOD_SYN_ACK] = "syn-ack",
	[FLOOD_ACK] = "ack",	 [FLOOD_FIN] = "fin",	[FLOOD_RST] = "rst",
	[FLOOD_FLAGS] = "flags", [FLOOD_ODD] = "odd",	[FLOOD_SCAN] = "scan",
};

struct bounds {
	u64 count;	/* 0: none */
	u64 pace;	/* a second; 0: as fast as it goes */
	u64 first;	/* number of the first segment */
	double seconds; /* 0: none */
};

/* What the device says: frames that its peer took from the queue, and that found the queue full. */
struct traffic {
	u64 taken, dropped;
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: flood NAMESPACE DEVICE TO_MAC --to ADDRESS [--to ADDRESS] (--count N | --seconds S)\n"
			"             [--mode syn|pair|syn-ack|ack|fin|rst|flags|odd|scan] [--port N] [--pace N]\n"
			"             [--sources N] [--source-port N] [--first N]\n");
	exit(2);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The device's line of /proc/net/dev: eight numbers of reception, then packets and drops second and fourth. */
static struct traffic traffic_of(const char *device)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	struct traffic traffic = {};
	char line[512], name[IFNAMSIZ];

	if (!file)
		die("/proc/net/dev");
	while (fgets(line, sizeof(line), file)) {
		unsigned long long packets, drops;

		if (sscanf(line, " %15[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu %*u %llu", name, &packets,
			   &drops) == 3 && !strcmp(name, device))
			traffic = (struct traffic){ packets, drops };
	}
	fclose(file);
	return traffic;
}

static u32 mode_of(const char *name)
{
	for (u32 mode = 0; mode < FLOOD_MODES; mode++) {
		if (!strcmp(name, mode_names[mode]))
			return mode;
	}
	usage();
	return 0;
}

static void set_target(struct flood_plan *plan, const char *text)
{
	if (inet_pton(AF_INET, text, &plan->to[0][3]) == 1)
		plan->families |= FLOOD_V4;
	else if (inet_pton(AF_INET6, text, plan->to[1]) == 1)
		plan->families |= FLOOD_V6;
	else
		usage();
}

static void read_options(int argc, char **argv, struct flood_plan *plan, struct bounds *bounds)
{
	static const struct option options[] = {
		{ "to", 1, NULL, 't' },	     { "count", 1, NULL, 'n' },	  { "seconds", 1, NULL, 's' },
		{ "mode", 1, NULL, 'm' },    { "port", 1, NULL, 'p' },	  { "pace", 1, NULL, 'r' },
		{ "sources", 1, NULL, 'a' }, { "source-port", 1, NULL, 'o' }, { "first", 1, NULL, 'f' },
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		u64 number = optarg ? strtoull(optarg, NULL, 10) : 0;

		switch (option) {
		case 't': set_target(plan, optarg); break;
		case 'n': bounds->count = number; break;
		case 's': bounds->seconds = strtod(optarg, NULL); break;
		case 'm': plan->mode = mode_of(optarg); break;
		case 'p': plan->port = (u16)number; break;
		case 'r': bounds->pace = number; break;
		case 'a': plan->sources = (u32)number; break;
		case 'o': plan->source_port = (u16)number; break;
		case 'f': bounds->first = number; break;
		default: usage();
		}
	}
	if (argc - optind != 3 || !plan->families || !(bounds->count || bounds->seconds > 0) || !plan->sources ||
	    plan->sources > FLOOD_SOURCES)
		usage();
}

static void set_link(struct flood_plan *plan, const char *device, const char *to_mac)
{
	const struct ether_addr *mac = ether_aton(to_mac);

	if (!mac)
		usage();
	memcpy(plan->to_mac, mac, sizeof(plan->to_mac));
	plan->from_mac[0] = 2; /* locally administered */
	plan->ifindex = if_nametoindex(device);
	if (!plan->ifindex)
		die(device);
}

static struct flood_bpf *load(const struct flood_plan *plan, u64 first)
{
	struct flood_bpf *skeleton = flood_bpf__open();

	if (!skeleton)
		die("flood.bpf.o");
	memcpy((void *)&skeleton->rodata->plan, plan, sizeof(*plan));
	skeleton->bss->next = first;
	if (flood_bpf__load(skeleton))
		die("flood.bpf.o");
	return skeleton;
}

static void send_some(int program, u32 count)
{
	unsigned char frame[FLOOD_FRAME] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .repeat = (int)count, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(program, &options))
		die("BPF_PROG_TEST_RUN");
}

static void wait_until(double time)
{
	struct timespec until = { .tv_sec = (time_t)time, .tv_nsec = (long)((time - (double)(time_t)time) * 1e9) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* How many more to send at once; when paced, waits until they are due. 0: the end. */
static u32 next_run(const struct bounds *bounds, u64 sent, double begun)
{
	double elapsed = now() - begun, left = bounds->seconds - elapsed;
	u64 most = bounds->count ? bounds->count - sent : RUN;

	if (bounds->seconds > 0 && left <= 0)
		return 0;
	if (bounds->pace) {
		double due = elapsed < STEP_S ? STEP_S : elapsed;
		u64 step = (u64)(due * (double)bounds->pace) - sent;

		step = step ?: 1;
		wait_until(begun + (double)(sent + step) / (double)bounds->pace);
		most = most < step ? most : step;
	} else if (bounds->seconds > 0) {
		/* for as long as is left, by the rate so far */
		u64 rest = sent ? (u64)((double)sent / elapsed * left) + BATCH : RUN / 20;

		most = most < rest ? most : rest;
	}
	return (u32)(most < RUN ? most : RUN);
}

int main(int argc, char **argv)
{
	struct flood_plan plan = { .port = 80, .sources = FLOOD_SOURCES };
	struct bounds bounds = {};
	struct flood_bpf *skeleton;
	struct traffic before, after;
	double begun, seconds;
	u64 sent = 0;
	u32 count;

	read_options(argc, argv, &plan, &bounds);
	if (enter(argv[optind]))
		die(argv[optind]);
	set_link(&plan, argv[optind + 1], argv[optind + 2]);
	skeleton = load(&plan, bounds.first);
	before = traffic_of(argv[optind + 1]);
	begun = now();
	while ((count = next_run(&bounds, sent, begun))) {
		send_some(bpf_program__fd(skeleton->progs.flood), count);
		sent = skeleton->bss->next - bounds.first;
	}
	seconds = now() - begun;
	after = traffic_of(argv[optind + 1]);
	after.dropped -= before.dropped;
	flood_bpf__destroy(skeleton);
	if (sent > after.dropped && after.taken == before.taken) {
		fprintf(stderr, "flood: the peer of %s has neither native XDP nor GRO: nothing arrives\n", argv[optind + 1]);
		return 1;
	}
	printf("{\"sent\": %llu, \"dropped\": %llu, \"delivered\": %llu, \"seconds\": %.3f, \"rate\": %.0f}\n",
	       (unsigned long long)sent, (unsigned long long)after.dropped, (unsigned long long)(sent - after.dropped),
	       seconds, (double)(sent - after.dropped) / seconds);
	return 0;
}
