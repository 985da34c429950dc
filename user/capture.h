/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files as a stream of segments: pcap by way of libpcap, pcapng by pcapng.h. */
#ifndef TCPSHAKE_CAPTURE_H
#define TCPSHAKE_CAPTURE_H

#include <stddef.h>

#include "parse.h"

struct capture;

/*
 * Opens, and reads up to the first packet. path: "-" is standard input. filter: in the language of
 * pcap-filter(7), or NULL.
 *
 * Returns 0, or a negative errno with *out untouched and in `error` what, why
 * and what to try, in one or two lines: -EBADMSG not a capture, or not a whole
 * header; -EPROTONOSUPPORT a link type that is not known (in pcapng: that of the
 * first packet; later ones are no TCP); -EINVAL a bad filter; else what opening
 * the file said.
 */
int capture_open(struct capture **out, const char *path, const char *filter, char *error, size_t size);

/*
 * The next packet. Returns 1; 0 at the end; -EBADMSG where the file is cut or
 * nonsense, -EIO where it can't be read, -EINVAL where the filter does not fit
 * the link type of a further interface: capture_error() says more, and the same
 * comes back for ever after.
 *
 * With 1, *result says what the packet is (never PARSE_BEYOND) and *time_ns
 * when it passed: ns since the epoch, never less than that of the packet before
 * and never 0. *seg is complete with PARSE_TCP, else only time, ifindex and
 * place hold.
 *
 * ifindex is the interface of the machine that captured where each packet says
 * so (LINUX_SLL2, which also says in or out), else its number in a pcapng file,
 * from 1, else 0.
 */
int capture_next(struct capture *capture, struct segment *seg, enum parse_result *result, u64 *time_ns);

/* How much of the file was read, in bytes. *size: of the whole; 0: it is a pipe or the like. */
void capture_extent(const struct capture *capture, u64 *done, u64 *size);

/* What went wrong in capture_next(); "" when nothing did. */
const char *capture_error(const struct capture *capture);

/* capture may be NULL. */
void capture_close(struct capture *capture);

#endif
