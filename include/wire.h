/* SPDX-License-Identifier: GPL-2.0-only */
/* Headers as they lie on the wire, and the protocol numbers that lead from one to the next. */
#ifndef TCPSHAKE_WIRE_H
#define TCPSHAKE_WIRE_H

#include "base.h"

/*
 * On the host a header may lie at any address, so its type says so. For BPF
 * that would turn every load into one a byte: there the natural types stand,
 * and the verifier allows unaligned loads where the CPU does.
 */
#ifdef __bpf__
#define ON_WIRE
#else
#define ON_WIRE __attribute__((packed))
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BE16(x) ((u16)__builtin_bswap16(x))
#define BE32(x) ((u32)__builtin_bswap32(x))
#else
#define BE16(x) ((u16)(x))
#define BE32(x) ((u32)(x))
#endif

enum ether_type {
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN_OUTER = 0x88a8,     /* 802.1ad */
	ETHER_VLAN_OUTER_OLD = 0x9100, /* in use before 802.1ad */
};

/* IPv4 protocols and IPv6 next headers */
enum ip_protocol {
	PROTO_HOP_BY_HOP = 0,
	PROTO_TCP = 6,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AUTHENTICATION = 51,
	PROTO_DESTINATION = 60,
	PROTO_MOBILITY = 135,
};

struct wire_ether {
	u8 to[6], from[6];
	__be16 type;
} ON_WIRE;

struct wire_vlan {
	__be16 tag;
	__be16 type;
} ON_WIRE;

#define IPV4_OFFSET 0x1fff
#define IPV4_MORE   0x2000

struct wire_ipv4 {
	u8 version_words;
	u8 tos;
	__be16 total;
	__be16 id;
	__be16 fragment;
	u8 ttl;
	u8 protocol;
	__be16 checksum;
	__be32 from, to;
} ON_WIRE;

struct wire_ipv6 {
	u8 version;
	u8 flow[3];
	__be16 payload;
	u8 next;
	u8 hops;
	__u64 from[2], to[2];
} ON_WIRE;

#define IPV6_OFFSET 0xfff8
#define IPV6_MORE   0x0001

/* What all extension headers begin with; each has at least these eight bytes. */
struct wire_extension {
	u8 next;
	u8 length;
	__be16 fragment; /* of a fragment header */
	__be32 id;
} ON_WIRE;

struct wire_tcp {
	__be16 from, to;
	__be32 seq, ack;
	u8 words;
	u8 flags;
	__be16 window, checksum, urgent;
} ON_WIRE;

#define TCP_OPTIONS_MAX	      40
#define TCP_OPTION_EXPERIMENT 254    /* its first two bytes say whose experiment (RFC 6994) */
#define EXPERIMENT_FAST_OPEN  0xf989 /* Fast Open, before it had a number of its own */

struct wire_word {
	__be32 value;
} ON_WIRE;

#endif
