/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line an event, for people: when, what, between whom, and the rest in
 * words. The same facts as in JSON, without the numbers nobody reads at night.
 */
#include "text.h"

#include <errno.h>

#include "escape.h"
#include "names.h"
#include "text_report.h"

#define LABEL_WIDTH 11
#define WIDTH_MOST  47 /* two IPv4 endpoints and the arrow; IPv6 does not push everything aside */

/* Label and colour (ECMA-48) of each kind. */
static const struct label {
	const char *text, *colour;
} labels[] = {
	[EVENT_OPEN] = { "OPEN", "\033[32m" },	   [EVENT_HALF_OPEN] = { "HALF-OPEN", "\033[33m" },
	[EVENT_CLOSE] = { "CLOSE", "" },	   [EVENT_FLOOD] = { "FLOOD", "\033[1;31m" },
	[EVENT_SILENT] = { "SILENT", "\033[1;31m" }, [EVENT_LINGER] = { "LINGER", "\033[35m" },
	[EVENT_PORTS] = { "PORTS", "\033[1;31m" }, [EVENT_LOSS] = { "LOSS", "\033[1;31m" },
	[EVENT_SUSPECT] = { "SUSPECT", "" },
};

static const char *colour_of(const struct event *event)
{
	if (event->kind == EVENT_CLOSE && event->flow.how != HOW_FIN)
		return "\033[33m";
	return labels[event->kind].colour;
}

static void put_label(struct put *put, const struct event *event, int colour)
{
	const char *text = labels[event->kind].text;

	if (colour)
		put_str(put, colour_of(event));
	put_str(put, text);
	if (colour && *colour_of(event))
		PUT(put, "\033[0m");
	for (size_t i = strlen(text); i < LABEL_WIDTH; i++)
		put_char(put, ' ');
}

/* Pads what began at `from` to the widest so far, so that the words line up. */
static void put_gap(struct put *put, const char *from, u32 *width)
{
	u32 length = (u32)(put->at - from);

	if (length > *width)
		*width = length < WIDTH_MOST ? length : WIDTH_MOST;
	for (; length < *width; length++)
		put_char(put, ' ');
	PUT(put, "   ");
}

static void put_side(struct put *put, const struct event *event, enum side side, int with_port)
{
	const struct key *key = &event->flow.key;
	u32 end = facts_end(event, side);

	if (event->flow.end[end].flags & END_LOCAL)
		put_char(put, '*');
	if (with_port)
		put_endpoint(put, &key->addr[end], key->port[end]);
	else
		put_address(put, &key->addr[end]);
}

static void put_connection(struct put *put, const struct event *event, int with_client_port, u32 *width)
{
	const char *from = put->at;

	put_side(put, event, SIDE_CLIENT, with_client_port);
	PUT(put, " -> ");
	put_side(put, event, SIDE_SERVER, 1);
	put_gap(put, from, width);
}

/* What was not seen, at the end of the line. */
static void put_doubts(struct put *put, const struct event *event)
{
	u32 inferred = facts_inferred(event);
	const char *before = ", inferred: ";

	if (event->flow.flags & FLOW_ADOPTED)
		PUT(put, ", not seen to open");
	if (facts_orientation(event) == ORIENTATION_GUESS)
		PUT(put, ", client guessed");
	for (u32 bit = 0; bit < INFERRED_BITS; bit++) {
		if (!(inferred & 1u << bit))
			continue;
		put_str(put, before);
		put_str(put, inferred_name(bit));
		before = ", ";
	}
}

static void put_counts(struct put *put, u32 syn, u32 synack)
{
	PUT(put, " (");
	put_u64(put, syn);
	PUT(put, " SYN");
	if (synack) {
		PUT(put, ", ");
		put_u64(put, synack);
		PUT(put, " SYN-ACK");
	}
	PUT(put, ")");
}

static void put_attempts(struct put *put, const struct event *event)
{
	put_counts(put, facts_of(event, SIDE_CLIENT)->syn, facts_of(event, SIDE_SERVER)->synack);
}

