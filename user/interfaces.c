/* SPDX-License-Identifier: GPL-2.0-only */
#include "interfaces.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static int is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

static int open_watch(struct interfaces *interfaces)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK,
				       .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };

	interfaces->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (interfaces->fd < 0)
		return -errno;
	return bind(interfaces->fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

u32 interfaces_need(const struct options *options)
{
	struct device device;

	if (options->interfaces != 1 || is_pattern(options->interface[0]) ||
	    device_read(options->interface[0], &device))
		return NEED_ALL;
	return kernel_needs(&device, options->mode, options->view);
}

int interfaces_open(struct interfaces *interfaces, struct kernel *kernel, const struct options *options)
{
	int error;

	memset(interfaces, 0, sizeof(*interfaces));
	interfaces->kernel = kernel;
	interfaces->options = options;
	for (u32 i = 0; i < options->interfaces; i++)
		interfaces->patterns |= is_pattern(options->interface[i]);
	interfaces->following = interfaces->patterns || options->interfaces > 1;
	error = open_watch(interfaces);
	if (error)
		log_error("cannot watch the links (rtnetlink): %s", strerror(-error));
	return error;
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

static void tell_attached(const struct watched *watched, const struct device *device)
{
	const struct attached *attached = &watched->attached;

	log_note("%s: in by %s, out %s%s%s%s%s%s", watched->name, mode_name(attached->mode),
		 attached->outgoing ? "by tc egress" : "not watched", attached->tc ? " (" : "",
		 attached->tc ? attached->tc : "", attached->tc ? ")" : "", attached->why ? "; " : "",
		 attached->why ? attached->why : "");
	if (attached->cure)
		log_detail("%s: for native XDP: %s", watched->name, attached->cure);
	if (!device->up)
		log_note("%s: is down: nothing passes until 'ip link set %s up'", watched->name, watched->name);
}

/* Was this told before? Keeps in mind that it is now. */
static int is_known(struct interfaces *interfaces, u32 ifindex, int error)
{
	struct refused *refused = interfaces->refused, *end = refused + interfaces->refusals;

	while (refused < end && refused->ifindex != ifindex)
		refused++;
	if (refused < end && refused->error == error)
		return 1;
	if (refused < &interfaces->refused[INTERFACES_MAX])
		*refused = (struct refused){ ifindex, error };
	interfaces->refusals += refused == end && refused < &interfaces->refused[INTERFACES_MAX];
	return 0;
}

/* It is watched now, or gone: what comes next is news again. */
static void forget_refusal(struct interfaces *interfaces, u32 ifindex)
{
	for (u32 i = 0; i < interfaces->refusals; i++) {
		if (interfaces->refused[i].ifindex == ifindex)
			interfaces->refused[i--] = interfaces->refused[--interfaces->refusals];
	}
}

/* auto falls back by itself. */
static int attach(struct interfaces *interfaces, const struct device *device)
{
	struct attached *attached = &interfaces->watched[interfaces->count].attached;
	int error = kernel_attach(interfaces->kernel, device, interfaces->options->mode, interfaces->options->view,
				  attached);

	if (error && !is_known(interfaces, device->ifindex, error))
		log_error("%s", kernel_error(interfaces->kernel));
	return error;
}

static int take(struct interfaces *interfaces, u32 ifindex, const char *name)
{
	struct watched *watched = &interfaces->watched[interfaces->count];
	struct device device;
	int error = interfaces->count == INTERFACES_MAX ? -E2BIG : device_read(name, &device);

	/* the name may have passed to another interface since the list was made */
	if (error == -ENODEV || (!error && find(interfaces, device.ifindex)))
		return error;
	if (error) {
		if (!is_known(interfaces, ifindex, error))
			log_error("%s: %s", name, strerror(-error));
		return error;
	}
	error = attach(interfaces, &device);
	if (error)
		return error;
	forget_refusal(interfaces, device.ifindex);
	watched->ifindex = device.ifindex;
	memcpy(watched->name, device.name, sizeof(watched->name));
	interfaces->count++;
	tell_attached(watched, &device);
	return 0;
}

static void drop(struct interfaces *interfaces, u32 at, int there)
{
	log_note(there ? "%s: our hooks were taken off" : "%s: gone", interfaces->watched[at].name);
	kernel_detach(interfaces->kernel, interfaces->watched[at].ifindex);
	interfaces->watched[at] = interfaces->watched[--interfaces->count];
}

static const struct if_nameindex *of_index(const struct if_nameindex *present, u32 ifindex)
{
	while (present->if_index && present->if_index != ifindex)
		present++;
	return present->if_index ? present : NULL;
}

/* What is watched and no longer there, or there under another name. */
static void refresh(struct interfaces *interfaces, const struct if_nameindex *present)
{
	for (u32 i = 0; i < interfaces->count;) {
		struct watched *watched = &interfaces->watched[i];
		const struct if_nameindex *at = of_index(present, watched->ifindex);

		if (!at || !kernel_attached(interfaces->kernel, watched->ifindex)) {
			drop(interfaces, i, at != NULL);
			continue;
		}
		if (strcmp(at->if_name, watched->name)) {
			log_note("%s: now called %s", watched->name, at->if_name);
			snprintf(watched->name, sizeof(watched->name), "%s", at->if_name);
		}
		i++;
	}
	for (u32 i = 0; i < interfaces->refusals; i++) {
		if (!of_index(present, interfaces->refused[i].ifindex))
			forget_refusal(interfaces, interfaces->refused[i--].ifindex);
	}
}

int interfaces_lost(const struct interfaces *interfaces)
{
	for (u32 i = 0; i < interfaces->count; i++) {
		if (!kernel_attached(interfaces->kernel, interfaces->watched[i].ifindex))
			return 1;
	}
	return 0;
}

int interfaces_filters(const struct interfaces *interfaces)
{
	for (u32 i = 0; i < interfaces->count; i++) {
		const char *tc = interfaces->watched[i].attached.tc;

		if (tc && !strcmp(tc, "clsact"))
			return 1;
	}
	return 0;
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
			error = take(interfaces, at->if_index, at->if_name);
		/* of what a pattern finds, one that cannot be watched does not stop the others */
		if (error && when == INTERFACES_STARTING && !is_pattern(wanted))
			return error;
	}
	if (!found && when == INTERFACES_STARTING && is_pattern(wanted)) {
		log_note("%s: no interface has such a name yet; the first that comes is watched", wanted);
	} else if (!found && when == INTERFACES_STARTING) {
		log_error("%s: no such interface\n'ip link' lists those of this network namespace", wanted);
		return -ENODEV;
	}
	return 0;
}

/* Told once; what is known of the interfaces stays as it is. */
static int tell_blind(struct interfaces *interfaces, int error)
{
	if (!interfaces->blind)
		log_error("the list of interfaces (rtnetlink): %s", strerror(-error));
	interfaces->blind = 1;
	return error;
}

int interfaces_reconcile(struct interfaces *interfaces, enum interfaces_when when)
{
	struct if_nameindex *present = if_nameindex();
	int error = 0;

	if (!present)
		return tell_blind(interfaces, -errno);
	interfaces->blind = 0;
	refresh(interfaces, present);
	if (when == INTERFACES_STARTING || interfaces->following) {
		for (u32 i = 0; i < interfaces->options->interfaces && !error; i++)
			error = take_wanted(interfaces, interfaces->options->interface[i], present, when);
	}
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
