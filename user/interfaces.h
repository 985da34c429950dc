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

/* An interface that is wanted and could not be had: told once, tried again whenever links change. */
struct refused {
	u32 ifindex;
	int error;
};

struct interfaces {
	struct kernel *kernel;
	const struct options *options;
	int fd; /* netlink: readable when links or addresses changed */
	u32 count, refusals;
	int patterns;  /* one of the names is a pattern: there may be none for a while */
	int following; /* a pattern or several names: interfaces may still come */
	int blind;     /* the list of interfaces could not be read; was told */
	struct watched watched[INTERFACES_MAX];
	struct refused refused[INTERFACES_MAX];
};

/*
 * Which programs will be wanted (enum need). One plain name wants those of its
 * device; several, or a pattern, may come to want any.
 */
u32 interfaces_need(const struct options *options);

/* Opens the watch on links; a negative errno, which was told. */
int interfaces_open(struct interfaces *interfaces, struct kernel *kernel, const struct options *options);
void interfaces_close(struct interfaces *interfaces);

/*
 * Hooks onto what is new, lets go of what is gone, learns new names. starting:
 * every plain name must be there and take the hooks. A single plain name is the
 * interface that has it at the start, whatever it is called later: when that is
 * gone, so is the run. Returns 0, or the first error, which was told.
 */
enum interfaces_when { INTERFACES_STARTING, INTERFACES_RUNNING };
int interfaces_reconcile(struct interfaces *interfaces, enum interfaces_when when);

/* A device that went, or came back under its old number, before anyone looked; or another tool took our hooks off. */
int interfaces_lost(const struct interfaces *interfaces);

/* Is one of the hooks a clsact filter, which stays when the process goes? */
int interfaces_filters(const struct interfaces *interfaces);

/* After POLLIN: forgets the messages. */
void interfaces_drain(struct interfaces *interfaces);

/* Name by number, or by its low 15 bits when folded; for struct line_context. */
const char *interfaces_name(u32 ifindex, void *interfaces);

#endif
