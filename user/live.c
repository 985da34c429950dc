/* SPDX-License-Identifier: GPL-2.0-only */
/* -i: one thread, one epoll loop: ring, tick, signals, links, output. */
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "interfaces.h"
#include "local.h"
#include "levels.h"
#include "log.h"
#include "metrics.h"
#include "run.h"
#include "sockets.h"

#define RING_BYTES (4u << 20)
#define DRAIN_MS 2000 /* how long the last lines may take to a reader that is slow */

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
	int metrics_error; /* the one that was told: each is told once */
	enum exit_status status;
	int stop;
};

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

static int enough(const struct live *live)
{
	return live->options->count && live->output.counts.accepted >= live->options->count;
}

static void stop(struct live *live, enum exit_status status)
{
	live->stop = 1;
	live->status = status;
}

static void check_output(struct live *live, int error)
{
	enum exit_status status;

	if (run_output_status(error, &status))
		stop(live, status);
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
		call.seg.time = now_ns();
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
	if (enough(live))
		return;
	marked = *event;
	if (live->options->view != VIEW_TAP)
		local_mark(&live->local, &marked.flow);
	check_output(live, output_event(&live->output, &marked, NULL));
}

static void tell_loss(struct live *live, enum loss_what what, u64 now, u64 before, u64 time)
{
	if (now > before)
		output_loss(&live->output, what, now - before, time);
}

static void tell_losses(struct live *live, u64 time)
{
	const struct tally *before = &live->told;
	struct tally now;

	if (kernel_tally(live->kernel, &now))
		return;
	tell_loss(live, LOSS_EVENTS_RING, now.count[C_events_lost_in_ring],
		  before->count[C_events_lost_in_ring], time);
	tell_loss(live, LOSS_PENDING_EVICTED,
		  now.count[C_handshakes_evicted] + now.count[C_adoptions_evicted],
		  before->count[C_handshakes_evicted] + before->count[C_adoptions_evicted], time);
	tell_loss(live, LOSS_CONNECTIONS_REFUSED,
		  now.count[C_begun_refused_table_full] + now.count[C_adoptions_refused_table_full],
		  before->count[C_begun_refused_table_full] + before->count[C_adoptions_refused_table_full],
		  time);
	live->told = now;
}

static void tell_summary(struct live *live)
{
	const struct service *rows;
	struct levels levels;
	struct tally tally;
	u32 count = kernel_services(live->kernel, &rows);

	if (kernel_tally(live->kernel, &tally))
		return;
	kernel_levels(live->kernel, &levels);
	run_summary(live->options, &tally, &levels, &live->output, rows, count, now_ns() - live->started_ns);
}

static const char *hook_name(enum mode mode)
{
	return mode == MODE_NATIVE ? "native" : mode == MODE_GENERIC ? "generic" : "tc";
}

static int write_metrics(struct live *live)
{
	static struct metrics_device devices[INTERFACES_MAX];
	u64 states[TCP_STATES];
	struct levels levels;
	struct tally tally;
	struct metrics metrics = {
		.options = live->options, .plan = &live->plan, .tally = &tally, .levels = &levels,
		.output = &live->output.counts, .states = states, .device = devices,
		.devices = live->interfaces.count, .time_ns = clock_wall(&live->clock, now_ns()),
	};

	for (u32 i = 0; i < live->interfaces.count; i++) {
		const struct watched *watched = &live->interfaces.watched[i];

		devices[i] = (struct metrics_device){ watched->name, hook_name(watched->attached.mode),
						      watched->attached.outgoing };
	}
	if (kernel_tally(live->kernel, &tally))
		return -EIO;
	kernel_levels(live->kernel, &levels);
	kernel_states(live->kernel, states);
	metrics.row_count = kernel_services(live->kernel, &metrics.rows);
	return metrics_write(&metrics, live->options->textfile);
}

static void update_metrics(struct live *live, u64 time)
{
	int error;

	if (!live->options->textfile || time < live->metrics_due_ns)
		return;
	live->metrics_due_ns = time + live->options->interval_ms * NSEC_PER_MSEC;
	error = write_metrics(live);
	if (error && error != live->metrics_error)
		log_error("%s: %s; the metrics are stale until it can be written again", live->options->textfile,
			  strerror(-error));
	else if (!error && live->metrics_error)
		log_note("%s: written again", live->options->textfile);
	live->metrics_error = error;
}

