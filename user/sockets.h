/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own table of TCP sockets in this network namespace (sock_diag(7)). */
#ifndef TCPSHAKE_SOCKETS_H
#define TCPSHAKE_SOCKETS_H

#include "key.h"

struct socket_entry {
	struct address local, remote;
	u16 local_port, remote_port;
	u8 state; /* TCP_ESTABLISHED and so on, of <netinet/tcp.h> */
	u64 cookie; /* no other socket ever has it */
	u32 inode;  /* 0: no file leads to it, that is no process has it open */
	u32 uid;
	u32 queued; /* bytes that came and were not read, the FIN counted as one; of a listener, connections not accepted */
	u32 most;   /* of a listener: what fits into its accept queue; with more queued it is full */
};

typedef void (*socket_fn)(void *arg, const struct socket_entry *entry);

/* All sockets in states given as bits (1 << TCP_...), both families. 0 or a negative errno. */
int sockets_each(u32 states, socket_fn each, void *arg);

/* Is there a connected socket, TIME_WAIT aside, with these ends? 1, 0, or a negative errno. */
int sockets_connected(const struct socket_entry *entry);

#endif
