/* SPDX-License-Identifier: GPL-2.0-only */
/* The system calls of the loop, and no others. */
#ifndef TCPSHAKE_SYSCALLS_H
#define TCPSHAKE_SYSCALLS_H

/*
 * Puts this process under a seccomp filter, for good; wants no_new_privs. attaching:
 * also what it takes to hook onto further interfaces. Returns how many system calls
 * are allowed, 0 where the build has no filter (sanitizers), or a negative errno.
 */
int syscalls_restrict(int attaching);

#endif
