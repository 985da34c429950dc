/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iterator over all open files (bpf/owners_iter.bpf.c) writes for each
 * socket that may linger: this header, then the names of the owner's cgroup and
 * of those above it, the innermost first, each with its 0; the root has none.
 */
#ifndef TCPSHAKE_OWNER_RECORD_H
#define TCPSHAKE_OWNER_RECORD_H

#include "base.h"

#define OWNER_NAME_BYTES 256	  /* the longest name of a cgroup, with its 0 */
#define OWNER_NAMES_ENOUGH 256	  /* no further name is begun after so many bytes */

struct owner_record {
	u64 cookie; /* the socket's, as in sock_diag(7) */
	u32 pid;    /* of the process, in the reader's PID namespace */
	u32 names;  /* bytes that follow */
	char comm[16];
};

_Static_assert(sizeof(struct owner_record) == 32, "no hole");

#endif
