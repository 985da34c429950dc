/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer_numbers: what the local socket that a segment is addressed to expects
 * next. Needs the kernel's type information, so it is compiled into a variant of
 * the object; without it the engine decides as on a tap.
 */
#ifndef TCPSHAKE_SOCKETS_BPF_H
#define TCPSHAKE_SOCKETS_BPF_H

#include "env.bpf.h"
#include "segment.h"

#ifdef WITH_KERNEL_BTF
#include "sockets.h"

INLINE void numbers_of(struct bpf_sock *found, struct segment *seg)
{
	struct tcp_sock *sock = bpf_skc_to_tcp_sock(found);
	struct tcp_timewait_sock *wait;
	struct tcp_request_sock *request;

	seg->numbers = NUMBERS_KNOWN;
	if (sock) {
		seg->rcv_nxt = sock->rcv_nxt;
		seg->rcv_wnd = sock->rcv_wnd;
		return;
	}
	/* an orphan in FIN_WAIT_2 is kept as one of these, too */
	wait = bpf_skc_to_tcp_timewait_sock(found);
	if (wait) {
		seg->rcv_nxt = wait->tw_sk.__tw_common.skc_tw_rcv_nxt;
		seg->rcv_wnd = wait->tw_rcv_wnd;
		return;
	}
	request = bpf_skc_to_tcp_request_sock(found);
	if (request) {
		seg->rcv_nxt = request->rcv_nxt;
		seg->rcv_wnd = 65535;
		return;
	}
	seg->numbers = NUMBERS_NO_SOCKET;
}

/* The segment's endpoints, sender first; taken as values, for a computed address is no stack pointer to the verifier. */
struct endpoints {
	u64 from[2], to[2];
	u16 sport, dport; /* network order */
};

INLINE void endpoints_of(const struct segment *seg, struct endpoints *e)
{
	if (seg->sender) {
		e->from[0] = seg->key.addr[1].word[0], e->from[1] = seg->key.addr[1].word[1];
		e->to[0] = seg->key.addr[0].word[0], e->to[1] = seg->key.addr[0].word[1];
		e->sport = __builtin_bswap16(seg->key.port[1]);
		e->dport = __builtin_bswap16(seg->key.port[0]);
		barrier();
	} else {
		e->from[0] = seg->key.addr[0].word[0], e->from[1] = seg->key.addr[0].word[1];
		e->to[0] = seg->key.addr[1].word[0], e->to[1] = seg->key.addr[1].word[1];
		e->sport = __builtin_bswap16(seg->key.port[0]);
		e->dport = __builtin_bswap16(seg->key.port[1]);
	}
}

INLINE struct bpf_sock *socket_v4(void *ctx, const struct endpoints *e)
{
	struct bpf_sock_tuple tuple = {};

	tuple.ipv4.saddr = v4_of_low(e->from[1]);
	tuple.ipv4.daddr = v4_of_low(e->to[1]);
	tuple.ipv4.sport = e->sport;
	tuple.ipv4.dport = e->dport;
	return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

INLINE struct bpf_sock *socket_v6(void *ctx, const struct endpoints *e)
{
	struct bpf_sock_tuple tuple = {};

	__builtin_memcpy(tuple.ipv6.saddr, e->from, 16);
	__builtin_memcpy(tuple.ipv6.daddr, e->to, 16);
	tuple.ipv6.sport = e->sport;
	tuple.ipv6.dport = e->dport;
	return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* A frame of its own: the caller's stands below the deepest chain of calls, whose stack is limited. */
static __attribute__((noinline)) void ask_socket(void *ctx, struct segment *seg)
{
	struct endpoints endpoints;
	struct bpf_sock *found;

	seg->numbers = NUMBERS_NO_SOCKET;
	endpoints_of(seg, &endpoints);
	if (address_is_v4(&seg->key.addr[0]))
		found = socket_v4(ctx, &endpoints);
	else
		found = socket_v6(ctx, &endpoints);
	if (!found)
		return;
	/* the listener is found when no connection is */
	if (found->state != BPF_TCP_LISTEN)
		numbers_of(found, seg);
	bpf_sk_release(found);
}
#else
INLINE void ask_socket(void *ctx, struct segment *seg)
{
	(void)ctx;
	(void)seg;
}
#endif

#endif
