/* SPDX-License-Identifier: GPL-2.0-only */
/* LD_PRELOAD: once the file that CLOCK_BACK_A_DAY names is there, the wall clock is a day behind. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *trigger = getenv("CLOCK_BACK_A_DAY");
	int result, fd;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	result = real(id, now);
	if (id == CLOCK_REALTIME && trigger && (fd = open(trigger, O_RDONLY | O_CLOEXEC)) >= 0) {
		close(fd);
		now->tv_sec -= 24 * 60 * 60;
	}
	return result;
}
