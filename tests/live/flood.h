/* SPDX-License-Identifier: GPL-2.0-only */
/* What a flood is made of: flood.c says it, flood.bpf.c writes it into frames. */
#ifndef TCPSHAKE_FLOOD_H
#define TCPSHAKE_FLOOD_H

#include "base.h"

/* One size for both families: what follows an IPv4 packet in it is padding, as a short frame has anyway. */
#define FLOOD_FRAME (14 + 40 + 20)

enum flood_mode {
	FLOOD_SYN,
	FLOOD_PAIR,    /* SYN, then an ACK that guesses the server's number */
	FLOOD_SYN_ACK,
	FLOOD_ACK,
	FLOOD_FIN,
	FLOOD_RST,
	FLOOD_FLAGS,   /* each of the 256 values */
	FLOOD_ODD,     /* SYNs from and to addresses and ports that cannot be */
	FLOOD_SCAN,    /* SYNs to all ports of the target, then of the next address */
	FLOOD_MODES
};

#define FLOOD_V4 1
#define FLOOD_V6 2

/* The number of different source addresses when none is asked for. */
#define FLOOD_SOURCES (1u << 30)

struct flood_plan {
	u32 mode;
	u32 families; /* both: by turns */
	u32 sources;  /* different addresses, a power of two or less than FLOOD_SOURCES */
	u32 ifindex;
	u16 port;
	u16 source_port; /* 0: swept */
	u8 from_mac[6], to_mac[6];
	u32 to[2][4]; /* IPv4 in the last word, and IPv6; as they lie on the wire */
};

#endif
