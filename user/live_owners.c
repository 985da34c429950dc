/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds the connections that linger. A look goes through all sockets and
 * all open files, so what begins to linger waits for it, up to a second; with
 * nothing that lingers nobody looks.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "facts.h"
#include "lingering.h"
#include "live_parts.h"
#include "log.h"
#include "owners.h"

#define LOOK_NS NSEC_PER_SEC
#define LOOK_AGAIN_NS (60 * NSEC_PER_SEC) /* with nothing new: sockets change hands, and events get lost */
#define TELL_A_TICK 1000 /* one look may settle ten thousands, which no reader takes at once */

void live_owners_open(struct live *live)
{
	u64 secret = 0;
	int error;

	if (!(live->config.events & 1u << EVENT_LINGER) || live->options->view == VIEW_TAP)
		return;
	/* who knows it could make one chain of all that lingers; without one it works as well */
	if (getrandom(&secret, sizeof(secret), 0) < 0)
		log_detail("no random numbers: %s", strerror(errno));
	live->lingerings = lingerings_new(secret);
	if (!live->lingerings)
		log_detail("owners of lingering sockets: %s", strerror(ENOMEM));
	error = owners_open(&live->owners);
	if (error)
		log_detail("owners of lingering sockets: not to be had here: %s", strerror(-error));
	live->owners_complete = owners_see_all();
}

void live_owners_close(struct live *live)
{
	lingerings_free(live->lingerings);
	owners_close(live->owners);
}

static void note_error(struct live *live, const char *where, int error)
{
	if (error != live->owners_error)
		log_detail("owners of lingering sockets: %s: %s", where, strerror(-error));
	live->owners_error = error;
}

static void tell(struct live *live, const struct event *event, const struct owner_report *owner)
{
	struct report report = { .owner = owner };

	live_tell_event(live, event, &report);
}

static void tell_missing(struct live *live, const struct event *event, enum owner_missing missing)
{
	const struct owner_report owner = { .missing = missing, .uid = UNKNOWN, .unread_bytes = UNKNOWN };

	tell(live, event, &owner);
}

static void tell_start(struct live *live, struct lingering *lingering)
{
	struct owner_report owner = lingering_report(lingering);
	struct event start = *lingering->start;

	lingering_told(live->lingerings, lingering);
	live->output.counts.held = lingering_waiting(live->lingerings);
	tell(live, &start, &owner);
}

/* It is over: if no look has found its process, that has closed it before. */
static void tell_start_late(struct live *live, struct lingering *lingering)
{
	lingering->missing = OWNER_ORPHAN;
	tell_start(live, lingering);
}

static int is_here(const struct event *event)
{
	return event->flow.end[event->value & 1].flags & END_LOCAL;
}

static void begin(struct live *live, const struct event *event)
{
	struct lingering *before = lingering_find(live->lingerings, &event->flow.key, event->value & 1);

	if (before && before->start)
		tell_start_late(live, before);
	if (before)
		lingering_end(live->lingerings, before);
	if (!lingering_begin(live->lingerings, event)) {
		note_error(live, "no room for more of them", -ENOMEM);
		live_tell_event(live, event, NULL);
		return;
	}
	live->output.counts.held = lingering_waiting(live->lingerings);
}

static void end(struct live *live, const struct event *event)
{
	struct lingering *lingering = lingering_find(live->lingerings, &event->flow.key, event->value & 1);
	struct owner_report owner;

	if (!lingering) {
		live_tell_event(live, event, NULL);
		return;
	}
	if (lingering->start)
		tell_start_late(live, lingering);
	owner = lingering_report(lingering);
	owner.unread_bytes = UNKNOWN;
	lingering_end(live->lingerings, lingering);
	tell(live, event, &owner);
}

