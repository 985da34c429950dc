/* SPDX-License-Identifier: GPL-2.0-only */
/* Into a network namespace that `ip netns` has made. */
#ifndef TCPSHAKE_TEST_ENTER_H
#define TCPSHAKE_TEST_ENTER_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* The calling thread; it remains there. 0, or -1 with errno. */
static inline int enter(const char *name)
{
	char path[128];
	int fd, result;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = setns(fd, CLONE_NEWNET);
	close(fd);
	return result;
}

#endif
