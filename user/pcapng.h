/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng (IETF draft-ietf-opsawg-pcapng), read here and not by libpcap: that
 * refuses a file whose interfaces differ in link type or snap length, which is
 * any file merged from several, and does not say which interface a packet is of.
 */
#ifndef TCPSHAKE_PCAPNG_H
#define TCPSHAKE_PCAPNG_H

#include <stdio.h>

#include "base.h"

/* What every pcapng file begins with, in either byte order. */
#define PCAPNG_FIRST_BYTE 0x0a

struct pcapng;

struct pcapng_packet {
	const u8 *bytes; /* until the next call */
	u32 captured;
	u32 length;    /* of the frame */
	s64 sec;       /* since the epoch */
	u32 nsec;      /* below 10^9; both 0 where the file gives no time */
	u32 interface; /* index, from 0, within its section */
	u32 link_type; /* LINKTYPE_… of the file format */
};

/* file stays the caller's. NULL: out of memory. */
struct pcapng *pcapng_new(FILE *file);
void pcapng_free(struct pcapng *ng); /* may be NULL */

/*
 * The next packet of any interface: 1; 0 at the end; -EBADMSG where the file is
 * cut or nonsense, -EIO, -ENOMEM: pcapng_error() says more. *packet is
 * untouched unless 1.
 */
int pcapng_next(struct pcapng *ng, struct pcapng_packet *packet);
const char *pcapng_error(const struct pcapng *ng);

#endif
