/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Linked into a tcpshake under sanitizers: one call fails, once.
 *
 *   FAULT=kind:n     the n-th call of this kind fails (n from 1)
 *   FAULT_TRACE=1    tells where that was
 *   FAULT_COUNT=FILE at the end writes "kind calls" lines, to know how far n goes
 *
 * Kinds: memory (malloc, calloc, realloc, strdup, open_memstream, vasprintf), map
 * (mmap), bpf (the system call, whichever command), open (fopen and dup, too),
 * read, write, rename, socket, message (send, recv, bind), ioctl, descriptor
 * (epoll, timerfd, signalfd), random. The linker puts these in the place of
 * the program's own calls (--wrap), so what libraries call does not count: how
 * they bear it is not ours to test. Only bpf() is taken from libbpf, too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum kind { MEMORY, MAP, BPF, OPEN, READ, WRITE, RENAME, SOCKET, MESSAGE, IOCTL, DESCRIPTOR, RANDOM, KINDS };

static const char *const kind_name[KINDS] = { "memory", "map",	   "bpf",     "open",  "read",	     "write",
					      "rename", "socket", "message", "ioctl", "descriptor", "random" };
static unsigned long calls[KINDS], failing[KINDS];
static __typeof__(&syscall) real_syscall;

__attribute__((constructor)) static void set_up(void)
{
	const char *fault = getenv("FAULT"), *number = fault ? strchr(fault, ':') : NULL;

	for (int i = 0; i < KINDS && number; i++) {
		if (!strncmp(fault, kind_name[i], (size_t)(number - fault)) && !kind_name[i][number - fault])
			failing[i] = strtoul(number + 1, NULL, 10);
	}
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *file = path ? fopen(path, "w") : NULL;

	for (int i = 0; i < KINDS && file; i++)
		fprintf(file, "%s %lu\n", kind_name[i], calls[i]);
	if (file)
		fclose(file);
}

/* Is it this call's turn? */
static int fails(enum kind kind, int error)
{
	if (++calls[kind] != failing[kind])
		return 0;
	if (getenv("FAULT_TRACE"))
		__sanitizer_print_stack_trace();
	errno = error;
	return 1;
}

/* A function of the program's, and the one behind it. */
#define WRAP(result, name, parameters, arguments, kind, error, failure)     \
	result __real_##name parameters;                                     \
	result __wrap_##name parameters;                                     \
	result __wrap_##name parameters                                      \
	{                                                                    \
		return fails(kind, error) ? (failure) : __real_##name arguments; \
	}

WRAP(void *, malloc, (size_t size), (size), MEMORY, ENOMEM, NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), MEMORY, ENOMEM, NULL)
WRAP(void *, realloc, (void *at, size_t size), (at, size), MEMORY, ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), MEMORY, ENOMEM, NULL)
WRAP(FILE *, open_memstream, (char **text, size_t *length), (text, length), MEMORY, ENOMEM, NULL)
WRAP(int, vasprintf, (char **text, const char *format, va_list args), (text, format, args), MEMORY, ENOMEM, -1)
WRAP(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset), MAP, ENOMEM, MAP_FAILED)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), OPEN, EMFILE, NULL)
WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), OPEN, ENOMEM, NULL)
WRAP(int, dup, (int fd), (fd), OPEN, EMFILE, -1)
WRAP(ssize_t, read, (int fd, void *data, size_t length), (fd, data, length), READ, EIO, -1)
WRAP(ssize_t, write, (int fd, const void *data, size_t length), (fd, data, length), WRITE, ENOSPC, -1)
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), WRITE, ENOSPC, -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), WRITE, EIO, -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), RENAME, EIO, -1)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), SOCKET, ENFILE, -1)
WRAP(ssize_t, send, (int fd, const void *data, size_t length, int flags), (fd, data, length, flags), MESSAGE, ENOBUFS,
     -1)
WRAP(ssize_t, recv, (int fd, void *data, size_t length, int flags), (fd, data, length, flags), MESSAGE, ENOBUFS, -1)
WRAP(int, timerfd_settime,
     (int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old_value),
     (fd, flags, new_value, old_value), DESCRIPTOR, EINVAL, -1)
WRAP(ssize_t, getrandom, (void *data, size_t length, unsigned int flags), (data, length, flags), RANDOM, ENOSYS, -1)
WRAP(int, epoll_create1, (int flags), (flags), DESCRIPTOR, EMFILE, -1)
WRAP(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), (epoll, operation, fd, event),
     DESCRIPTOR, ENOSPC, -1)
WRAP(int, timerfd_create, (clockid_t clock, int flags), (clock, flags), DESCRIPTOR, EMFILE, -1)
WRAP(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags), DESCRIPTOR, EMFILE, -1)

/* Not of the names by which runs tell each other's filters apart: those are asked for to be refused. */
int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	if (address->sa_family == AF_NETLINK && fails(MESSAGE, EADDRINUSE))
		return -1;
	return __real_bind(fd, address, length);
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	return fails(IOCTL, EIO) ? -1 : __real_ioctl(fd, request, argument);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return fails(OPEN, EMFILE) ? -1 : __real_open(path, flags, mode);
}

/* Not wrapped but in the place of the C library's, for libbpf calls it. */
long syscall(long number, ...)
{
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!real_syscall)
		real_syscall = (__typeof__(&syscall))dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && fails(BPF, ENOMEM))
		return -1;
	return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
