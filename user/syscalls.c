/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is not listed fails with ENOSYS and is logged by the kernel's audit; it
 * does not end the process. The C library of tomorrow may try a call that is
 * unknown today, and takes ENOSYS for "not in this kernel": it falls back to the
 * old one. A monitor that dies of an update is no monitor, and whoever breaks in
 * gains nothing from the difference. A call by another ABI (32 bit, x32), which
 * no part of this program makes, does end it.
 */
#include "syscalls.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base.h"

/* A sanitizer's runtime makes calls of its own, at the end even threads that trace this one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const int plain[] = {
	/* the loop: ring, timer, signals, links */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(read), SCMP_SYS(close),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	/* standard output and error */
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(lseek),
	/* the metrics file, and /etc/localtime */
	SCMP_SYS(openat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fchmod),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	/* netlink: links, addresses, the socket table, clsact filters; notify: the service manager */
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getsockname), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	/* clocks, where they are not read without a call */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(timerfd_settime),
	/* memory; mmap and mprotect have a condition below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getrandom),
	/* the C library: locks, its own end, an abort that says so */
	SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill),
	SCMP_SYS(rt_sigaction), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Maps and programs that are there already; nothing is loaded and no map is made. */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_PROG_TEST_RUN,
	BPF_ITER_CREATE, BPF_OBJ_GET_INFO_BY_FD,
};

/* To hook on, and to name the program that stands in the way. */
static const int bpf_attaching[] = { BPF_LINK_CREATE, BPF_PROG_GET_FD_BY_ID };

static const int families[] = { AF_NETLINK, AF_UNIX };

/* Of devices: numbers of names; attaching: what they are and what attaching would cost them. */
static const int requests[] = { SIOCGIFINDEX };
static const int requests_attaching[] = { SIOCGIFHWADDR, SIOCGIFMTU, SIOCGIFFLAGS, SIOCETHTOOL };

static int allow_calls(scmp_filter_ctx filter)
{
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plain) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
	return error;
}

/* `call` where its argument number `at` is one of these: an int, of which the kernel too looks at 32 bits only. */
static int allow_values(scmp_filter_ctx filter, int call, unsigned int at, const int *values, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct scmp_arg_cmp is = {
			.arg = at, .op = SCMP_CMP_MASKED_EQ, .datum_a = ~0u, .datum_b = (u32)values[i]
		};

		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, is);
	}
	return error;
}

/* Memory that can be executed is not to be had any more. */
static int allow_data(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

#define ALLOW(filter, call, at, values) allow_values(filter, SCMP_SYS(call), at, values, ARRAY_SIZE(values))

/* A device is read through an Internet socket and ioctl(). */
static int allow_attaching(scmp_filter_ctx filter)
{
	static const int internet[] = { AF_INET };
	int error = ALLOW(filter, bpf, 0, bpf_attaching);

	if (!error)
		error = ALLOW(filter, socket, 0, internet);
	return error ? error : ALLOW(filter, ioctl, 1, requests_attaching);
}

static int build(scmp_filter_ctx filter, int attaching)
{
	int error;

	if ((error = allow_calls(filter)) || (error = allow_data(filter, SCMP_SYS(mmap))) ||
	    (error = allow_data(filter, SCMP_SYS(mprotect))) ||
	    (error = ALLOW(filter, bpf, 0, bpf_commands)) || (error = ALLOW(filter, socket, 0, families)) ||
	    (error = ALLOW(filter, ioctl, 1, requests)))
		return error;
	if (attaching && (error = allow_attaching(filter)))
		return error;
	/* an older kernel has no log of what is refused, which is no reason to refuse nothing */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	/* a tree instead of a list: each event and tick pays for it */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return 0;
}

int syscalls_restrict(int attaching)
{
	scmp_filter_ctx filter;
	int error;

	if (SANITIZED)
		return 0;
	filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!filter)
		return -ENOMEM;
	error = build(filter, attaching);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	/* the others: mmap, mprotect, bpf, socket, ioctl */
	return error ? error : (int)ARRAY_SIZE(plain) + 5;
}
