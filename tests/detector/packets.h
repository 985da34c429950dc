/* SPDX-License-Identifier: GPL-2.0-only */
/* The bins of a service as packets: which handshake each count is of, and what passes of it. */
#ifndef DETECTOR_PACKETS_H
#define DETECTOR_PACKETS_H

#include <stdio.h>

#include "bin.h"

#define NEVER 0xffffffffu

enum packet {
	PACKET_SYN,
	PACKET_SYNACK,
	PACKET_ACK,	   /* completes */
	PACKET_REFUSAL,	   /* RST of the server to a SYN */
	PACKET_SERVER_RST, /* after its SYN-ACK */
	PACKET_CLIENT_RST,
	PACKET_FORGED_ACK, /* proves nothing */
};

/* In ticks from the capture's start. */
struct handshake {
	u32 begun;
	u32 answered, over; /* or NEVER */
	u32 last_syn;
	u8 answer, end; /* enum packet */
};

struct plan {
	const struct bin *bins;
	u32 ticks;
	struct handshake *handshakes; /* in the order in which they begin, are answered, and end */
	u32 count;
	u32 unmet; /* counts of the bins that no handshake can give */
	u64 packets; /* written */
};

/* Gives every count but those of repeated SYNs to a handshake. 0 or -ENOMEM. */
int plan_make(struct plan *plan, const struct bin *bins, u32 ticks);
void plan_free(struct plan *plan);

/*
 * Writes a capture, each tick's packets spread over its 100 ms; forged: with every SYN an ACK that proves
 * nothing. 0 or -ENOMEM.
 */
int plan_write(struct plan *plan, FILE *out, u64 start_ns, int forged);

void wire_head(FILE *out);
void wire_packet(FILE *out, u64 time_ns, u32 handshake, enum packet packet);

#endif
