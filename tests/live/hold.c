/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold NAMESPACE DEVICE MAC MS DEVICE MAC MS
 *
 * A wire between two devices of a namespace that takes its time: what comes in at
 * the first for the host behind the second (its MAC, or all hosts') goes out there
 * MS milliseconds later, and the other way round. Each MAC and MS is that of what
 * leaves by the device. The answers to a flood are for other MACs and never get here.
 *
 * Says "ready" when it holds; ends by SIGTERM and prints as JSON how many frames it
 * passed on and how many it lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "enter.h"
#include "base.h"

#define FRAME_BYTES (1 << 17) /* of a segment that no one has cut */
#define QUEUE	    (1 << 14)
#define BUFFER	    (16 << 20)

struct frame {
	u64 due;
	size_t length;
	unsigned char bytes[]; /* virtio_net_hdr first: a checksum yet to be filled in stays so */
};

/* One end of the wire, and what waits to leave by it. */
struct end {
	int fd;
	u64 hold;
	struct frame *queue[QUEUE];
	u32 head, tail;
};

static struct {
	u64 passed, lost;
} tally;

static void die(const char *what)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (u64)time.tv_sec * NSEC_PER_SEC + (u64)time.tv_nsec;
}

/* Lets in what is for this MAC or for a group. */
static void filter(int fd, const struct ether_addr *mac)
{
	u32 high, low;
	u8 m[8] = {};

	memcpy(m, mac, 6);
	high = (u32)m[0] << 24 | (u32)m[1] << 16 | (u32)m[2] << 8 | m[3];
	low = (u32)m[4] << 8 | m[5];
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 4, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("SO_ATTACH_FILTER");
}

/* Bound last: before that nothing comes, with the filter in place only what it lets in. */
static int open_end(const char *device, const char *mac_text)
{
	const struct ether_addr *mac = ether_aton(mac_text);
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, bytes = BUFFER;

	at.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || !at.sll_ifindex || !mac)
		die(device);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		die("setsockopt");
	filter(fd, mac);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("bind");
	return fd;
}

static void take(struct end *from, struct end *to)
{
	static unsigned char bytes[FRAME_BYTES];
	ssize_t length;

	while ((length = recv(from->fd, bytes, sizeof(bytes), 0)) > 0) {
		struct frame *frame;

		if (to->tail - to->head == QUEUE) {
			tally.lost++;
			continue;
		}
		frame = malloc(sizeof(*frame) + (size_t)length);
		if (!frame)
			die("malloc");
		frame->due = now() + to->hold;
		frame->length = (size_t)length;
		memcpy(frame->bytes, bytes, (size_t)length);
		to->queue[to->tail++ % QUEUE] = frame;
	}
}

/* Sends what is due. When the next will be, ns; or that of the caller when it is sooner. */
static u64 give(struct end *end, u64 next)
{
	while (end->head != end->tail) {
		struct frame *frame = end->queue[end->head % QUEUE];

		if (frame->due > now())
			return frame->due < next ? frame->due : next;
		if (send(end->fd, frame->bytes, frame->length, 0) < 0)
			tally.lost++;
		else
			tally.passed++;
		free(frame);
		end->head++;
	}
	return next;
}

static u64 overrun(int fd)
{
	struct tpacket_stats stats = {};
	socklen_t length = sizeof(stats);

	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
	return stats.tp_drops;
}

static int ending_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void hold(struct end ends[2], int signals)
{
	struct pollfd polled[3] = { { ends[0].fd, POLLIN, 0 }, { ends[1].fd, POLLIN, 0 }, { signals, POLLIN, 0 } };

	for (;;) {
		u64 next = give(&ends[1], give(&ends[0], now() + NSEC_PER_SEC)), at = now();
		u64 left = next > at ? next - at : 0;
		struct timespec wait = { (time_t)(left / NSEC_PER_SEC), (long)(left % NSEC_PER_SEC) };

		if (ppoll(polled, 3, &wait, NULL) < 0)
			die("ppoll");
		if (polled[2].revents)
			return;
		take(&ends[0], &ends[1]);
		take(&ends[1], &ends[0]);
	}
}

int main(int argc, char **argv)
{
	static struct end ends[2];
	int signals = ending_signals();

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* of a test that was killed, too */
	if (argc != 8) {
		fprintf(stderr, "usage: hold NAMESPACE DEVICE MAC MS DEVICE MAC MS\n");
		return 2;
	}
	if (enter(argv[1]))
		die(argv[1]);
	for (int i = 0; i < 2; i++) {
		ends[i].fd = open_end(argv[2 + 3 * i], argv[3 + 3 * (1 - i)]);
		ends[i].hold = strtoul(argv[4 + 3 * i], NULL, 10) * NSEC_PER_MSEC;
	}
	puts("ready");
	fflush(stdout);
	hold(ends, signals);
	tally.lost += overrun(ends[0].fd) + overrun(ends[1].fd);
	printf("{\"passed\": %llu, \"lost\": %llu}\n", (unsigned long long)tally.passed, (unsigned long long)tally.lost);
	return 0;
}
