/* SPDX-License-Identifier: GPL-2.0-only */
/* What a service manager is told: systemd's notification protocol, sd_notify(3). */
#ifndef TCPSHAKE_NOTIFY_H
#define TCPSHAKE_NOTIFY_H

#include "base.h"

/* Sends lines of NAME=VALUE, as "READY=1". 0, also where nobody wants to know, or a negative errno. */
int notify(const char *lines);

/* How often WATCHDOG=1 is wanted, half of what the manager waits; 0: not at all. */
u64 notify_watchdog_ns(void);

#endif
