/* SPDX-License-Identifier: GPL-2.0-only */
#include "interfaces.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static int is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

int interfaces_open(struct interfaces *interfaces, struct kernel *kernel, const struct options *options)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK,
				       .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };

	memset(interfaces, 0, sizeof(*interfaces));
	interfaces->kernel = kernel;
	interfaces->options = options;
	for (u32 i = 0; i < options->interfaces; i++)
		interfaces->patterns |= is_pattern(options->interface[i]);
	interfaces->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (interfaces->fd < 0)
		return -errno;
	return bind(interfaces->fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

void interfaces_close(struct interfaces *interfaces)
{
	if (interfaces->fd > 0)
		close(interfaces->fd);
	interfaces->fd = -1;
}

void interfaces_drain(struct interfaces *interfaces)
{
	char buffer[8192];

	/* messages lost for want of room are no loss: all is looked at anew */
	while (recv(interfaces->fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		;
}

static struct watched *find(struct interfaces *interfaces, u32 ifindex)
{
	for (u32 i = 0; i < interfaces->count; i++) {
		if (interfaces->watched[i].ifindex == ifindex)
			return &interfaces->watched[i];
	}
	return NULL;
}

static const char *mode_name(enum mode mode)
{
	return mode == MODE_NATIVE ? "native XDP" : mode == MODE_GENERIC ? "generic XDP" : "tc ingress";
}

static void tell_attached(const struct watched *watched)
{
	const struct attached *attached = &watched->attached;

	log_note("%s: in by %s, out %s%s%s%s%s%s", watched->name, mode_name(attached->mode),
		 attached->outgoing ? "by tc egress" : "not watched", attached->tc ? " (" : "",
		 attached->tc ? attached->tc : "", attached->tc ? ")" : "", attached->why ? "; " : "",
		 attached->why ? attached->why : "");
	if (attached->cure)
		log_detail("%s: for native XDP: %s", watched->name, attached->cure);
}

/* native: told once; auto falls back by itself. */
static int take(struct interfaces *interfaces, const char *name)
{
	struct watched *watched;
	struct device device;
	int error = device_read(name, &device);

	if (error == -ENODEV || (!error && find(interfaces, device.ifindex)))
		return error;
	if (!error && interfaces->count == INTERFACES_MAX)
		error = -E2BIG;
	if (error) {
		log_error("%s: %s", name, strerror(-error));
		return error;
	}
	watched = &interfaces->watched[interfaces->count];
	error = kernel_attach(interfaces->kernel, &device, interfaces->options->mode, interfaces->options->view,
			      &watched->attached);
	if (error) {
		log_error("%s", kernel_error(interfaces->kernel));
		return error;
	}
	watched->ifindex = device.ifindex;
	memcpy(watched->name, device.name, sizeof(watched->name));
	interfaces->count++;
	tell_attached(watched);
	return 0;
}

static void drop(struct interfaces *interfaces, u32 at)
{
	log_note("%s: gone", interfaces->watched[at].name);
	kernel_detach(interfaces->kernel, interfaces->watched[at].ifindex);
	interfaces->watched[at] = interfaces->watched[--interfaces->count];
}

/* What is watched and no longer there, or there under another name. */
static void refresh(struct interfaces *interfaces, const struct if_nameindex *present)
{
	for (u32 i = 0; i < interfaces->count;) {
		const struct if_nameindex *at = present;

		while (at->if_index && at->if_index != interfaces->watched[i].ifindex)
			at++;
		if (!at->if_index) {
			drop(interfaces, i);
			continue;
		}
		if (strcmp(at->if_name, interfaces->watched[i].name)) {
			log_note("%s: now called %s", interfaces->watched[i].name, at->if_name);
			strncpy(interfaces->watched[i].name, at->if_name, IF_NAMESIZE - 1);
		}
		i++;
	}
}

static int take_wanted(struct interfaces *interfaces, const char *wanted, const struct if_nameindex *present,
		       enum interfaces_when when)
{
	int found = 0, error = 0;

	for (const struct if_nameindex *at = present; at->if_index; at++) {
		if (fnmatch(wanted, at->if_name, 0) && strcmp(wanted, at->if_name))
			continue;
		found = 1;
		if (!find(interfaces, at->if_index))
			error = take(interfaces, at->if_name);
		/* of what a pattern finds, one that cannot be watched does not stop the others */
		if (error && when == INTERFACES_STARTING && !is_pattern(wanted))
			return error;
	}
	if (!found && when == INTERFACES_STARTING && !is_pattern(wanted)) {
		log_error("%s: no such interface\n'ip link' lists those of this network namespace", wanted);
		return -ENODEV;
	}
	return 0;
}

int interfaces_reconcile(struct interfaces *interfaces, enum interfaces_when when)
{
	struct if_nameindex *present = if_nameindex();
	int error = 0;

	if (!present)
		return -errno;
	refresh(interfaces, present);
	for (u32 i = 0; i < interfaces->options->interfaces && !error; i++)
		error = take_wanted(interfaces, interfaces->options->interface[i], present, when);
	if_freenameindex(present);
	return when == INTERFACES_STARTING ? error : 0;
}

const char *interfaces_name(u32 ifindex, void *arg)
{
	const struct interfaces *interfaces = arg;

	for (u32 i = 0; i < interfaces->count; i++) {
		if (interfaces->watched[i].ifindex == ifindex)
			return interfaces->watched[i].name;
	}
	for (u32 i = 0; i < interfaces->count; i++) {
		if ((interfaces->watched[i].ifindex & 0x7fff) == ifindex)
			return interfaces->watched[i].name;
	}
	return NULL;
}
