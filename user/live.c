/* SPDX-License-Identifier: GPL-2.0-only */
/* -i: how a run begins and ends, and the way of its events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "live_parts.h"
#include "log.h"
#include "notify.h"
#include "privileges.h"
#include "sockets.h"

#define RING_BYTES (4u << 20)
#define DRAIN_MS 2000 /* how long the last lines may take to a reader that is slow */

u64 live_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

void live_check_output(struct live *live, int error)
{
	enum exit_status status;

	if (error == live->output_error)
		return;
	live->output_error = error;
	if (run_output_status(error, &status))
		live_stop(live, status);
}

/* Each failure is told once, not ten times a second. */
void live_check_kernel(struct live *live, int error)
{
	if (error < 0 && error != live->kernel_error)
		log_error("reading the kernel's tables: %s; deadlines and events come late until it works",
			  strerror(-error));
	else if (error >= 0 && live->kernel_error)
		log_note("reading the kernel's tables: works again");
	live->kernel_error = error < 0 ? error : 0;
}

void live_poll_kernel(struct live *live)
{
	int events = kernel_poll(live->kernel);

	if (events < 0)
		live_check_kernel(live, events);
}

void live_tell_event(struct live *live, const struct event *event, const struct report *report)
{
	if (live_enough(live))
		live->output.counts.beyond++;
	else
		live_check_output(live, output_event(&live->output, event, report));
}

void live_tell_own(struct live *live, const struct event *event, const struct report *report)
{
	if (!live_enough(live))
		live_check_output(live, output_own(&live->output, event, report));
}

/* A RST in doubt or a silent connection: if its socket here stands, it stands. */
static void ask_about(struct live *live, const struct event *event)
{
	struct socket_call call = { .verdict = SOCKET_ALIVE };

	for (u32 end = 0; end < 2; end++) {
		struct socket_entry entry = {
			.local = event->flow.key.addr[end],
			.remote = event->flow.key.addr[PEER_OF(end)],
			.local_port = event->flow.key.port[end],
			.remote_port = event->flow.key.port[PEER_OF(end)],
		};

		if (!local_has(&live->local, &entry.local) || sockets_connected(&entry) != 1)
			continue;
		call.seg.key = event->flow.key;
		call.seg.sender = (u8)end;
		call.seg.time = live_now();
		kernel_socket(live->kernel, &call);
		return;
	}
}

static void on_event(void *arg, const struct event *event)
{
	struct live *live = arg;
	struct event marked;

	if (event->kind == EVENT_SUSPECT) {
		ask_about(live, event);
		return;
	}
	marked = *event;
	if (live->options->view != VIEW_TAP)
		local_mark(&live->local, &marked.flow);
	live_owners_event(live, &marked);
}

/* Without them no end is marked as this host's, and all else goes on. */
void live_refresh_local(struct live *live)
{
	int error = local_refresh(&live->local);

	if (error && error != live->local_error)
		log_note("addresses of this host: %s; those known before are gone by", strerror(-error));
	live->local_error = error;
}

static enum exit_status status_of(int error)
{
	switch (error) {
	case 0:
		return STATUS_OK;
	case -EPERM:
	case -EACCES:
		return STATUS_NOT_PERMITTED;
	default:
		return STATUS_CANNOT;
	}
}

static u32 ring_bytes(void)
{
	const char *pages = getenv("TCPSHAKE_RING_PAGES"); /* for tests: a ring that overflows */
	u32 bytes = pages ? (u32)strtoul(pages, NULL, 10) * (u32)sysconf(_SC_PAGESIZE) : 0;

	return bytes ? bytes : RING_BYTES;
}

static int attach(struct live *live)
{
	int error;

	if (privileges_check())
		return -EPERM;
	error = kernel_open(&live->kernel, &live->config, &live->plan, interfaces_need(live->options),
			    ring_bytes(), on_event, live);
	if (error) {
		log_error("%s", live->kernel && *kernel_error(live->kernel) ? kernel_error(live->kernel)
									     : strerror(-error));
		return error;
	}
	live_refresh_local(live);
	live_owners_open(live);
	error = live_open_floods(live);
	if (error) {
		log_error("no memory to watch for floods\ntry a smaller --memory");
		return error;
	}
	error = interfaces_open(&live->interfaces, live->kernel, live->options);
	return error ? error : interfaces_reconcile(&live->interfaces, INTERFACES_STARTING);
}

static int tick_once(void *arg)
{
	const struct live *live = arg;

	return kernel_tick(live->kernel, live_now());
}

static void drop_privileges(struct live *live)
{
	struct privileges_use use = {
		.attaching = live->interfaces.following,
		.filters = interfaces_filters(&live->interfaces),
		.textfile = live->options->textfile,
		.try_kernel = tick_once,
		.arg = live,
	};

	privileges_drop(&use);
}

static int start(struct live *live)
{
	int error = attach(live);

	if (error)
		return error;
	if (live->options->view == VIEW_ONE_SIDED)
		log_note("one-sided view: opens are inferred, nothing that needs an answer is told");
	live_adopt(live);
	error = live_open_loop(live);
	if (error) {
		log_error("cannot start: %s", strerror(-error));
		return error;
	}
	drop_privileges(live);
	live_tell_ready(live);
	return 0;
}

/* Off the devices first, so that nothing comes any more; then the last of all that was seen. */
static void finish(struct live *live)
{
	u64 time;

	notify("STOPPING=1");
	kernel_detach_all(live->kernel);
	time = live_now();
	live_poll_kernel(live);
	live_check_kernel(live, kernel_tick(live->kernel, time));
	live_poll_kernel(live);
	live_owners_finish(live);
	live_watch_floods(live, time);
	live_check_kernel(live, kernel_conclude(live->kernel, HOW_END_OF_RUN, time));
	live_poll_kernel(live);
	floods_conclude(live->floods, time);
	if (live->status == STATUS_OK || live->status == STATUS_INTERFACE_GONE) {
		enum exit_status status;

		live_check_kernel(live, live_tell_losses(live, time));
		if (run_output_status(output_drain_at_exit(&live->output, DRAIN_MS), &status))
			live->status = status;
	}
	live_tell_summary(live);
	live_unpublish(live);
}

int run_live(const struct options *options)
{
	struct live *live = calloc(1, sizeof(*live));
	int status;

	if (!live) {
		log_error("cannot start: %s", strerror(errno));
		return STATUS_FAILED;
	}
	live->options = options;
	live->epoll = live->timer = live->netstat = -1;
	live->interfaces.fd = -1;
	live->started_ns = live_now();
	live->signals = live_open_signals();
	if (run_prepare(options, &live->config, &live->plan)) {
		live->status = STATUS_USAGE;
	} else if (run_open_output(options, &live->output)) {
		live->status = STATUS_FAILED;
	} else {
		clock_open(&live->clock, CLOCK_LIVE);
		live->output.line.clock = &live->clock;
		live->output.line.iface_name = interfaces_name;
		live->output.line.iface_arg = &live->interfaces;
		live->status = status_of(start(live));
		if (live->status == STATUS_OK) {
			live_loop(live);
			finish(live);
		}
	}
	live_close_floods(live);
	kernel_close(live->kernel);
	live_owners_close(live);
	interfaces_close(&live->interfaces);
	output_close(&live->output);
	local_free(&live->local);
	status = live->status;
	free(live);
	return status;
}
