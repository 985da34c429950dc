/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of events to standard output: a bounded queue, so that a reader who
 * stops reading stops nothing else. When it is full whole lines are dropped and
 * counted; `seq` skips by their number and a loss event follows.
 *
 * The descriptor is shared with whoever started us. O_NONBLOCK is a flag of the
 * open file, not of the descriptor: set here, it would hit them too and stay
 * after our exit. So a pipe or terminal is opened anew through /proc, a socket
 * gets MSG_DONTWAIT, and where neither works only what poll() promises is written.
 */
#ifndef TCPSHAKE_OUTPUT_H
#define TCPSHAKE_OUTPUT_H

#include "line.h"
#include "options.h"

#define OUTPUT_QUEUE_BYTES (4u << 20) /* a power of two */

/* accepted + own = written + queued + lost, always. */
struct output_counts {
	u64 accepted; /* events handed to output_event() */
	u64 own;      /* events made in user space, those of losses too */
	u64 reported; /* of these the floods and silences, which -c counts */
	u64 written;
	u64 queued;   /* a level */
	u64 lost;
	u64 held;     /* a level: not yet handed over, their owner is looked for */
	u64 beyond; /* events after the last that -c asked for: not handed over */
};

/* WAY_NONE: quiet, or closed. */
enum output_way { WAY_NONE, WAY_FILE, WAY_NONBLOCK, WAY_SOCKET, WAY_POLL };

struct output {
	int fd, own_fd; /* own_fd: opened by us, or -1 */
	enum output_way way;
	enum output_format format;
	u32 events;	/* bit per enum event_kind: is a loss to be told? */
	struct line_context line; /* clock, iface_name and colour are the caller's to set */
	char *ring;
	u64 head, tail; /* bytes ever written and ever queued */
	u64 tried;	/* tail at the last try to write */
	u64 seq;	/* of the last event */
	u64 lost_untold;
	u64 lost_time;	/* of the last event lost */
	int dropping;	/* until half of the queue is free */
	int error;	/* negative errno that ended it: nothing goes out any more */
	struct output_counts counts;
};

/*
 * quiet: events are counted as written and go nowhere. events: those selected.
 * Ignores SIGPIPE for the process: a reader that leaves is an error of write().
 * Returns 0, -ENOMEM, or -EBADF when fd is not open.
 */
int output_open(struct output *output, int fd, enum output_format format, u32 events, int quiet);

/*
 * Queues an event, or loses it. report may be NULL. Tries to write when much is
 * queued. Returns 0, or the error of output_flush().
 */
int output_event(struct output *output, const struct event *event, const struct report *report);

/* The same for an event that user space made, of which the kernel has not heard. */
int output_own(struct output *output, const struct event *event, const struct report *report);

/*
 * Events that were lost or never made, told by a loss event. Those lost in the
 * ring had their numbers: seq skips by them. time: the clock of events.
 */
int output_loss(struct output *output, enum loss_what what, u64 count, u64 time);

/* What user space found itself, if it is selected: a flood, a silence. Returns as output_event(). */
int output_report(struct output *output, enum event_kind kind, const struct report *report, u64 time);

/* Events told so far, as -c counts them. */
u64 output_told(const struct output *output);

/*
 * Writes as much as goes without waiting. Returns 0; -EPIPE once the reader has
 * gone (exit 0); another negative errno once when writing failed (exit 1), later
 * calls return the same.
 */
int output_flush(struct output *output);

/*
 * Has the reader of a pipe gone? Writing tells, but a quiet interface may have
 * nothing to write for hours. Returns as output_flush().
 */
int output_look(struct output *output);

/* Something is queued: wait for POLLOUT on output_fd() (-1: nothing to wait for, just flush). */
int output_wants_write(const struct output *output);
int output_fd(const struct output *output);

/* For a capture, which can wait: more than half of the queue is in use. */
int output_congested(const struct output *output);

/* Waits until something could be written, at most so long, and writes it. As output_flush(). */
int output_wait(struct output *output, int timeout_ms);

/* Writes what is queued, for at most so long. What remains is lost. As output_flush(). */
int output_drain_at_exit(struct output *output, int timeout_ms);

/* Frees; accepts one that was never opened when zeroed. */
void output_close(struct output *output);

#endif
