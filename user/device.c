/* SPDX-License-Identifier: GPL-2.0-only */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd, const char *name, unsigned long request, struct ifreq *ifr)
{
	memset(ifr->ifr_name, 0, sizeof(ifr->ifr_name));
	memcpy(ifr->ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	return ioctl(fd, request, ifr) ? -errno : 0;
}

static int ask_ethtool(int fd, const char *name, void *command)
{
	struct ifreq ifr = { .ifr_data = command };

	return ask(fd, name, SIOCETHTOOL, &ifr);
}

static enum device_link link_of(u32 type)
{
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return DEVICE_ETHERNET;
	case ARPHRD_NONE: /* tun, wireguard */
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
		return DEVICE_IP_FIRST;
	default:
		return DEVICE_UNKNOWN_LINK;
	}
}

static int flag_is_set(int fd, const char *name, u32 command, u32 mask)
{
	struct ethtool_value value = { .cmd = command };

	return !ask_ethtool(fd, name, &value) && (value.data & mask);
}

int device_read(const char *name, struct device *device)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	int error;

	if (fd < 0)
		return -errno;
	memset(device, 0, sizeof(*device));
	error = ask(fd, name, SIOCGIFINDEX, &ifr);
	if (error)
		goto out;
	device->ifindex = (u32)ifr.ifr_ifindex;
	snprintf(device->name, sizeof(device->name), "%s", name);
	error = ask(fd, name, SIOCGIFHWADDR, &ifr);
	if (error)
		goto out;
	device->link_type = ifr.ifr_hwaddr.sa_family;
	device->link = link_of(device->link_type);
	if (!ask(fd, name, SIOCGIFMTU, &ifr))
		device->mtu = (u32)ifr.ifr_mtu;
	if (!ask(fd, name, SIOCGIFFLAGS, &ifr)) {
		device->loopback = !!(ifr.ifr_flags & IFF_LOOPBACK);
		device->up = !!(ifr.ifr_flags & IFF_UP);
	}
	if (!ask_ethtool(fd, name, &info))
		snprintf(device->driver, sizeof(device->driver), "%s", info.driver);
	device->lro = flag_is_set(fd, name, ETHTOOL_GFLAGS, ETH_FLAG_LRO);
out:
	close(fd);
	return error;
}

static u64 mix(u64 h, const void *data, size_t size)
{
	const u8 *byte = data;

	while (size--)
		h = (h ^ *byte++) * 1099511628211ULL;
	return h;
}

/* ETHTOOL_GFEATURES tells all features in blocks of 32. */
static u64 mix_features(int fd, const char *name, u64 h)
{
	enum { BLOCKS = 4 };
	union {
		struct ethtool_gfeatures head;
		u8 room[sizeof(struct ethtool_gfeatures) + BLOCKS * sizeof(struct ethtool_get_features_block)];
	} answer = { .room = { 0 } };

	answer.head.cmd = ETHTOOL_GFEATURES;
	answer.head.size = BLOCKS;
	if (!ask_ethtool(fd, name, &answer)) {
		for (u32 i = 0; i < BLOCKS; i++)
			h = mix(h, &answer.head.features[i].active, sizeof(answer.head.features[i].active));
	}
	return h;
}

u64 device_fingerprint(const struct device *device)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	u64 h = 14695981039346656037ULL;

	if (fd < 0)
		return 0;
	h = mix_features(fd, device->name, h);
	if (!ask_ethtool(fd, device->name, &channels))
		h = mix(h, &channels, sizeof(channels));
	if (!ask_ethtool(fd, device->name, &link))
		h = mix(h, &link, sizeof(link));
	close(fd);
	return h;
}
