/* SPDX-License-Identifier: GPL-2.0-only */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "text.h"

#define TRY_BYTES 65536 /* queued since the last try: time for another */

static u32 used(const struct output *output)
{
	return (u32)(output->tail - output->head);
}

/* What cannot be opened anew (no /proc, not ours) is asked with poll() before each write. */
static enum output_way choose_way(struct output *output, mode_t mode)
{
	char path[32];

	if (S_ISREG(mode) || S_ISBLK(mode))
		return WAY_FILE;
	if (S_ISSOCK(mode))
		return WAY_SOCKET;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
	output->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return output->own_fd < 0 ? WAY_POLL : WAY_NONBLOCK;
}

int output_open(struct output *output, int fd, enum output_format format, u32 events, int quiet)
{
	struct stat stat;

	if (!quiet && fstat(fd, &stat))
		return -errno;
	/* also with -q: standard error may be a pipe, and dying of it would leave filters behind */
	signal(SIGPIPE, SIG_IGN);
	memset(output, 0, sizeof(*output));
	output->fd = fd;
	output->own_fd = -1;
	output->format = format;
	output->events = events;
	if (quiet)
		return 0;
	output->ring = malloc(OUTPUT_QUEUE_BYTES);
	if (!output->ring)
		return -ENOMEM;
	output->way = choose_way(output, stat.st_mode);
	return 0;
}

void output_close(struct output *output)
{
	free(output->ring);
	output->ring = NULL;
	if (output->way == WAY_NONBLOCK)
		close(output->own_fd);
	output->way = WAY_NONE;
}

static void enqueue(struct output *output, const char *line, u32 length)
{
	u32 at = (u32)output->tail & (OUTPUT_QUEUE_BYTES - 1);
	u32 first = OUTPUT_QUEUE_BYTES - at < length ? OUTPUT_QUEUE_BYTES - at : length;

	memcpy(output->ring + at, line, first);
	memcpy(output->ring, line + first, length - first);
	output->tail += length;
	output->counts.queued++;
}

static void lose(struct output *output, const struct event *event)
{
	output->counts.lost++;
	output->lost_untold++;
	output->lost_time = event->time;
}

/* Formats the event under the number seq and queues it, or loses it. */
static void put_line(struct output *output, const struct event *event, const struct report *report)
{
	char line[LINE_BYTES];
	int length;

	if (output->way == WAY_NONE) {
		output->counts.written++;
		return;
	}
	if (output->error || output->dropping) {
		lose(output, event);
		return;
	}
	output->line.seq = output->seq;
	output->line.report = report;
	length = output->format == FORMAT_JSON ? json_event(event, &output->line, line, sizeof(line))
					       : text_event(event, &output->line, line, sizeof(line));
	output->line.report = NULL;
	if (length < 0) {
		lose(output, event);
	} else if ((u32)length > OUTPUT_QUEUE_BYTES - used(output)) {
		output->dropping = 1;
		lose(output, event);
	} else {
		enqueue(output, line, (u32)length);
	}
}

/*
 * Once lines are dropped, all are until half of the queue is free: or a reader
 * who is a little too slow would get a loss event for every other line.
 */
static void tell_losses(struct output *output)
{
	struct event event;

	if (output->dropping && used(output) <= OUTPUT_QUEUE_BYTES / 2)
		output->dropping = 0;
	if (!output->lost_untold || output->dropping || output->error)
		return;
	event = event_without_flow(EVENT_LOSS, output->lost_time);
	event.detail = LOSS_EVENTS_OUTPUT;
	event.count = output->lost_untold < UINT_MAX ? (u32)output->lost_untold : UINT_MAX;
	output->lost_untold = 0;
	if (!(output->events & 1u << EVENT_LOSS))
		return;
	output->seq++;
	output->counts.own++;
	put_line(output, &event, NULL);
}

static int write_when_due(struct output *output)
{
	if (output->tail - output->tried < TRY_BYTES)
		return output->error;
	return output_flush(output);
}

int output_event(struct output *output, const struct event *event, const struct report *report)
{
	tell_losses(output);
	output->seq++;
	output->counts.accepted++;
	put_line(output, event, report);
	return write_when_due(output);
}

int output_own(struct output *output, const struct event *event, const struct report *report)
{
	tell_losses(output);
	output->seq++;
	output->counts.own++;
	put_line(output, event, report);
	return write_when_due(output);
}

int output_loss(struct output *output, enum loss_what what, u64 count, u64 time)
{
	struct event event = event_without_flow(EVENT_LOSS, time);

	if (!count)
		return output->error;
	tell_losses(output);
	if (what == LOSS_EVENTS_RING)
		output->seq += count;
	if (!(output->events & 1u << EVENT_LOSS))
		return output->error;
	event.detail = (u8)what;
	event.count = count < UINT_MAX ? (u32)count : UINT_MAX;
	output->seq++;
	output->counts.own++;
	put_line(output, &event, NULL);
	return write_when_due(output);
}

