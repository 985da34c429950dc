/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairs of lines, names above values, each beginning with its group:
 *
 *	TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed ...
 *	TcpExt: 0 0 17 ...
 */
#include "netstat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define NETSTAT_BYTES 16384 /* four times what Linux 6.18 writes */
#define GROUP	      "TcpExt:"

int netstat_open(void)
{
	int fd = open("/proc/thread-self/net/netstat", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The start of the n-th line that begins with the group, behind its name; NULL: there is none. */
static const char *group_line(const char *text, int n)
{
	for (; text && *text; text = (text = strchr(text, '\n')) ? text + 1 : NULL) {
		if (!strncmp(text, GROUP, strlen(GROUP)) && !n--)
			return text + strlen(GROUP);
	}
	return NULL;
}

/* Moves on to the next word of the line; 0: there is none. */
static size_t next_word(const char **at)
{
	*at += strspn(*at, " ");
	return strcspn(*at, " \n");
}

void netstat_parse(const char *text, struct netstat *netstat)
{
	const struct {
		const char *name;
		u64 *value;
	} wanted[] = {
		{ "SyncookiesSent", &netstat->cookies_sent },
		{ "SyncookiesFailed", &netstat->cookies_failed },
		{ "ListenOverflows", &netstat->listen_overflows },
	};
	const char *name = group_line(text, 0), *value = group_line(text, 1);
	size_t length;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		*wanted[i].value = UNKNOWN;
	if (!name || !value)
		return;
	while ((length = next_word(&name)) && next_word(&value)) {
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (strlen(wanted[i].name) == length && !strncmp(name, wanted[i].name, length))
				*wanted[i].value = strtoull(value, NULL, 10);
		}
		name += length;
		value += next_word(&value);
	}
}

int netstat_read(int fd, struct netstat *netstat)
{
	char text[NETSTAT_BYTES];
	size_t used = 0;
	ssize_t n;

	if (fd < 0 || lseek(fd, 0, SEEK_SET))
		return fd < 0 ? -EBADF : -errno;
	while (used < sizeof(text) - 1 && (n = read(fd, text + used, sizeof(text) - 1 - used))) {
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	text[used] = 0;
	netstat_parse(text, netstat);
	return 0;
}

static u64 since(u64 now, u64 before)
{
	return now == UNKNOWN || before == UNKNOWN ? UNKNOWN : now - before;
}

struct netstat netstat_since(const struct netstat *now, const struct netstat *before)
{
	return (struct netstat){
		.cookies_sent = since(now->cookies_sent, before->cookies_sent),
		.cookies_failed = since(now->cookies_failed, before->cookies_failed),
		.listen_overflows = since(now->listen_overflows, before->listen_overflows),
	};
}
