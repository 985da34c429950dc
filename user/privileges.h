/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process may do: enough to start is asked for before the first try,
 * and all that is not needed any more is given up once the hooks are in place.
 */
#ifndef TCPSHAKE_PRIVILEGES_H
#define TCPSHAKE_PRIVILEGES_H

/* Are the capabilities there that a start needs? If not tells which are missing: -EPERM. */
int privileges_check(void);

/* What a run still needs once it is attached. */
struct privileges_use {
	int attaching;	      /* interfaces may still come, and get hooks */
	int filters;	      /* clsact filters have to be taken off at the end; links go by themselves */
	const char *textfile; /* is written again and again; or NULL */
	int (*try_kernel)(void *arg); /* what a tick asks of the kernel; 0 or a negative errno */
	void *arg;
};

/*
 * Keeps what `use` needs, gives up every other capability for good, sets
 * no_new_privs and puts the system calls under a filter. What cannot be given
 * up is told and the run goes on.
 */
void privileges_drop(const struct privileges_use *use);

#endif
