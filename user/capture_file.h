/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture file as a stream of packets, whichever of the two formats it is. */
#ifndef TCPSHAKE_CAPTURE_FILE_H
#define TCPSHAKE_CAPTURE_FILE_H

#include "pcapng.h"

struct capture_file;

/*
 * path: "-" is standard input. 0, or a negative errno with *out untouched and
 * in `error` what, why and what to try.
 */
int capture_file_open(struct capture_file **out, const char *path, char *error, size_t size);

/* 1; 0 at the end; -EBADMSG, -EIO or -ENOMEM with the same in `error`. */
int capture_file_next(struct capture_file *file, struct raw_packet *packet, char *error, size_t size);

/* Bytes read so far, and those of the whole file; *size is 0 where it has no size. */
void capture_file_extent(const struct capture_file *file, u64 *done, u64 *size);

/* As errors name it. */
const char *capture_file_name(const struct capture_file *file);

/* file may be NULL. */
void capture_file_close(struct capture_file *file);

#endif
