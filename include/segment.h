/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP segment as the engine sees it: what the parser read, and what the hook
 * knows about where and when it passed. All numbers in host byte order.
 */
#ifndef TCPSHAKE_SEGMENT_H
#define TCPSHAKE_SEGMENT_H

#include "key.h"
#include "tcp.h"

/* Options of a SYN or SYN-ACK, as offered by its sender. */
enum offer {
	OFFER_WSCALE = 0x01,
	OFFER_SACK = 0x02,
	OFFER_TIMESTAMPS = 0x04,
	OFFER_ECN = 0x08, /* SYN with ECE and CWR; SYN-ACK with ECE alone (RFC 3168 section 6.1.1) */
	OFFER_FAST_OPEN = 0x10,
	OFFER_MSS = 0x20,
};

/* What is known of the local socket that the segment is addressed to. */
enum numbers {
	NUMBERS_UNKNOWN,   /* not asked, or no means to ask */
	NUMBERS_NO_SOCKET, /* asked: no such socket in this namespace */
	NUMBERS_KNOWN,     /* rcv_nxt is that socket's */
};

enum direction { HOOK_IN = 0, HOOK_OUT = 1 };

struct segment {
	struct key key;
	u64 hash;	/* of the key */
	u64 time;	/* ns: CLOCK_MONOTONIC live, since the epoch in a capture; 0: not read yet */
	u32 seq;
	u32 ack;	/* meaningless without TCP_ACK */
	u32 len;	/* payload bytes, by IP's own length */
	u32 rcv_nxt;	/* with NUMBERS_KNOWN */
	u32 rcv_wnd;	/* with NUMBERS_KNOWN: bytes that socket takes beyond rcv_nxt */
	u32 ifindex;	/* of the hook; the interface's number in a capture file */
	u32 watched;	/* the filter's bucket, as it was read for this segment */
	u16 place;	/* hook and interface, folded: place_of() */
	u16 mss;	/* with OFFER_MSS */
	u8 flags;	/* enum tcp_flag */
	u8 sender;	/* the end that sent it: index in key */
	u8 wscale;	/* with OFFER_WSCALE; above 14 counts as 14 */
	u8 offers;	/* enum offer; 0 without SYN */
	u8 numbers;	/* enum numbers */
	u8 own;		/* 1: a socket of this host sent it (seen at an outgoing hook) */
	u8 aside;	/* 1: it was put aside, and is stepped where packets may come between */
	u8 zero;
};

_Static_assert(sizeof(struct segment) == 96, "no hole: it travels through a queue map");

/*
 * A place tells one sighting of a packet from another. Sixteen bits of it are
 * kept per flow; two interfaces whose numbers agree modulo 2^15 look like one,
 * and then a second sighting counts as a retransmission.
 */
INLINE u16 place_of(u32 ifindex, enum direction hook)
{
	return (u16)(ifindex << 1 | hook);
}

/* The sequence number behind the segment's last: SYN and FIN take one each. */
INLINE u32 segment_end(const struct segment *seg)
{
	return seg->seq + seg->len + !!(seg->flags & TCP_SYN) + !!(seg->flags & TCP_FIN);
}

#endif