int output_report(struct output *output, enum event_kind kind, const struct report *report, u64 time)
{
	struct event event = event_without_flow(kind, time);

	if (!(output->events & 1u << kind))
		return output->error;
	output->counts.reported++;
	return output_own(output, &event, report);
}

u64 output_told(const struct output *output)
{
	return output->counts.accepted + output->counts.reported;
}

/* A line is written when its end is: every line has one '\n', all others are escaped. */
static void wrote(struct output *output, u32 length)
{
	while (length) {
		u32 at = (u32)output->head & (OUTPUT_QUEUE_BYTES - 1);
		u32 most = OUTPUT_QUEUE_BYTES - at < length ? OUTPUT_QUEUE_BYTES - at : length;
		const char *end = memchr(output->ring + at, '\n', most);
		u32 step = end ? (u32)(end - (output->ring + at)) + 1 : most;

		if (end) {
			output->counts.written++;
			output->counts.queued--;
		}
		output->head += step;
		length -= step;
	}
}

/* The queued bytes, in at most two pieces; not more than `most`. Returns how many pieces. */
static int pieces(const struct output *output, u32 most, struct iovec piece[2])
{
	u32 at = (u32)output->head & (OUTPUT_QUEUE_BYTES - 1);
	u32 length = used(output) < most ? used(output) : most;
	u32 first = OUTPUT_QUEUE_BYTES - at < length ? OUTPUT_QUEUE_BYTES - at : length;

	piece[0] = (struct iovec){ output->ring + at, first };
	piece[1] = (struct iovec){ output->ring, length - first };
	return length > first ? 2 : 1;
}

/* What poll() promises: on a pipe, that PIPE_BUF bytes do not block. */
static ssize_t write_polled(struct output *output)
{
	struct pollfd poll_fd = { .fd = output->fd, .events = POLLOUT };
	struct iovec piece[2];
	int n = pieces(output, PIPE_BUF, piece);
	int ready = poll(&poll_fd, 1, 0);

	if (ready > 0)
		return writev(output->fd, piece, n);
	if (!ready)
		errno = EAGAIN;
	return -1;
}

static ssize_t write_some(struct output *output)
{
	struct iovec piece[2];
	struct msghdr message = { .msg_iov = piece };
	int n = pieces(output, OUTPUT_QUEUE_BYTES, piece);

	switch (output->way) {
	case WAY_SOCKET:
		message.msg_iovlen = (size_t)n;
		return sendmsg(output->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WAY_POLL:
		return write_polled(output);
	case WAY_NONBLOCK:
		return writev(output->own_fd, piece, n);
	default:
		return writev(output->fd, piece, n);
	}
}

static int fail(struct output *output, int error)
{
	/* a socket whose reader left with bytes unread says so in its own way */
	output->error = error == ECONNRESET ? -EPIPE : -error;
	output->counts.lost += output->counts.queued;
	output->counts.queued = 0;
	output->head = output->tail;
	return output->error;
}

static int write_all(struct output *output)
{
	while (!output->error && used(output)) {
		ssize_t n = write_some(output);

		if (n >= 0)
			wrote(output, (u32)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			fail(output, errno);
	}
	return output->error;
}

int output_flush(struct output *output)
{
	write_all(output);
	output->tried = output->tail;
	tell_losses(output);
	return output->error;
}

int output_look(struct output *output)
{
	struct pollfd poll_fd = { .fd = output_fd(output) };

	/* a socket's error is for sendmsg() to tell */
	if (output->way == WAY_SOCKET || poll_fd.fd < 0)
		return output->error;
	if (!output->error && poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLERR))
		fail(output, EPIPE);
	return output->error;
}

int output_wants_write(const struct output *output)
{
	return !output->error && used(output);
}

int output_fd(const struct output *output)
{
	switch (output->way) {
	case WAY_NONBLOCK:
		return output->own_fd;
	case WAY_SOCKET:
	case WAY_POLL:
		return output->fd;
	default:
		return -1;
	}
}

int output_congested(const struct output *output)
{
	return !output->error && used(output) > OUTPUT_QUEUE_BYTES / 2;
}

int output_wait(struct output *output, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = output_fd(output), .events = POLLOUT };

	if (output_wants_write(output) && poll_fd.fd >= 0)
		poll(&poll_fd, 1, timeout_ms);
	return output_flush(output);
}

static s64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (s64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int output_drain_at_exit(struct output *output, int timeout_ms)
{
	s64 end = now_ms() + timeout_ms;

	output_flush(output);
	while (output_wants_write(output)) {
		s64 left = end - now_ms();

		if (left <= 0)
			break;
		output_wait(output, (int)left);
	}
	output->counts.lost += output->counts.queued;
	output->counts.queued = 0;
	output->head = output->tail;
	return output->error;
}
