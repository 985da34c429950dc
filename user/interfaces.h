/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces that are watched: names and patterns against what the kernel
 * has now. Whatever a link message says, the answer is to look again.
 */
#ifndef TCPSHAKE_INTERFACES_H
#define TCPSHAKE_INTERFACES_H

#include "kernel.h"

#define INTERFACES_MAX 1024

struct watched {
	u32 ifindex;
	char name[IF_NAMESIZE];
	struct attached attached;
};

struct interfaces {
	struct kernel *kernel;
	const struct options *options;
	int fd; /* netlink: readable when links or addresses changed */
	u32 count;
	int patterns; /* one of the names is a pattern: interfaces may still come */
	struct watched watched[INTERFACES_MAX];
};

/* Opens the watch on links; -errno. */
int interfaces_open(struct interfaces *interfaces, struct kernel *kernel, const struct options *options);
void interfaces_close(struct interfaces *interfaces);

/*
 * Hooks onto what is new, lets go of what is gone, learns new names. starting:
 * every plain name must be there and take the hooks. Returns 0, or the first
 * error, which was told.
 */
enum interfaces_when { INTERFACES_STARTING, INTERFACES_RUNNING };
int interfaces_reconcile(struct interfaces *interfaces, enum interfaces_when when);

/* After POLLIN: forgets the messages. */
void interfaces_drain(struct interfaces *interfaces);

/* Name by number, or by its low 15 bits when folded; for struct line_context. */
const char *interfaces_name(u32 ifindex, void *interfaces);

#endif
