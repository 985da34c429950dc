/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has the TCP sockets of this host open, as the kernel's own list of open
 * files says. To open it takes what attaching takes; to read it takes no right
 * at all (before Linux 5.19 that of access to a map).
 */
#ifndef TCPSHAKE_OWNERS_H
#define TCPSHAKE_OWNERS_H

#include "owner_record.h"

struct owners;

/* names: record->names bytes, the cgroups from the innermost outwards, each with its 0. */
typedef void (*owner_fn)(void *arg, const struct owner_record *record, const char *names);

/* 0, or a negative errno: -ENOTSUP where there is no type information. */
int owners_open(struct owners **owners);
void owners_close(struct owners *owners); /* NULL is fine */

/*
 * Every open file that is a TCP socket in a state that can linger, or listens:
 * one call for each process that has it. 0 or a negative errno.
 */
int owners_each(const struct owners *owners, owner_fn each, void *arg);

/* Are the processes of the whole machine seen, not only those of a container? */
int owners_see_all(void);

#endif
