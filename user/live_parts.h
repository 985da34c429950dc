/* SPDX-License-Identifier: GPL-2.0-only */
/* What the live_*.c and live.c share. No one else includes it. */
#ifndef TCPSHAKE_LIVE_PARTS_H
#define TCPSHAKE_LIVE_PARTS_H

#include "floods.h"
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
	struct floods *floods;
	int netstat; /* of netstat_open(), or negative */
	u64 started_ns;
	struct tally told; /* counters when losses were last told */
	u64 losses_due_ns; /* when they are told next */
	u64 metrics_due_ns;
	u64 check_due_ns;
	u64 watchdog_ns, watchdog_due_ns; /* 0: the service manager does not ask for it */
	int metrics_error, kernel_error, local_error, owners_error, output_error; /* those that were told: each is told once */
	struct lingerings *lingerings; /* NULL: owners are not looked for */
	struct owners *owners;	       /* NULL: they are not to be had */
	int owners_complete;	       /* who is not found does not exist */
	u64 looked_ns, surveyed_ns;
	enum exit_status status;
	int stop;
};

u64 live_now(void); /* CLOCK_MONOTONIC */

/* One thread, one epoll loop. Signals are blocked and taken from the start; the rest once all is attached. */
int live_open_signals(void);
int live_open_loop(struct live *live);
void live_loop(struct live *live); /* until live_stop(), or as many events as -c asked for */
void live_stop(struct live *live, enum exit_status status);
int live_enough(const struct live *live);

/* Events that are there now; what became of reading the kernel's tables (0 or a negative errno). */
void live_poll_kernel(struct live *live);
void live_check_kernel(struct live *live, int error);
void live_refresh_local(struct live *live);

/* An event on its way out, or beyond what -c asked for. Its report may be NULL. */
void live_tell_event(struct live *live, const struct event *event, const struct report *report);
/* One that was made here and is in no counter of the kernel's. */
void live_tell_own(struct live *live, const struct event *event, const struct report *report);

/* Who holds what lingers. Opened with all capabilities, used with none. */
void live_owners_open(struct live *live);
void live_owners_close(struct live *live);
void live_owners_event(struct live *live, const struct event *event); /* tells it, now or when its owner is known */
void live_owners_tick(struct live *live, u64 time);
void live_owners_finish(struct live *live); /* tells what still waits */

/* What became of writing an event: an error may end the run. */
void live_check_output(struct live *live, int error);

/* Before the hooks are in place; then once a tick. */
int live_open_floods(struct live *live);
void live_watch_floods(struct live *live, u64 time);
void live_close_floods(struct live *live);

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
