/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a network interface before hooking onto it. */
#ifndef TCPSHAKE_DEVICE_H
#define TCPSHAKE_DEVICE_H

#include <net/if.h>

#include "base.h"

enum device_link { DEVICE_ETHERNET, DEVICE_IP_FIRST, DEVICE_UNKNOWN_LINK };

struct device {
	u32 ifindex;
	char name[IF_NAMESIZE];
	char driver[32]; /* "" where ethtool does not say */
	enum device_link link;
	u32 link_type; /* ARPHRD_... */
	u32 mtu;
	int loopback;
	int up;
	int lro; /* large receive offload or hardware GRO: native XDP would cost it */
};

/* Returns 0, -ENODEV when there is no such interface, or another negative errno. */
int device_read(const char *name, struct device *device);

/* Hash of what attaching may cost (offloads, channels, carrier); the same before and after when nothing did. */
u64 device_fingerprint(const struct device *device);

#endif
