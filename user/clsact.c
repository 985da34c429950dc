/* SPDX-License-Identifier: GPL-2.0-only */
#include "clsact.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Handles and a priority that nobody picks by chance. Each run has its own handle. */
#define FILTER_HANDLE 0x7c95a40
#define FILTER_RUNS 16
#define FILTER_PRIORITY 49877

/*
 * Which of our handles on this device are a living run's: each holds a socket
 * of a name that belongs to device and handle, in the network namespace's own
 * space of names, and that is free again when its process ends, however it ends.
 * Returns the socket, or -1 when another run has the handle.
 */
static int claim_handle(u32 ifindex, u32 n)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), length;

	if (fd < 0)
		return -1;
	length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "tcpshake-clsact-%u-%u", ifindex, n);
	if (!bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)))
		return fd;
	close(fd);
	return -1;
}

static int take_handle(struct hooked *hooked)
{
	for (u32 n = 0; n < FILTER_RUNS && hooked->handle_fd < 0; n++) {
		hooked->handle_fd = claim_handle(hooked->ifindex, n);
		hooked->handle = FILTER_HANDLE + n;
	}
	return hooked->handle_fd < 0 ? -EUSERS : 0;
}

static void detach(u32 ifindex, u32 handle, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = FILTER_PRIORITY);

	bpf_tc_detach(&hook, &opts);
}

/*
 * Filters of a run that was killed, whichever hooks that one had: they would see
 * each packet for ever. A handle that can be claimed is nobody's.
 */
void clsact_sweep(u32 ifindex)
{
	for (u32 n = 0; n < FILTER_RUNS; n++) {
		int fd = claim_handle(ifindex, n);

		if (fd < 0)
			continue;
		detach(ifindex, FILTER_HANDLE + n, BPF_TC_INGRESS);
		detach(ifindex, FILTER_HANDLE + n, BPF_TC_EGRESS);
		close(fd);
	}
}

int clsact_attach(int program, struct hooked *hooked, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)hooked->ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = FILTER_PRIORITY, .prog_fd = program);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return error;
	error = take_handle(hooked);
	if (error)
		return error;
	opts.handle = hooked->handle;
	return bpf_tc_attach(&hook, &opts);
}

void clsact_detach(struct hooked *hooked)
{
	if (hooked->in_filter)
		detach(hooked->ifindex, hooked->handle, BPF_TC_INGRESS);
	if (hooked->out_filter)
		detach(hooked->ifindex, hooked->handle, BPF_TC_EGRESS);
	if (hooked->handle_fd >= 0)
		close(hooked->handle_fd);
}

int clsact_holds(const struct hooked *hooked, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)hooked->ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = hooked->handle, .priority = FILTER_PRIORITY);
	int error = bpf_tc_query(&hook, &opts);

	return error != -ENOENT && error != -EINVAL && error != -ENODEV;
}
