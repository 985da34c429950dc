/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs: one way for every hook. A packet is parsed where it lies, or
 * from a copy of its first bytes, then it is the engine's. The verdict is always
 * to go on, and nothing is ever written to a packet.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "env.bpf.h"
#include "engine.h"
#include "parse_counter.h"
#include "sockets.bpf.h"
#include "sweep.h"

char _license[] SEC("license") = "GPL";

/* linux/pkt_cls.h does not know it before 6.6: to the next program at this hook. */
#define TCX_NEXT (-1)

enum hook { HOOK_XDP, HOOK_XDP_FRAGS, HOOK_TC_IN, HOOK_TC_OUT };

INLINE u32 reach_of(u32 wire_len)
{
	return wire_len < PARSE_BUFFER ? wire_len : PARSE_BUFFER;
}

/* Parses a copy of the first bytes, for headers that lie beyond what is readable in place. */
INLINE enum parse_result parse_beyond(void *ctx, enum hook hook, u32 wire_len, enum link_first first,
				      struct segment *seg)
{
	u32 zero = 0, reach = reach_of(wire_len);
	struct frame_copy *copy = bpf_map_lookup_elem(&frame_copies, &zero);
	long error;

	if (!copy || !reach)
		return PARSE_TRUNCATED;
	/* 1 .. PARSE_BUFFER, in the one form that Linux 6.1 keeps the lower bound of */
	HIDE(reach);
	reach = ((reach - 1) & (PARSE_BUFFER - 1)) + 1;
	if (hook == HOOK_XDP_FRAGS)
		error = bpf_xdp_load_bytes(ctx, 0, copy->byte, reach);
	else
		error = bpf_skb_load_bytes(ctx, 0, copy->byte, reach);
	if (error)
		return PARSE_TRUNCATED;
	copy->reach = reach;
	copy->wire_len = wire_len;
	copy->first = first;
	*seg = (struct segment){ 0 }; /* the verifier wants all of it written that another function may read */
	return parse_copy(copy, seg);
}

INLINE void file_packet(int counter)
{
	struct tally *tally = env_tally();

	if (!tally)
		return;
	/* softirq or BH off: nothing on this CPU comes between, and the sweep adds atomically */
	counter = file_beside(tally, counter, 1);
	tally->count[C_packets]++;
	if ((u32)counter < COUNTERS)
		tally->count[counter]++;
}

/* What neither the parser nor engine_prepare() writes: of most packets nobody asks for it. */
INLINE void fill_rest(struct segment *seg, const void *ctx, enum hook hook, u32 ifindex)
{
	seg->time = 0;
	seg->rcv_nxt = seg->rcv_wnd = 0;
	seg->ifindex = ifindex;
	seg->place = place_of(ifindex, hook == HOOK_TC_OUT ? HOOK_OUT : HOOK_IN);
	seg->numbers = NUMBERS_UNKNOWN;
	seg->own = hook == HOOK_TC_OUT && ((const struct __sk_buff *)ctx)->sk;
	seg->aside = seg->zero = 0;
}

/*
 * Most packets end here. The others go on to the engine's program by a tail
 * call; its verdict is the hook's. Returns only when there was nothing to do.
 */
INLINE void follow(void *ctx, enum hook hook, enum parse_result result, struct segment *seg, u32 ifindex)
{
	int counter = result == PARSE_TCP ? engine_prepare(seg) : (int)counter_of(result);
	struct segment *hand;
	u32 zero = 0;

	if (counter == ENGINE_GO_ON) {
		fill_rest(seg, ctx, hook, ifindex);
		hand = bpf_map_lookup_elem(&handed, &zero);
		if (hand) {
			*hand = *seg;
			if (hook == HOOK_XDP)
				bpf_tail_call(ctx, &engine_of_xdp, 0);
			else if (hook == HOOK_XDP_FRAGS)
				bpf_tail_call(ctx, &engine_of_xdp_frags, 0);
			else
				bpf_tail_call(ctx, &engine_of_tc, 0);
		}
		counter = C_internal_error;
	}
	file_packet(counter);
}