static void put_open(struct put *put, const struct event *event)
{
	static const char *const kinds[] = { "three-way", "simultaneous", "fast open", "split" };

	put_str(put, kinds[facts_open_kind(event)]);
	if (event->value && event->value2) {
		PUT(put, ", server ");
		put_duration(put, event->value);
		PUT(put, " + client ");
		put_duration(put, event->value2);
	} else {
		PUT(put, ", in ");
		put_duration(put, facts_duration(event));
	}
	if (facts_of(event, SIDE_CLIENT)->syn > 1 || facts_of(event, SIDE_SERVER)->synack > 1)
		put_attempts(put, event);
}

static void put_half_open(struct put *put, const struct event *event)
{
	switch ((enum waiting_for)event->detail) {
	case WAITING_SYN_ACK:
		PUT(put, "no SYN-ACK from the server for ");
		break;
	case WAITING_ACK:
		PUT(put, "no ACK from the client for ");
		break;
	case WAITING_ACCEPT:
		PUT(put, "not accepted by the server for ");
		break;
	}
	put_duration(put, facts_duration(event));
	put_attempts(put, event);
}

static void put_states(struct put *put, const struct event *event)
{
	PUT(put, ", ");
	put_str(put, state_name(facts_state(event, SIDE_CLIENT)));
	PUT(put, " / ");
	put_str(put, state_name(facts_state(event, SIDE_SERVER)));
}

static void put_close_fin(struct put *put, const struct event *event)
{
	static const char *const sequences[] = { "", "four-way", "three-way", "simultaneous" };
	enum side by = facts_closed_by(event);

	PUT(put, "FIN ");
	put_str(put, sequences[facts_sequence(event)]);
	if (by != SIDE_BOTH) {
		PUT(put, ", ");
		put_str(put, side_name(by));
		PUT(put, " first");
	}
	PUT(put, ", after ");
	put_duration(put, facts_duration(event));
	PUT(put, ", TIME_WAIT at ");
	put_str(put, side_name(facts_time_wait(event)));
}

static void put_close(struct put *put, const struct event *event)
{
	static const char *const hows[HOWS] = { "ended",   "FIN",      "reset",	  "refused", "aborted",
						"timeout", "replaced", "evicted", "idle",    "end of capture",
						"end of run" };
	enum side by = facts_closed_by(event);

	if (event->flow.how == HOW_FIN) {
		put_close_fin(put, event);
		return;
	}
	put_str(put, hows[event->flow.how < HOWS ? event->flow.how : HOW_NONE]);
	if (by != SIDE_UNKNOWN) {
		PUT(put, " by ");
		put_str(put, side_name(by));
	}
	PUT(put, " after ");
	put_duration(put, facts_duration(event));
	put_states(put, event);
	if (!(event->flow.flags & (FLOW_OPENED | FLOW_ADOPTED)))
		put_attempts(put, event);
}

/* Of the cgroup's path the innermost name, which is the unit's or the container's. */
static void put_process(struct put *put, const struct owner_report *owner)
{
	const char *slash = strrchr(owner->cgroup, '/'), *name = slash ? slash + 1 : owner->cgroup;

	put_text_escaped(put, owner->comm, strnlen(owner->comm, sizeof(owner->comm)));
	PUT(put, "[");
	put_u64(put, owner->pid);
	PUT(put, "]");
	if (*name) {
		PUT(put, " in ");
		put_text_escaped(put, name, strlen(name));
	}
}

/* That an end is not here its lack of a '*' tells, and nobody is to blame for a TIME_WAIT. */
static void put_owner(struct put *put, const struct event *event, const struct owner_report *owner)
{
	if (owner->missing == OWNER_NOT_LOCAL || event->detail2 == STATE_TIME_WAIT)
		return;
	if (owner->missing != OWNER_KNOWN) {
		PUT(put, ", owner: ");
		put_str(put, owner_missing_name(owner->missing));
		return;
	}
	PUT(put, ", held by ");
	put_process(put, owner);
	if (owner->unread_bytes != UNKNOWN && owner->unread_bytes) {
		PUT(put, ", ");
		put_grouped(put, owner->unread_bytes);
		PUT(put, " bytes unread");
	}
}