static void on_tick(struct live *live)
{
	u64 expirations, time = now_ns();

	if (read(live->timer, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	clock_refresh(&live->clock);
	kernel_poll(live->kernel);
	kernel_tick(live->kernel, time);
	kernel_poll(live->kernel);
	tell_losses(live, time);
	update_metrics(live, time);
	check_output(live, output_flush(&live->output));
	if (live->options->duration_ns && time - live->started_ns >= live->options->duration_ns)
		stop(live, STATUS_OK);
}

static void on_signal(struct live *live)
{
	struct signalfd_siginfo info;

	while (read(live->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			tell_summary(live);
		else
			stop(live, STATUS_OK);
	}
}

static void on_links(struct live *live)
{
	interfaces_drain(&live->interfaces);
	interfaces_reconcile(&live->interfaces, INTERFACES_RUNNING);
	local_refresh(&live->local);
	if (!live->interfaces.count && !live->interfaces.patterns) {
		log_error("the last watched interface is gone");
		stop(live, STATUS_INTERFACE_GONE);
	}
}

static int watch_fd(const struct live *live, int fd, u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
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
		kernel_poll(live->kernel);
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

/* --- connections older than us --- */

struct adoption {
	struct live *live;
	u16 *listening;
	u32 listenings, room;
};

static void note_listener(void *arg, const struct socket_entry *entry)
{
	struct adoption *adoption = arg;

	if (adoption->listenings == adoption->room) {
		u32 room = adoption->room ? adoption->room * 2 : 64;
		u16 *more = realloc(adoption->listening, room * sizeof(*more));

		if (!more)
			return;
		adoption->listening = more;
		adoption->room = room;
	}
	adoption->listening[adoption->listenings++] = entry->local_port;
}

static int is_listening(const struct adoption *adoption, u16 port)
{
	for (u32 i = 0; i < adoption->listenings; i++) {
		if (adoption->listening[i] == port)
			return 1;
	}
	return 0;
}

static void proofs_of_state(u8 state, u32 *own, u32 *peer)
{
	*own = *peer = PROOF_OPEN;
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK) {
		*own |= PROOF_H;
		*peer |= PROOF_F | PROOF_G;
	} else if (state == TCP_FIN_WAIT2) {
		*own |= PROOF_F | PROOF_G;
		*peer |= PROOF_H;
	}
}

static void adopt(void *arg, const struct socket_entry *entry)
{
	struct adoption *adoption = arg;
	struct socket_call call = { .verdict = SOCKET_ADOPT };
	u32 own, local, peer;

	/* connections within the host pass no interface but the loopback */
	if (local_has(&adoption->live->local, &entry->remote))
		return;
	local = key_make(&call.seg.key, entry->local, entry->local_port, entry->remote, entry->remote_port);
	proofs_of_state(entry->state, &own, &peer);
	call.seg.sender = (u8)local;
	call.seg.time = now_ns();
	call.proofs[local] = own;
	call.proofs[PEER_OF(local)] = peer;
	call.client = is_listening(adoption, entry->local_port) ? PEER_OF(local) : local;
	kernel_socket(adoption->live->kernel, &call);
}

/* From the socket table, after attaching: what opens meanwhile is seen twice and known once. */
static void adopt_sockets(struct live *live)
{
	const u32 connected = 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 |
			      1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING;
	struct adoption adoption = { .live = live };
	int error = 0;

	if (live->options->view == VIEW_HOST) {
		error = sockets_each(1 << TCP_LISTEN, note_listener, &adoption);
		if (!error)
			error = sockets_each(connected, adopt, &adoption);
	}
	if (error)
		log_detail("socket table: %s; connections older than this run are learned from their packets",
			   strerror(-error));
	free(adoption.listening);
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
	u32 bytes = pages ? (u32)atoi(pages) * (u32)sysconf(_SC_PAGESIZE) : 0;

	return bytes ? bytes : RING_BYTES;
}

static int start(struct live *live)
{
	int error;

	error = kernel_open(&live->kernel, &live->config, &live->plan, ring_bytes(), on_event, live);
	if (error) {
		log_error("%s", live->kernel ? kernel_error(live->kernel) : strerror(-error));
		return error;
	}
	local_refresh(&live->local);
	error = interfaces_open(&live->interfaces, live->kernel, live->options);
	if (!error)
		error = interfaces_reconcile(&live->interfaces, INTERFACES_STARTING);
	if (error)
		return error;
	if (live->options->view == VIEW_ONE_SIDED)
		log_note("one-sided view: opens are inferred, nothing that needs an answer is told");
	adopt_sockets(live);
	error = open_loop(live);
	if (error)
		log_error("cannot start: %s", strerror(-error));
	return error;
}

/* Off the devices first, so that nothing comes any more; then the last of all that was seen. */
static void finish(struct live *live)
{
	u64 time;

	kernel_detach_all(live->kernel);
	time = now_ns();
	kernel_poll(live->kernel);
	kernel_tick(live->kernel, time);
	kernel_conclude(live->kernel, HOW_END_OF_RUN, time);
	kernel_poll(live->kernel);
	if (live->status == STATUS_OK || live->status == STATUS_INTERFACE_GONE) {
		enum exit_status status;

		tell_losses(live, time);
		if (run_output_status(output_drain_at_exit(&live->output, DRAIN_MS), &status))
			live->status = status;
	}
	tell_summary(live);
	/* a file that no one keeps up to date would be believed */
	if (live->options->textfile && live->metrics_due_ns && !live->metrics_error)
		unlink(live->options->textfile);
}

int run_live(const struct options *options)
{
	struct live *live = calloc(1, sizeof(*live));
	int status;

	if (!live)
		return STATUS_FAILED;
	live->options = options;
	live->epoll = live->timer = -1;
	live->interfaces.fd = -1;
	live->started_ns = now_ns();
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
	kernel_close(live->kernel);
	interfaces_close(&live->interfaces);
	output_close(&live->output);
	local_free(&live->local);
	status = live->status;
	free(live);
	return status;
}
