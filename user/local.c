/* SPDX-License-Identifier: GPL-2.0-only */
#include "local.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int address_of_sockaddr(const struct sockaddr *sockaddr, struct address *address)
{
	if (!sockaddr)
		return 0;
	if (sockaddr->sa_family == AF_INET) {
		*address = address_v4(((const struct sockaddr_in *)(const void *)sockaddr)->sin_addr.s_addr);
		return 1;
	}
	if (sockaddr->sa_family == AF_INET6) {
		memcpy(address, &((const struct sockaddr_in6 *)(const void *)sockaddr)->sin6_addr,
		       sizeof(*address));
		return 1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static int is_one_of(const char *name, const u32 *ifindex, u32 count)
{
	u32 number = if_nametoindex(name);

	for (u32 i = 0; i < count; i++) {
		if (ifindex[i] == number)
			return 1;
	}
	return !count;
}

int local_refresh(struct local_addresses *local)
{
	return local_of(local, NULL, 0);
}

int local_of(struct local_addresses *local, const u32 *ifindex, u32 numbers)
{
	struct ifaddrs *list, *at;
	struct address *found;
	size_t count = 0, n = 0;

	if (getifaddrs(&list))
		return -errno;
	for (at = list; at; at = at->ifa_next)
		count++;
	found = calloc(count + 1, sizeof(*found));
	if (!found) {
		freeifaddrs(list);
		return -ENOMEM;
	}
	for (at = list; at; at = at->ifa_next) {
		if (is_one_of(at->ifa_name, ifindex, numbers))
			n += (size_t)address_of_sockaddr(at->ifa_addr, &found[n]);
	}
	freeifaddrs(list);
	qsort(found, n, sizeof(*found), compare);
	free(local->address);
	local->address = found;
	local->count = n;
	return 0;
}

void local_free(struct local_addresses *local)
{
	free(local->address);
	local->address = NULL;
	local->count = 0;
}

int local_has(const struct local_addresses *local, const struct address *address)
{
	return local->count &&
	       bsearch(address, local->address, local->count, sizeof(*address), compare) != NULL;
}

void local_mark(const struct local_addresses *local, struct flow *flow)
{
	for (u32 end = 0; end < 2; end++) {
		if (local_has(local, &flow->key.addr[end]))
			flow->end[end].flags |= END_LOCAL;
	}
}
