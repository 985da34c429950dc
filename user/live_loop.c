/* SPDX-License-Identifier: GPL-2.0-only */
/* What a live run waits for, and what it then does: ring, tick, signals, links. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "live_parts.h"
#include "log.h"
#include "notify.h"

#define CHECK_NS (2 * NSEC_PER_SEC) /* how often the hooks are looked at */

int live_enough(const struct live *live)
{
	return live->options->count && output_told(&live->output) >= live->options->count;
}

void live_stop(struct live *live, enum exit_status status)
{
	live->stop = 1;
	live->status = status;
}

static void on_signal(struct live *live)
{
	struct signalfd_siginfo info;

	while (read(live->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			live_tell_summary(live);
		else
			live_stop(live, STATUS_OK);
	}
}

static void on_links(struct live *live)
{
	interfaces_drain(&live->interfaces);
	interfaces_reconcile(&live->interfaces, INTERFACES_RUNNING);
	live_refresh_local(live);
	if (!live->interfaces.count && !live->interfaces.patterns) {
		log_error("the last watched interface is gone");
		live_stop(live, STATUS_INTERFACE_GONE);
	}
}

/* What no message tells: hooks that another tool took off, a reader that left; and that we are alive. */
static void look_after(struct live *live, u64 time)
{
	if (time >= live->check_due_ns) {
		live->check_due_ns = time + CHECK_NS;
		if (interfaces_lost(&live->interfaces))
			on_links(live);
		live_check_output(live, output_look(&live->output));
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
	live_check_kernel(live, live_tell_losses(live, time));
}

static void on_tick(struct live *live)
{
	u64 expirations, time = live_now();
	int error;

	if (read(live->timer, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	clock_refresh(&live->clock);
	live_poll_kernel(live);
	error = kernel_tick(live->kernel, time);
	live_poll_kernel(live);
	live_watch_floods(live, time);
	live_check_kernel(live, error);
	tell_losses(live, time);
	live_owners_tick(live, time);
	live_publish(live, time);
	live_check_output(live, output_flush(&live->output));
	look_after(live, time);
	if (live->options->duration_ns && time - live->started_ns >= live->options->duration_ns)
		live_stop(live, STATUS_OK);
}

static int watch_fd(const struct live *live, int fd, u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* From the start: a signal between two attachments would leave the first behind. */
int live_open_signals(void)
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

int live_open_loop(struct live *live)
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
		live_poll_kernel(live);
}

void live_loop(struct live *live)
{
	struct epoll_event ready[8];

	while (!live->stop && !live_enough(live)) {
		int n = epoll_wait(live->epoll, ready, ARRAY_SIZE(ready), -1);

		if (n < 0 && errno != EINTR) {
			log_error("epoll: %s", strerror(errno));
			live_stop(live, STATUS_FAILED);
		}
		for (int i = 0; i < n && !live->stop; i++)
			dispatch(live, ready[i].data.fd);
	}
}
