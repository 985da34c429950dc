/* SPDX-License-Identifier: GPL-2.0-only */
/* One run of one program: BPF_PROG_RUN over a packet that the driver writes anew each time. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "parts.h"
#include "wire.h"

#define PACKET_BYTES 128
#define TCP_WORDS    0x50 /* a header of five words */

static void put_template(enum family family, u8 *packet)
{
	struct wire_ether *ether = (struct wire_ether *)packet;
	struct wire_ipv4 *v4 = (struct wire_ipv4 *)(ether + 1);
	struct wire_ipv6 *v6 = (struct wire_ipv6 *)(ether + 1);

	memset(packet, 0, PACKET_BYTES);
	if (family == V4) {
		ether->type = BE16(ETHER_IPV4);
		v4->version_words = 0x45;
		v4->ttl = 64;
		v4->protocol = PROTO_TCP;
		((struct wire_tcp *)(v4 + 1))->words = TCP_WORDS;
	} else {
		ether->type = BE16(ETHER_IPV6);
		v6->version = 0x60;
		v6->next = PROTO_TCP;
		v6->hops = 64;
		((struct wire_tcp *)(v6 + 1))->words = TCP_WORDS;
	}
}

static int driver_of(const struct bench *bench, enum hook hook, enum family family, u32 lane)
{
	const struct bench_bpf *skel = bench->yardsticks;
	const struct bpf_program *const drivers[2][2][LANES] = {
		{ { skel->progs.xdp_v4_0, skel->progs.xdp_v4_1 }, { skel->progs.xdp_v6_0, skel->progs.xdp_v6_1 } },
		{ { skel->progs.tc_v4_0, skel->progs.tc_v4_1 }, { skel->progs.tc_v6_0, skel->progs.tc_v6_1 } },
	};

	return bpf_program__fd(drivers[hook][family][lane]);
}

static double cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

/*
 * The test run tells whole nanoseconds, rounded down: 3 % of a small row. What
 * is behind the point is had from the thread's clock, as far as the two agree.
 */
static double finer(double duration, double used)
{
	return used < duration ? duration : used > duration + 1 ? duration + 1 : used;
}

u64 whole_turns(enum traffic traffic, u32 flows, u64 packets)
{
	u64 whole = traffic == TRAFFIC_CONNECTION ? 10ULL * flows : 6;

	return (packets + whole - 1) / whole * whole;
}

double drive(struct bench *bench, enum hook hook, enum family family, u32 lane_number, enum target target,
	     enum traffic traffic, u32 flows, u32 packets)
{
	struct lane *lane = &bench->yardsticks->bss->lanes[lane_number];
	u8 packet[PACKET_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = (int)packets);
	double begun;

	put_template(family, packet);
	lane->traffic = traffic;
	lane->target = target;
	lane->flows = flows;
	lane->shift = (u32)__builtin_ctz(flows);
	lane->count = whole_turns(traffic, flows, lane->count);
	begun = cpu_ns();
	if (bpf_prog_test_run_opts(driver_of(bench, hook, family, lane_number), &opts))
		die("BPF_PROG_RUN", errno);
	return finer(opts.duration, (cpu_ns() - begun) / packets);
}
