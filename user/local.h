/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses of this host, so that an end can be told to be local before it ever answers. */
#ifndef TCPSHAKE_LOCAL_H
#define TCPSHAKE_LOCAL_H

#include <sys/socket.h>

#include "event.h"

struct local_addresses {
	struct address *address; /* sorted */
	size_t count;
};

/*
 * Reads them anew; with interface numbers, only the addresses of those. On
 * failure the old ones stay; returns 0 or a negative errno.
 */
int local_refresh(struct local_addresses *local);
int local_of(struct local_addresses *local, const u32 *ifindex, u32 count);
void local_free(struct local_addresses *local);
int local_has(const struct local_addresses *local, const struct address *address);

/* Sets END_LOCAL at the ends of a flow that have a local address. */
void local_mark(const struct local_addresses *local, struct flow *flow);

/* Of a struct sockaddr_in or sockaddr_in6; 0: another family. */
int address_of_sockaddr(const struct sockaddr *sockaddr, struct address *address);

#endif
