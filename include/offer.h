/* SPDX-License-Identifier: GPL-2.0-only */
/* What a SYN or SYN-ACK offers: the options behind its header, and ECN in its flags. */
#ifndef TCPSHAKE_OFFER_H
#define TCPSHAKE_OFFER_H

#include "segment.h"
#include "wire.h"

/* Behind the options is room, always 0, so that a value can be read before its length is known. */
struct tcp_options {
	union {
		__be32 word[TCP_OPTIONS_MAX / 4 + 1];
		u8 byte[TCP_OPTIONS_MAX + 4];
	};
	u32 length; /* bytes of options */
};

/* By itself: of what another function may read, the verifier before Linux 6.3 wants every byte written. */
struct offered {
	u16 mss;
	u8 wscale;
	u8 offers;
};

/* Takes what one option offers. One of a wrong length offers nothing (as in Linux). */
INLINE void parse_option(const u8 *option, u32 length, struct offered *offered)
{
	const u8 kind = option[0];
	const u16 value = option[2] << 8 | option[3];

	if (kind == TCP_OPTION_MSS && length == 4) {
		offered->mss = value;
		offered->offers |= OFFER_MSS;
	} else if (kind == TCP_OPTION_WSCALE && length == 3) {
		offered->wscale = option[2] < TCP_WSCALE_MAX ? option[2] : TCP_WSCALE_MAX;
		offered->offers |= OFFER_WSCALE;
	} else if (kind == TCP_OPTION_SACK_OK && length == 2) {
		offered->offers |= OFFER_SACK;
	} else if (kind == TCP_OPTION_TIMESTAMPS && length == 10) {
		offered->offers |= OFFER_TIMESTAMPS;
	} else if (kind == TCP_OPTION_FAST_OPEN ||
		   (kind == TCP_OPTION_EXPERIMENT && length >= 4 && value == EXPERIMENT_FAST_OPEN)) {
		offered->offers |= OFFER_FAST_OPEN;
	}
}

/*
 * Nonsense ends the walk; what was understood until there stands. A step of
 * its own, so that the verifier looks at it once and not for each way that
 * leads to a SYN; those must return a number. The length is read again where it
 * is added: known to be 2, 3, 4 or 10 on four of the paths, it would give the
 * verifier every sum of these to follow.
 */
SUBPROGRAM int parse_options(const struct tcp_options *options, struct offered *offered)
{
	u32 at = 0;

	if (!options || !offered)
		return 0;
	for (u32 i = 0; i < TCP_OPTIONS_MAX && at < TCP_OPTIONS_MAX && at < options->length; i++) {
		const u8 *option = &options->byte[at];
		u32 length = option[1];

		if (option[0] == TCP_OPTION_END)
			break;
		if (option[0] == TCP_OPTION_NOP) {
			at++;
			continue;
		}
		if (length < 2 || at + length > options->length)
			break;
		parse_option(option, length, offered);
		at += READ_ONCE(option[1]);
	}
	return 0;
}

/* RFC 3168 section 6.1.1: a SYN asks with both bits, a SYN-ACK agrees with ECE alone. */
INLINE u8 ecn_offer(u8 flags)
{
	u8 ecn = flags & (TCP_ECE | TCP_CWR);

	return ecn == (flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR) ? OFFER_ECN : 0;
}

#endif
