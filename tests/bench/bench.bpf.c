/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drivers and the yardsticks. The packet's bytes stay from one repetition of
 * BPF_PROG_RUN to the next, so a driver writes the header anew and calls the
 * program under test as its tail.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "frames.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, u32);
	__type(value, u32);
} xdp_targets SEC(".maps"), tc_targets SEC(".maps");

struct lane lanes[LANES];

INLINE int drive_v4(void *data, void *end, struct lane *lane)
{
	struct packet p;

	if (data + FRAME_V4 > end)
		return -1;
	p = next_packet(lane);
	put_v4(data, &p);
	return 0;
}

INLINE int drive_v6(void *data, void *end, struct lane *lane)
{
	struct packet p;

	if (data + FRAME_V6 > end)
		return -1;
	p = next_packet(lane);
	put_v6(data, &p);
	return 0;
}

/* One for each family and lane: what is constant costs the driver nothing. */
#define XDP_DRIVER(family, n)                                                                                  \
	SEC("xdp") int xdp_##family##_##n(struct xdp_md *ctx)                                                  \
	{                                                                                                      \
		if (!drive_##family((void *)(long)ctx->data, (void *)(long)ctx->data_end, &lanes[n]))          \
			bpf_tail_call(ctx, &xdp_targets, lanes[n].target);                                     \
		return XDP_ABORTED;                                                                            \
	}

#define TC_DRIVER(family, n)                                                                                   \
	SEC("tc") int tc_##family##_##n(struct __sk_buff *skb)                                                 \
	{                                                                                                      \
		if (!drive_##family((void *)(long)skb->data, (void *)(long)skb->data_end, &lanes[n]))          \
			bpf_tail_call(skb, &tc_targets, lanes[n].target);                                      \
		return TC_ACT_SHOT;                                                                            \
	}

XDP_DRIVER(v4, 0)
XDP_DRIVER(v4, 1)
XDP_DRIVER(v6, 0)
XDP_DRIVER(v6, 1)
TC_DRIVER(v4, 0)
TC_DRIVER(v4, 1)
TC_DRIVER(v6, 0)
TC_DRIVER(v6, 1)

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

	return parse_packet(&frame, FRAME_PACKET, LINK_ETHERNET, seg) == PARSE_TCP;
}

/* All that was read is used, or the compiler would not read it; not stored, for two CPUs would fight over the line. */
INLINE void use(const struct segment *seg)
{
	u64 sum = seg->seq + seg->ack + seg->len + seg->flags + seg->sender + seg->key.port[0] + seg->key.port[1] +
		  seg->key.addr[0].word[1] + seg->key.addr[1].word[1];

	HIDE(sum);
}

SEC("xdp")
int parse_xdp(struct xdp_md *ctx)
{
	struct segment seg;

	if (parse_here((void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx->data_end - ctx->data, &seg))
		use(&seg);
	return XDP_PASS;
}

SEC("tc")
int parse_tc(struct __sk_buff *skb)
{
	struct segment seg;

	if (parse_here((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, &seg))
		use(&seg);
	return -1;
}

/*
 * The plain way to follow connections, which many take: an LRU map, and a clock
 * read for every packet. Packets of one flow come on several CPUs, so what is
 * counted of it is added atomically (an LRU map allows no lock in its values);
 * what is counted of all is by CPU, as ours is.
 */
struct seen {
	u64 first, last;
	struct {
		u64 packets, bytes;
		u32 flags, seq;
	} end[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct key);
	__type(value, struct seen);
} reference SEC(".maps");

enum total { TOTAL_PACKETS, TOTAL_BYTES, TOTAL_FLOWS, TOTALS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TOTALS);
	__type(key, u32);
	__type(value, u64);
} totals SEC(".maps");

INLINE void add_total(u32 which, u64 n)
{
	u64 *total = bpf_map_lookup_elem(&totals, &which);

	if (total)
		*total += n;
}

INLINE void track(const struct segment *seg)
{
	u64 now = bpf_ktime_get_ns();
	struct seen *seen = bpf_map_lookup_elem(&reference, &seg->key);
	u32 from = seg->sender & 1;

	add_total(TOTAL_PACKETS, 1);
	add_total(TOTAL_BYTES, seg->len);
	if (!seen) {
		struct seen fresh = { .first = now, .last = now };

		fresh.end[from].packets = 1;
		fresh.end[from].bytes = seg->len;
		fresh.end[from].flags = seg->flags;
		fresh.end[from].seq = seg->seq;
		bpf_map_update_elem(&reference, &seg->key, &fresh, BPF_ANY);
		add_total(TOTAL_FLOWS, 1);
		return;
	}
	seen->last = now;
	seen->end[from].seq = seg->seq;
	__sync_fetch_and_add(&seen->end[from].packets, 1);
	__sync_fetch_and_add(&seen->end[from].bytes, seg->len);
	__sync_fetch_and_or(&seen->end[from].flags, seg->flags);
}

SEC("xdp")
int reference_xdp(struct xdp_md *ctx)
{
	struct segment seg = {};

	if (parse_here((void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx->data_end - ctx->data, &seg))
		track(&seg);
	return XDP_PASS;
}

SEC("tc")
int reference_tc(struct __sk_buff *skb)
{
	struct segment seg = {};

	if (parse_here((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, &seg))
		track(&seg);
	return -1;
}
