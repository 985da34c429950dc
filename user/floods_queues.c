/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Full accept queues of this host's services. While its queue is full the kernel drops a
 * listener's SYNs and the last ACKs of its handshakes. On the wire that looks like a lossy path or a
 * firewall, so the kernel is asked: a service is told only when its listener's queue is full, the host
 * counts what it drops, and clients ask, for seconds on end.
 *
 * At rest the host's count is read once a second. While it rises, and as long as a queue is full, count and
 * listeners are read every tick.
 */
#include <stdlib.h>

#include "floods_parts.h"
#include "report.h"

#define FULL_AFTER (3 * TICKS_PER_SEC)
#define FULL_DROPS 3
#define FULL_ASKS  3
#define ROOM_AFTER (1 * TICKS_PER_SEC)	/* not told, and with room for so long: a burst filled it */
#define OVER_AFTER (3 * TICKS_PER_SEC)	/* told, and with room for so long: it is over */
#define LOST_AFTER (30 * TICKS_PER_SEC) /* full, and nothing is dropped: no one asks */
#define LISTENERS_MOST 4096		/* beyond these none is looked at */

struct listener {
	struct address addr;
	u16 port;
	u8 full;
};

/* SYNs that the server's host did not refuse. */
static u64 asks_of(const struct floods *floods, u32 row)
{
	const u64 *count = floods->seen[row].count;

	return count[SERVICE_SYN] + count[SERVICE_SYN_REPEATED] - count[SERVICE_REFUSED];
}

static struct full_queue *find_queue(struct floods *floods, u32 row)
{
	struct queues *queues = &floods->queues;

	for (u32 i = 0; i < queues->fulls; i++) {
		if (queues->full[i].row == row)
			return &queues->full[i];
	}
	return NULL;
}

static void forget(struct floods *floods, struct full_queue *queue)
{
	*queue = floods->queues.full[--floods->queues.fulls];
}

void queues_forget(struct floods *floods, u32 row)
{
	struct full_queue *queue = find_queue(floods, row);

	if (queue)
		forget(floods, queue);
}

void queues_free(struct floods *floods)
{
	free(floods->queues.listener);
}

/* --- what the kernel says --- */

/* The host's drops since the last look. */
static u64 new_drops(struct floods *floods)
{
	struct queues *queues = &floods->queues;
	struct netstat now;
	u64 drops;

	if (floods->side.host->netstat(floods->side.arg, &now) || now.listen_overflows == UNKNOWN)
		return 0;
	drops = queues->read ? now.listen_overflows - queues->overflows : 0;
	queues->overflows = now.listen_overflows;
	queues->read = 1;
	return drops;
}

static void take_listener(void *arg, const struct socket_entry *entry)
{
	struct queues *queues = arg;

	if (queues->listeners == LISTENERS_MOST)
		return;
	queues->listener[queues->listeners++] = (struct listener){
		.addr = entry->local, .port = entry->local_port, .full = entry->queued > entry->most,
	};
}

static int read_listeners(struct floods *floods)
{
	struct queues *queues = &floods->queues;

	if (!queues->listener)
		queues->listener = malloc(LISTENERS_MOST * sizeof(*queues->listener));
	queues->listeners = 0;
	return queues->listener ? floods->side.host->listeners(floods->side.arg, take_listener, queues) : -1;
}

/* How well a listener fits a service; the kernel gives a SYN to the one that fits best. 0: not at all. */
static u32 fit_of(const struct listener *listener, const struct subject *service)
{
	const struct address any_v4 = address_v4(0), any = { { 0, 0 } };

	if (listener->port != service->port)
		return 0;
	if (address_equal(&listener->addr, &service->addr))
		return 3;
	if (address_is_v4(&service->addr) && address_equal(&listener->addr, &any_v4))
		return 2;
	return address_equal(&listener->addr, &any);
}

/* Of several at one address (SO_REUSEPORT) each gets its share: one that is full is enough. */
static int is_full(const struct queues *queues, const struct subject *service)
{
	u32 best = 0;
	int full = 0;

	for (u32 i = 0; i < queues->listeners; i++) {
		u32 fit = fit_of(&queues->listener[i], service);

		if (fit && fit >= best) {
			full = (fit == best && full) || queues->listener[i].full;
			best = fit;
		}
	}
	return full;
}

/* --- what follows --- */

static void note_full(struct floods *floods, u32 row, u64 tick)
{
	struct queues *queues = &floods->queues;
	struct full_queue *queue = find_queue(floods, row);

	if (!queue) {
		if (queues->fulls == FULL_MOST)
			return;
		queue = &queues->full[queues->fulls++];
		*queue = (struct full_queue){
			.row = row, .since = tick, .dropped = tick, .syn = floods->seen[row].count[SERVICE_SYN],
			.asks = asks_of(floods, row),
		};
	}
	queue->full = tick;
}

