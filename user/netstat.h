/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's own counters say of a flood: TcpExt of /proc/net/netstat, of the namespace it was opened in. */
#ifndef TCPSHAKE_NETSTAT_H
#define TCPSHAKE_NETSTAT_H

#include "base.h"

struct netstat {
	u64 cookies_sent, cookies_failed, listen_overflows; /* UNKNOWN (report.h): this kernel does not tell */
};

/* A descriptor for netstat_read(), or a negative errno. Opened once: a run gives up the right to. */
int netstat_open(void);

/* 0 or a negative errno. */
int netstat_read(int fd, struct netstat *netstat);

/* The table's text, '\0' at its end; what it does not name becomes UNKNOWN. */
void netstat_parse(const char *text, struct netstat *netstat);

/* What came since; UNKNOWN remains. */
struct netstat netstat_since(const struct netstat *now, const struct netstat *before);

#endif
