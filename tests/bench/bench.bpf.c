/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver and the yardsticks. The packet's bytes stay from one repetition of
 * BPF_PROG_RUN to the next, so the driver writes the header anew and calls the
 * program under test as its tail.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"
#include "parse.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, u32);
	__type(value, u32);
} xdp_targets SEC(".maps"), tc_targets SEC(".maps");

struct drive drive;
u64 sink;

struct frame_v4 {
	struct wire_ether ether;
	struct wire_ipv4 ip;
	struct wire_tcp tcp;
} __attribute__((packed));

INLINE u64 scatter(u64 x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ULL;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dULL;
	return x ^ x >> 33;
}

INLINE void put_way(struct frame_v4 *f, u32 client, u16 port, int from_server)
{
	u32 server = bpf_htonl(0x0a000001);
	__be16 service = bpf_htons(443), ephemeral = bpf_htons(port);

	f->ip.from = from_server ? server : bpf_htonl(client);
	f->ip.to = from_server ? bpf_htonl(client) : server;
	f->tcp.from = from_server ? service : ephemeral;
	f->tcp.to = from_server ? ephemeral : service;
}

INLINE void put_numbers(struct frame_v4 *f, u32 seq, u32 ack, u8 flags)
{
	f->tcp.seq = bpf_htonl(seq);
	f->tcp.ack = bpf_htonl(ack);
	f->tcp.flags = flags;
}

/* Packet n of ten. The client's ISN is 1000, the server's 5000; one byte of data a packet. */
INLINE void put_connection(struct frame_v4 *f, u64 count)
{
	u64 who = scatter(count / 10);
	u32 n = (u32)(count % 10), client = (u32)(who >> 32) | 1;
	u16 port = (u16)who | 1024;
	u32 payload = 1;

	if (n == 0) {
		put_way(f, client, port, 0);
		put_numbers(f, 1000, 0, TCP_SYN);
		payload = 0;
	} else if (n == 1) {
		put_way(f, client, port, 1);
		put_numbers(f, 5000, 1001, TCP_SYN | TCP_ACK);
		payload = 0;
	} else if (n == 2) {
		put_way(f, client, port, 0);
		put_numbers(f, 1001, 5001, TCP_ACK);
		payload = 0;
	} else if (n < 7) {
		put_way(f, client, port, n & 1);
		put_numbers(f, n & 1 ? 5000 + n / 2 : 1000 + n / 2, 5001, TCP_ACK | TCP_PSH);
	} else if (n == 7) {
		put_way(f, client, port, 0);
		put_numbers(f, 1010, 5010, TCP_FIN | TCP_ACK);
		payload = 0;
	} else if (n == 8) {
		put_way(f, client, port, 1);
		put_numbers(f, 5010, 1011, TCP_FIN | TCP_ACK);
		payload = 0;
	} else {
		put_way(f, client, port, 0);
		put_numbers(f, 1011, 5011, TCP_ACK);
		payload = 0;
	}
	f->ip.total = bpf_htons((u16)(sizeof(f->ip) + sizeof(f->tcp) + payload));
}

INLINE void put_frame(struct frame_v4 *f)
{
	u64 count = drive.count++;
	u64 who = scatter(count);

	f->ip.total = bpf_htons(sizeof(f->ip) + sizeof(f->tcp));
	switch (drive.traffic) {
	case TRAFFIC_DATA:
		who = scatter(who & (drive.flows - 1));
		put_way(f, (u32)(who >> 32), (u16)who, 0);
		put_numbers(f, (u32)count, 1, TCP_ACK);
		break;
	case TRAFFIC_CONNECTION:
		put_connection(f, count);
		break;
	default:
		put_way(f, (u32)(who >> 32), (u16)who, drive.traffic == TRAFFIC_SYN_ACK);
		put_numbers(f, (u32)count, (u32)who,
			    drive.traffic == TRAFFIC_SYN ? TCP_SYN
			    : drive.traffic == TRAFFIC_SYN_ACK ? TCP_SYN | TCP_ACK
			    : drive.traffic == TRAFFIC_FIN ? TCP_FIN | TCP_ACK : TCP_RST);
	}
}

SEC("xdp")
int drive_xdp(struct xdp_md *ctx)
{
	struct frame_v4 *f = (void *)(long)ctx->data;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_frame(f);
	bpf_tail_call(ctx, &xdp_targets, drive.target);
	return XDP_ABORTED;
}

SEC("tc")
int drive_tc(struct __sk_buff *skb)
{
	struct frame_v4 *f = (void *)(long)skb->data;

	if ((void *)(f + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	put_frame(f);
	bpf_tail_call(skb, &tc_targets, drive.target);
	return TC_ACT_SHOT;
}

SEC("xdp")
int empty_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	(void)skb;
	return -1;
}

INLINE int parse_here(const void *data, const void *end, u32 length, struct segment *seg)
{
	struct frame frame = { .base = data, .end = end, .wire_len = length };

	return parse_packet(&frame, FRAME_PACKET, LINK_ETHERNET, seg);
}

SEC("xdp")
int parse_xdp(struct xdp_md *ctx)
{
	struct segment seg = {};
	int result = parse_here((void *)(long)ctx->data, (void *)(long)ctx->data_end,
				ctx->data_end - ctx->data, &seg);

	sink += seg.seq + seg.flags + (u32)result + seg.key.port[0] + seg.len;
	return XDP_PASS;
}

SEC("tc")
int parse_tc_hook(struct __sk_buff *skb)
{
	struct segment seg = {};
	int result = parse_here((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, &seg);

	sink += seg.seq + seg.flags + (u32)result + seg.key.port[0] + seg.len;
	return -1;
}

/* The plain way that many take: an LRU map and a clock read for every packet. */
struct seen {
	u64 first, last;
	u32 packets, flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct key);
	__type(value, struct seen);
} reference SEC(".maps");

INLINE void track(const struct segment *seg)
{
	u64 now = bpf_ktime_get_ns();
	struct seen *seen = bpf_map_lookup_elem(&reference, &seg->key), fresh = { now, now, 1, seg->flags };

	if (!seen) {
		bpf_map_update_elem(&reference, &seg->key, &fresh, BPF_ANY);
		return;
	}
	seen->last = now;
	seen->packets++;
	seen->flags |= seg->flags;
}

SEC("xdp")
int reference_xdp(struct xdp_md *ctx)
{
	struct segment seg = {};

	if (parse_here((void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx->data_end - ctx->data,
		       &seg) == PARSE_TCP)
		track(&seg);
	return XDP_PASS;
}

SEC("tc")
int reference_tc(struct __sk_buff *skb)
{
	struct segment seg = {};

	if (parse_here((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, &seg) == PARSE_TCP)
		track(&seg);
	return -1;
}