static void put_linger(struct put *put, const struct event *event, const struct linger_facts *linger,
		       const struct owner_report *owner)
{
	if (linger->count != UNKNOWN) {
		put_grouped(put, linger->count);
		put_char(put, ' ');
	}
	put_str(put, state_name(event->detail2));
	if (event->detail == PHASE_END)
		PUT(put, " over");
	if (linger->age_ns != UNKNOWN) {
		put_str(put, event->detail == PHASE_END ? " after " : " ");
		put_duration(put, linger->age_ns);
	}
	if (!owner || owner->missing != OWNER_KNOWN) {
		PUT(put, " at ");
		put_str(put, side_name(linger->holder));
	}
	if (linger->per_minute != UNKNOWN) {
		PUT(put, ", ");
		put_grouped(put, linger->per_minute);
		PUT(put, " a minute");
	}
	if (owner)
		put_owner(put, event, owner);
}

static void put_pile(struct put *put, const struct event *event, const struct linger_facts *linger,
		     const struct owner_report *owner)
{
	put_process(put, owner);
	PUT(put, "   ");
	text_phase(put, event->detail);
	put_grouped(put, linger->count);
	put_char(put, ' ');
	put_str(put, state_name(event->detail2));
	if (linger->age_ns != UNKNOWN) {
		PUT(put, ", the oldest ");
		put_duration(put, linger->age_ns);
	}
	if (linger->per_minute != UNKNOWN) {
		PUT(put, ", ");
		put_grouped(put, linger->per_minute);
		PUT(put, " in the last minute");
	}
}

static void put_linger_event(struct put *put, const struct event *event, struct line_context *context)
{
	const struct report *report = context->report;
	struct linger_facts linger = facts_linger(event, report ? report->linger : NULL);

	if (linger.scope == SCOPE_PROCESS && report && report->owner) {
		put_pile(put, event, &linger, report->owner);
		return;
	}
	if (facts_has_flow(event))
		put_connection(put, event, linger.scope == SCOPE_FLOW, &context->width);
	put_linger(put, event, &linger, report ? report->owner : NULL);
}

static void put_body(struct put *put, const struct event *event, struct line_context *context)
{
	const struct report *report = context->report;

	switch ((enum event_kind)event->kind) {
	case EVENT_OPEN:
		put_connection(put, event, 1, &context->width);
		put_open(put, event);
		put_doubts(put, event);
		break;
	case EVENT_HALF_OPEN:
		put_connection(put, event, 1, &context->width);
		put_half_open(put, event);
		put_doubts(put, event);
		break;
	case EVENT_CLOSE:
		put_connection(put, event, 1, &context->width);
		put_close(put, event);
		put_doubts(put, event);
		break;
	case EVENT_LINGER:
		put_linger_event(put, event, context);
		break;
	case EVENT_FLOOD:
		if (report && report->flood)
			text_flood(put, report->flood);
		break;
	case EVENT_SILENT:
		if (report && report->silent)
			text_silent(put, report->silent);
		break;
	case EVENT_PORTS:
		if (report && report->ports)
			text_ports(put, report->ports);
		break;
	case EVENT_LOSS:
		text_loss(put, event->detail, event->count);
		break;
	case EVENT_SUSPECT:
		break;
	}
}

int text_event(const struct event *event, struct line_context *context, char *buffer, size_t size)
{
	struct put put = put_into(buffer, size);

	if (event->kind >= ARRAY_SIZE(labels))
		return -EINVAL;
	put_time_local(&put, context->clock, event->time);
	PUT(&put, "  ");
	put_label(&put, event, context->colour);
	put_body(&put, event, context);
	put_char(&put, '\n');
	return put.overflow ? -ENOSPC : (int)put_length(&put);
}
