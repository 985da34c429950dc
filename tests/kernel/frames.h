/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames as bytes, and the random numbers that choose them: the same for the same seed. */
#ifndef TCPSHAKE_TESTS_FRAMES_H
#define TCPSHAKE_TESTS_FRAMES_H

#include "key.h"
#include "parse.h"

/* What the largest of them needs: all headers, and a payload that fits into a page. */
#define FRAME_MAX   2048
#define PAYLOAD_MAX 1400

struct frame_spec {
	struct address from, to;
	u16 from_port, to_port;
	u32 seq, ack;
	u16 payload;   /* bytes of zeros, at most PAYLOAD_MAX */
	u8 flags;      /* enum tcp_flag */
	u8 wscale;     /* of a SYN, with MSS, SACK and timestamps; 0: no options at all */
	u8 tags;       /* VLAN tags */
	u8 extensions; /* IPv6: headers of 8 bytes before TCP; IPv4: words of options */
	u8 fragment;   /* 1: the first fragment of several */
	u8 first;      /* enum link_first */
};

/* IPv4 when both addresses are mapped. Returns the length. Checksums are 0: nobody looks. */
u32 frame_make(u8 *out, const struct frame_spec *spec);

struct address address_v6(u64 high, u64 low); /* in host order */

struct dice {
	u64 state; /* not 0 */
};

u64 dice_word(struct dice *dice);
u32 dice_below(struct dice *dice, u32 n); /* 0 .. n - 1 */

/* Any frame that the format allows, of a few addresses and ports, so that frames meet. */
void frame_random_spec(struct dice *dice, struct frame_spec *spec);

/* Changes bits, bytes and lengths, cuts or extends; returns the new length, from 14 to FRAME_MAX. */
u32 frame_mutate(struct dice *dice, u8 *frame, u32 length);

#endif