static void note_services_of(struct floods *floods, const struct listener *listener, u64 tick)
{
	for (u32 row = 0; row < floods->rows; row++) {
		const struct subject *subject = &floods->subject[row];

		if (subject->port == listener->port && subject->attached && is_full(&floods->queues, subject) &&
		    is_here(floods, subject))
			note_full(floods, row, tick);
	}
}

static void look_at_listeners(struct floods *floods, u64 tick)
{
	const struct queues *queues = &floods->queues;

	if (read_listeners(floods))
		return;
	for (u32 i = 0; i < queues->listeners; i++) {
		if (queues->listener[i].full)
			note_services_of(floods, &queues->listener[i], tick);
	}
}

static struct finding finding_of(const struct floods *floods, const struct full_queue *queue, u64 tick)
{
	u64 ticks = tick > queue->since ? tick - queue->since : 1;

	return (struct finding){
		.silent = SILENT_OVERFLOW,
		.syn_rate = (floods->seen[queue->row].count[SERVICE_SYN] - queue->syn) * TICKS_PER_SEC / ticks,
		.ticks = (queue->full > queue->since ? queue->full : tick) - queue->since,
	};
}

static void begin(struct floods *floods, const struct full_queue *queue, u64 tick)
{
	struct subject *subject = &floods->subject[queue->row];

	if (subject->alarmed || is_told_above(floods, queue->row))
		return;
	if (subject->silent) { /* the packets alone looked like something else */
		subject->silence.ticks += tick - subject->silent_tick;
		tell_silent(floods, queue->row, PHASE_END, tick);
	}
	subject->silence = finding_of(floods, queue, tick);
	subject->silent_tick = tick;
	subject->overflows = 1;
	tell_silent(floods, queue->row, PHASE_START, tick);
}

static void end(struct floods *floods, const struct full_queue *queue, u64 tick)
{
	struct subject *subject = &floods->subject[queue->row];

	subject->silence = finding_of(floods, queue, tick);
	subject->overflows = 0;
	tell_silent(floods, queue->row, PHASE_END, tick);
	/* who has been silent all the time is found to be so anew, if it still is */
	detect_silence_over(&subject->detector);
}

static int begins(const struct floods *floods, const struct full_queue *queue, u64 tick)
{
	return tick - queue->since >= FULL_AFTER && queue->drops >= FULL_DROPS &&
	       asks_of(floods, queue->row) - queue->asks >= FULL_ASKS;
}

static int is_over(const struct floods *floods, const struct full_queue *queue, u64 tick)
{
	u64 room = floods->subject[queue->row].overflows ? OVER_AFTER : ROOM_AFTER;

	return tick - queue->full >= room || tick - queue->dropped >= LOST_AFTER;
}

static void step(struct floods *floods, struct full_queue *queue, u64 drops, u64 tick)
{
	const struct subject *subject = &floods->subject[queue->row];

	/* what was dropped before the first look may have been another's */
	if (drops && queue->full == tick && queue->since < tick) {
		queue->dropped = tick;
		queue->drops += drops;
	}
	if (is_over(floods, queue, tick)) {
		if (subject->overflows)
			end(floods, queue, tick);
		forget(floods, queue);
	} else if (!subject->overflows && begins(floods, queue, tick)) {
		begin(floods, queue, tick);
	}
}

void queues_tick(struct floods *floods, u64 tick)
{
	struct queues *queues = &floods->queues;
	u64 drops;

	if (!floods->side.host || floods->config.one_sided || (!queues->fulls && tick < queues->next))
		return;
	drops = new_drops(floods);
	if (drops)
		queues->rose = tick;
	/* a queue that is worked off slowly is not full at every look */
	queues->next = tick + (drops || tick - queues->rose < TICKS_PER_SEC ? 1 : TICKS_PER_SEC);
	if (queues->next == tick + 1 || queues->fulls)
		look_at_listeners(floods, tick);
	/* from the end, whose last one takes the place of one that is forgotten */
	for (u32 i = queues->fulls; i > 0; i--)
		step(floods, &queues->full[i - 1], drops, tick);
}

int queues_explain(struct floods *floods, u32 row, u64 tick)
{
	const struct full_queue *queue = find_queue(floods, row);

	if (!queue || queue->drops < FULL_DROPS)
		return 0;
	begin(floods, queue, tick);
	return 1;
}

void queues_interrupt(struct floods *floods, u32 row, u64 tick)
{
	struct full_queue *queue = row < floods->rows ? find_queue(floods, row) : NULL;

	if (!queue)
		return;
	if (floods->subject[row].overflows)
		end(floods, queue, tick);
	forget(floods, queue);
}