INLINE void engine_packet(void *ctx)
{
	u32 zero = 0;
	struct segment *seg = bpf_map_lookup_elem(&handed, &zero);

	if (!seg)
		return;
	seg->time = env_clock();
	if (engine_wants_numbers(seg))
		ask_socket(ctx, seg);
	file_packet(engine_finish(seg));
}

INLINE int xdp_packet(struct xdp_md *ctx, enum hook hook, enum link_first first)
{
	enum parse_result result;
	struct segment seg;
	struct frame frame;
	u32 wire_len;

	frame.base = (const u8 *)(long)ctx->data;
	frame.end = (const u8 *)(long)ctx->data_end;
	wire_len = hook == HOOK_XDP_FRAGS ? (u32)bpf_xdp_get_buff_len(ctx)
					  : (u32)(ctx->data_end - ctx->data);
	frame.wire_len = wire_len;
	frame.reach = hook == HOOK_XDP_FRAGS ? reach_of(wire_len) : 0;
	result = parse_packet(&frame, FRAME_PACKET, first, &seg);
	if (hook == HOOK_XDP_FRAGS && result == PARSE_BEYOND)
		result = parse_beyond(ctx, hook, wire_len, first, &seg);
	follow(ctx, hook, result, &seg, ctx->ingress_ifindex);
	return XDP_PASS;
}

INLINE int tc_packet(struct __sk_buff *skb, enum hook hook, enum link_first first)
{
	enum parse_result result;
	struct segment seg;
	struct frame frame;

	frame.base = (const u8 *)(long)skb->data;
	frame.end = (const u8 *)(long)skb->data_end;
	frame.wire_len = skb->len;
	frame.reach = reach_of(skb->len);
	result = parse_packet(&frame, FRAME_PACKET, first, &seg);
	if (result == PARSE_BEYOND)
		result = parse_beyond(skb, hook, skb->len, first, &seg);
	follow(skb, hook, result, &seg, skb->ifindex);
	return TCX_NEXT;
}

SEC("xdp")
int xdp_engine(struct xdp_md *ctx)
{
	engine_packet(ctx);
	return XDP_PASS;
}

SEC("xdp.frags")
int xdp_engine_frags(struct xdp_md *ctx)
{
	engine_packet(ctx);
	return XDP_PASS;
}

SEC("tc")
int tc_engine(struct __sk_buff *skb)
{
	engine_packet(skb);
	return TCX_NEXT;
}

SEC("xdp")
int xdp_ether(struct xdp_md *ctx)
{
	return xdp_packet(ctx, HOOK_XDP, LINK_ETHERNET);
}

SEC("xdp.frags")
int xdp_ether_frags(struct xdp_md *ctx)
{
	return xdp_packet(ctx, HOOK_XDP_FRAGS, LINK_ETHERNET);
}

SEC("xdp")
int xdp_ip(struct xdp_md *ctx)
{
	return xdp_packet(ctx, HOOK_XDP, LINK_IP);
}

SEC("tc")
int tc_in_ether(struct __sk_buff *skb)
{
	return tc_packet(skb, HOOK_TC_IN, LINK_ETHERNET);
}

SEC("tc")
int tc_in_ip(struct __sk_buff *skb)
{
	return tc_packet(skb, HOOK_TC_IN, LINK_IP);
}

SEC("tc")
int tc_out_ether(struct __sk_buff *skb)
{
	return tc_packet(skb, HOOK_TC_OUT, LINK_ETHERNET);
}

SEC("tc")
int tc_out_ip(struct __sk_buff *skb)
{
	return tc_packet(skb, HOOK_TC_OUT, LINK_IP);
}

#include "sweep.bpf.h"
