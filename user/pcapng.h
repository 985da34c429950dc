/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng (IETF draft-ietf-opsawg-pcapng), read here and not by libpcap: that
 * refuses a file whose interfaces differ in link type or snap length, which is
 * any file merged from several, and does not say which interface a packet is of.
 */
#ifndef TCPSHAKE_PCAPNG_H
#define TCPSHAKE_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

#include "base.h"

/* What every pcapng file begins with, in either byte order. */
#define PCAPNG_FIRST_BYTE 0x0a

struct pcapng;

#define NO_INTERFACE UINT32_MAX

/* A packet as it stands in a file. */
struct raw_packet {
	const u8 *bytes; /* until the next one is read */
	u32 captured;
	u32 length;    /* of the frame; some writers say less than they captured */
	s64 sec, nsec; /* since the epoch; of a broken file anything */
	u32 interface; /* index, from 0, within its section; or NO_INTERFACE */
	u32 link_type; /* LINKTYPE_... or DLT_... */
};

/* file stays the caller's. NULL: out of memory. */
struct pcapng *pcapng_new(FILE *file);
void pcapng_free(struct pcapng *ng); /* may be NULL */

/*
 * The next packet of any interface: 1; 0 at the end; -EBADMSG where the file is
 * cut or nonsense, -EIO, -ENOMEM: pcapng_error() says more. *packet is
 * untouched unless 1.
 */
int pcapng_next(struct pcapng *ng, struct raw_packet *packet);
const char *pcapng_error(const struct pcapng *ng);

#endif