void live_owners_event(struct live *live, const struct event *event)
{
	if (event->kind != EVENT_LINGER || event->value2 != SCOPE_FLOW)
		live_tell_event(live, event, NULL);
	else if (!is_here(event))
		tell_missing(live, event, OWNER_NOT_LOCAL);
	else if (event->detail2 == STATE_TIME_WAIT)
		tell_missing(live, event, OWNER_ORPHAN);
	else if (!live->lingerings)
		tell_missing(live, event, OWNER_RIGHTS);
	else if (event->detail == PHASE_START)
		begin(live, event);
	else
		end(live, event);
}

/* --- looking --- */

/* 0, or a negative errno: nothing was learned. */
static int look(struct live *live)
{
	struct lingerings *all = live->lingerings;
	enum look look = live->owners && live->owners_complete ? LOOK_COMPLETE : LOOK_PARTIAL;
	u64 began = live_now();
	u32 wanted;
	int error;

	lingering_look(all);
	error = sockets_each(LINGERING_STATES, lingering_socket, all);
	if (error) {
		note_error(live, "socket table", error);
		return error;
	}
	wanted = lingering_wanted(all);
	if (wanted && live->owners) {
		error = owners_each(live->owners, lingering_owner, all);
		if (error) {
			note_error(live, "open files", error);
			look = LOOK_PARTIAL;
		}
	}
	if (lingering_short(all)) {
		note_error(live, "looking for them", -ENOMEM);
		look = LOOK_PARTIAL;
	}
	lingering_answer(all, look);
	log_debug("owners of %u sockets looked for in %.1f ms", wanted, (double)(live_now() - began) / 1e6);
	return 0;
}

static void tell_pile(void *arg, const struct process *process, enum phase phase)
{
	struct live *live = arg;
	struct event event = event_without_flow(EVENT_LINGER, live->surveyed_ns);
	struct owner_report owner = { .pid = process->pid, .uid = process->uid, .unread_bytes = UNKNOWN };
	struct linger_report linger = { .count = process->close_waits, .per_minute = process->recent, .age_ns = UNKNOWN };
	struct report report = { .owner = &owner, .linger = &linger };

	memcpy(owner.comm, process->comm, sizeof(owner.comm));
	memcpy(owner.cgroup, process->cgroup, sizeof(owner.cgroup));
	event.detail = (u8)phase;
	event.detail2 = STATE_CLOSE_WAIT;
	event.value = process->oldest_holder == SIDE_SERVER;
	event.value2 = SCOPE_PROCESS;
	if (process->close_waits)
		linger.age_ns = event.time > process->oldest_ns ? event.time - process->oldest_ns : 0;
	live_tell_own(live, &event, &report);
}

static void tell_waiting(struct live *live, u32 most)
{
	struct lingering *one, *next;

	for (one = lingering_first(live->lingerings); one && most; one = next) {
		next = lingering_next(one);
		if (!lingering_is_certain(one))
			continue;
		tell_start(live, one);
		most--;
	}
}

/* No more is to be learned of any. */
static void settle_waiting(struct live *live, enum owner_missing missing)
{
	struct lingering *one;

	for (one = lingering_first(live->lingerings); one; one = lingering_next(one)) {
		if (!lingering_is_certain(one))
			lingering_settle(one, missing);
	}
}

void live_owners_tick(struct live *live, u64 time)
{
	u64 wait;

	if (!live->lingerings || lingering_is_quiet(live->lingerings))
		return;
	tell_waiting(live, TELL_A_TICK);
	if (time - live->surveyed_ns < LOOK_NS)
		return;
	wait = lingering_waiting(live->lingerings) ? LOOK_NS : LOOK_AGAIN_NS;
	live->surveyed_ns = time;
	if (time - live->looked_ns >= wait) {
		live->looked_ns = time;
		if (look(live))
			settle_waiting(live, OWNER_RIGHTS);
		tell_waiting(live, TELL_A_TICK);
	}
	lingering_survey(live->lingerings, time, tell_pile, live);
}

void live_owners_finish(struct live *live)
{
	if (!live->lingerings || !lingering_waiting(live->lingerings))
		return;
	settle_waiting(live, look(live) ? OWNER_RIGHTS : OWNER_NAT);
	tell_waiting(live, LINGERING_MAX);
}
