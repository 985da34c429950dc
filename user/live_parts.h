/* SPDX-License-Identifier: GPL-2.0-only */
/* What the live_*.c and live.c share. No one else includes it. */
#ifndef TCPSHAKE_LIVE_PARTS_H
#define TCPSHAKE_LIVE_PARTS_H

#include "interfaces.h"
#include "local.h"
#include "output.h"
#include "run.h"

struct live {
	const struct options *options;
	struct config config;
	struct plan plan;
	struct kernel *kernel;
	struct interfaces interfaces;
	struct local_addresses local;
	struct output output;
	struct clock clock;
	int epoll, timer, signals;
	u64 started_ns;
	struct tally told; /* counters when losses were last told */
	u64 metrics_due_ns;
	u64 check_due_ns;
	u64 watchdog_ns, watchdog_due_ns; /* 0: the service manager does not ask for it */
	int metrics_error, kernel_error, local_error; /* those that were told: each is told once */
	enum exit_status status;
	int stop;
};

u64 live_now(void); /* CLOCK_MONOTONIC */

/* From the socket table, after attaching: what opens meanwhile is seen twice and known once. */
void live_adopt(struct live *live);

/* Losses since the last call, as events; 0 or a negative errno. */
int live_tell_losses(struct live *live, u64 time);
void live_tell_summary(struct live *live);

/* To the service manager, when nothing on the interfaces is missed any more. */
void live_tell_ready(struct live *live);

/* Writes the metrics file when its time has come. */
void live_publish(struct live *live, u64 time);
void live_unpublish(const struct live *live);

#endif
