/* SPDX-License-Identifier: GPL-2.0-only */
/* -i: one thread, one epoll loop: ring, tick, signals, links, output. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "live_parts.h"
#include "log.h"
#include "notify.h"
#include "privileges.h"
#include "sockets.h"

#define RING_BYTES (4u << 20)
#define CHECK_NS (2 * NSEC_PER_SEC) /* how often the hooks are looked at */
#define DRAIN_MS 2000 /* how long the last lines may take to a reader that is slow */

u64 live_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

static int enough(const struct live *live)
{
	return live->options->count && output_told(&live->output) >= live->options->count;
}

static void stop(struct live *live, enum exit_status status)
{
	live->stop = 1;
	live->status = status;
}

void live_check_output(struct live *live, int error)
{
	enum exit_status status;

	if (run_output_status(error, &status))
		stop(live, status);
}

/* Each failure is told once, not ten times a second. */
static void check_kernel(struct live *live, int error)
{
	if (error < 0 && error != live->kernel_error)
		log_error("reading the kernel's tables: %s; deadlines and events come late until it works",
			  strerror(-error));
	else if (error >= 0 && live->kernel_error)
		log_note("reading the kernel's tables: works again");
	live->kernel_error = error < 0 ? error : 0;
}

static void poll_kernel(struct live *live)
{
	int events = kernel_poll(live->kernel);

	if (events < 0)
		check_kernel(live, events);
}

void live_tell_event(struct live *live, const struct event *event, const struct report *report)
{
	if (enough(live))
		live->output.counts.beyond++;
	else
		live_check_output(live, output_event(&live->output, event, report));
}

void live_tell_own(struct live *live, const struct event *event, const struct report *report)
{
	if (!enough(live))
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

static void on_signal(struct live *live)
{
	struct signalfd_siginfo info;

	while (read(live->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			live_tell_summary(live);
		else
			stop(live, STATUS_OK);
	}
}

/* Without them no end is marked as this host's, and all else goes on. */
static void refresh_local(struct live *live)
{
	int error = local_refresh(&live->local);

	if (error && error != live->local_error)
		log_note("addresses of this host: %s; those known before are gone by", strerror(-error));
	live->local_error = error;
}

static void on_links(struct live *live)
{
	interfaces_drain(&live->interfaces);
	interfaces_reconcile(&live->interfaces, INTERFACES_RUNNING);
	refresh_local(live);
	if (!live->interfaces.count && !live->interfaces.patterns) {
		log_error("the last watched interface is gone");
		stop(live, STATUS_INTERFACE_GONE);
	}
}

/* What no message tells: hooks that another tool took off; and that we are alive. */
static void look_after(struct live *live, u64 time)
{
	if (time >= live->check_due_ns) {
		live->check_due_ns = time + CHECK_NS;
		if (interfaces_lost(&live->interfaces))
			on_links(live);
	}
	if (live->watchdog_ns && time >= live->watchdog_due_ns) {
		live->watchdog_due_ns = time + live->watchdog_ns;
		notify("WATCHDOG=1");
	}
}

/* Once a second: a flood makes some all the time. */
static void tell_losses(struct live *live, u64 time)
{
	if (time < live->losses_due_ns)
		return;
	live->losses_due_ns = time + NSEC_PER_SEC;
	check_kernel(live, live_tell_losses(live, time));
}

static void on_tick(struct live *live)
{
	u64 expirations, time = live_now();
	int error;

	if (read(live->timer, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	clock_refresh(&live->clock);
	poll_kernel(live);
	error = kernel_tick(live->kernel, time);
	poll_kernel(live);
	live_watch_floods(live, time);
	check_kernel(live, error);
	tell_losses(live, time);
	live_owners_tick(live, time);
	live_publish(live, time);
	live_check_output(live, output_flush(&live->output));
	look_after(live, time);
	if (live->options->duration_ns && time - live->started_ns >= live->options->duration_ns)
		stop(live, STATUS_OK);
}

static int watch_fd(const struct live *live, int fd, u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* From the start: a signal between two attachments would leave the first behind. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_loop(struct live *live)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS };
	int error;

	live->epoll = epoll_create1(EPOLL_CLOEXEC);
	live->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (live->epoll < 0 || live->timer < 0 || live->signals < 0 ||
	    timerfd_settime(live->timer, 0, &every, NULL))
		return -errno;
	if ((error = watch_fd(live, live->timer, EPOLLIN)) || (error = watch_fd(live, live->signals, EPOLLIN)) ||
	    (error = watch_fd(live, live->interfaces.fd, EPOLLIN)))
		return error;
	return watch_fd(live, kernel_ring_fd(live->kernel), EPOLLIN);
}

static void dispatch(struct live *live, int fd)
{
	if (fd == live->timer)
		on_tick(live);
	else if (fd == live->signals)
		on_signal(live);
	else if (fd == live->interfaces.fd)
		on_links(live);
	else
		poll_kernel(live);
}

static void loop(struct live *live)
{
	struct epoll_event ready[8];

	while (!live->stop && !enough(live)) {
		int n = epoll_wait(live->epoll, ready, ARRAY_SIZE(ready), -1);

		if (n < 0 && errno != EINTR) {
			log_error("epoll: %s", strerror(errno));
			stop(live, STATUS_FAILED);
		}
		for (int i = 0; i < n && !live->stop; i++)
			dispatch(live, ready[i].data.fd);
	}
}

/* --- the run --- */

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
	refresh_local(live);
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
	error = open_loop(live);
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
	poll_kernel(live);
	check_kernel(live, kernel_tick(live->kernel, time));
	poll_kernel(live);
	live_owners_finish(live);
	live_watch_floods(live, time);
	check_kernel(live, kernel_conclude(live->kernel, HOW_END_OF_RUN, time));
	poll_kernel(live);
	floods_conclude(live->floods, time);
	if (live->status == STATUS_OK || live->status == STATUS_INTERFACE_GONE) {
		enum exit_status status;

		check_kernel(live, live_tell_losses(live, time));
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
	live->signals = open_signals();
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
			loop(live);
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
