/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON Lines, schema 1. Fields come in the contract's order; what is unknown is
 * left out. Keys are literals whose length the compiler knows, numbers are
 * written by hand: nothing here allocates or reads a format.
 */
#include "json.h"

#include <errno.h>

#include "escape.h"
#include "names.h"

#define KEY(put, name) PUT(put, ",\"" name "\":")

#define FIELD_U64(put, name, value) \
	do { \
		KEY(put, name); \
		put_u64(put, value); \
	} while (0)

#define FIELD_KNOWN(put, name, value) \
	do { \
		if ((value) != UNKNOWN) \
			FIELD_U64(put, name, value); \
	} while (0)

/* value: a word of ours, with nothing to escape in it. */
#define FIELD_WORD(put, name, value) \
	do { \
		PUT(put, ",\"" name "\":\""); \
		put_str(put, value); \
		put_char(put, '"'); \
	} while (0)

#define FIELD_ADDRESS(put, name, address) \
	do { \
		PUT(put, ",\"" name "\":\""); \
		put_address(put, address); \
		put_char(put, '"'); \
	} while (0)

/* client_name or server_name */
#define SIDE_KEY(put, side, name) \
	do { \
		if ((side) == SIDE_CLIENT) \
			PUT(put, ",\"client_" name "\":"); \
		else \
			PUT(put, ",\"server_" name "\":"); \
	} while (0)

#define SIDE_U64(put, side, name, value) \
	do { \
		SIDE_KEY(put, side, name); \
		put_u64(put, value); \
	} while (0)

static void put_bool(struct put *put, int value)
{
	if (value)
		PUT(put, "true");
	else
		PUT(put, "false");
}

static void field_string(struct put *put, const char *key, const char *bytes, size_t n)
{
	put_str(put, key);
	put_json_string(put, bytes, n);
}

static void put_head(struct put *put, const struct event *event, struct line_context *context)
{
	u32 ifindex = facts_ifindex(event);
	const char *iface = NULL;

	if (ifindex && context->iface_name)
		iface = context->iface_name(ifindex, context->iface_arg);
	PUT(put, "{\"schema\":1,\"seq\":");
	_Static_assert(JSON_SCHEMA == 1, "the line above says so too");
	put_u64(put, context->seq);
	FIELD_WORD(put, "event", event_name(event->kind));
	PUT(put, ",\"time\":\"");
	put_time_utc(put, context->clock, event->time);
	put_char(put, '"');
	if (iface)
		field_string(put, ",\"iface\":", iface, strnlen(iface, 256));
}

static void put_inferred(struct put *put, u32 inferred)
{
	char before = '[';

	if (!inferred)
		return;
	KEY(put, "inferred");
	for (u32 bit = 0; bit < INFERRED_BITS; bit++) {
		if (!(inferred & 1u << bit))
			continue;
		put_char(put, before);
		put_char(put, '"');
		put_str(put, inferred_name(bit));
		put_char(put, '"');
		before = ',';
	}
	put_char(put, ']');
}

/* with_client_port: not for a pair, whose connections differ in just that. */
static void put_connection(struct put *put, const struct event *event, int with_client_port)
{
	const struct key *key = &event->flow.key;
	u32 client = facts_end(event, SIDE_CLIENT), server = PEER_OF(client);
	enum side local = facts_local(event);

	FIELD_ADDRESS(put, "client_ip", &key->addr[client]);
	if (with_client_port)
		FIELD_U64(put, "client_port", key->port[client]);
	FIELD_ADDRESS(put, "server_ip", &key->addr[server]);
	FIELD_U64(put, "server_port", key->port[server]);
	if (local != SIDE_UNKNOWN)
		FIELD_WORD(put, "local", side_name(local));
	if (event->flow.flags & FLOW_ADOPTED)
		PUT(put, ",\"adopted\":true");
	put_inferred(put, facts_inferred(event));
	if (facts_orientation(event) != ORIENTATION_SYN)
		FIELD_WORD(put, "orientation", orientation_name(facts_orientation(event)));
}

static void put_offers(struct put *put, const struct event *event, enum side side)
{
	const struct end *end = facts_of(event, side);

	if (!facts_syn_seen(event, side))
		return;
	if (end->offers & OFFER_MSS)
		SIDE_U64(put, side, "mss", end->mss);
	if (end->offers & OFFER_WSCALE)
		SIDE_U64(put, side, "wscale", end->wscale);
	SIDE_KEY(put, side, "sack");
	put_bool(put, end->offers & OFFER_SACK);
	SIDE_KEY(put, side, "timestamps");
	put_bool(put, end->offers & OFFER_TIMESTAMPS);
	SIDE_KEY(put, side, "ecn");
	put_bool(put, end->offers & OFFER_ECN);
}

static void put_attempts(struct put *put, const struct event *event)
{
	FIELD_U64(put, "client_syn", facts_of(event, SIDE_CLIENT)->syn);
	FIELD_U64(put, "server_synack", facts_of(event, SIDE_SERVER)->synack);
}

static void put_open(struct put *put, const struct event *event)
{
	put_connection(put, event, 1);
	FIELD_WORD(put, "kind", open_kind_name(facts_open_kind(event)));
	for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
		if (facts_isn_known(event, side))
			SIDE_U64(put, side, "isn", facts_of(event, side)->isn);
	}
	FIELD_U64(put, "open_ns", facts_duration(event));
	if (event->value)
		FIELD_U64(put, "syn_synack_ns", event->value);
	if (event->value2)
		FIELD_U64(put, "synack_ack_ns", event->value2);
	put_attempts(put, event);
	put_offers(put, event, SIDE_CLIENT);
	put_offers(put, event, SIDE_SERVER);
}

static void put_half_open(struct put *put, const struct event *event)
{
	put_connection(put, event, 1);
	FIELD_WORD(put, "waiting_for", waiting_name(event->detail));
	FIELD_U64(put, "age_ns", facts_duration(event));
	put_attempts(put, event);
}

static void put_transferred(struct put *put, const struct event *event, enum side side)
{
	u32 bytes;

	switch (facts_bytes(event, side, &bytes)) {
	case BYTES_EXACT:
		SIDE_U64(put, side, "bytes", bytes);
		break;
	case BYTES_MOD32:
		SIDE_U64(put, side, "bytes_mod32", bytes);
		break;
	case BYTES_UNKNOWN:
		break;
	}
}

static void put_close_counts(struct put *put, const struct event *event)
{
	const struct end *client = facts_of(event, SIDE_CLIENT), *server = facts_of(event, SIDE_SERVER);

	FIELD_U64(put, "client_syn", client->syn);
	FIELD_U64(put, "server_syn", server->syn);
	FIELD_U64(put, "client_synack", client->synack);
	FIELD_U64(put, "server_synack", server->synack);
	FIELD_U64(put, "client_fin", client->fin_count);
	FIELD_U64(put, "server_fin", server->fin_count);
	FIELD_U64(put, "client_rst", client->rst);
	FIELD_U64(put, "server_rst", server->rst);
	FIELD_U64(put, "duplicates", event->flow.duplicates);
	FIELD_U64(put, "challenge_acks", event->flow.challenge_acks);
	FIELD_U64(put, "disproved", event->flow.disproved);
}

static void put_close(struct put *put, const struct event *event)
{
	enum close_sequence sequence = facts_sequence(event);
	enum side by = facts_closed_by(event), time_wait = facts_time_wait(event);
	u64 half_closed;

	put_connection(put, event, 1);
	FIELD_WORD(put, "how", how_name(event->flow.how));
	if (by != SIDE_UNKNOWN)
		FIELD_WORD(put, "by", side_name(by));
	if (sequence != SEQUENCE_NONE)
		FIELD_WORD(put, "sequence", sequence_name(sequence));
	KEY(put, "opened");
	put_bool(put, event->flow.flags & FLOW_OPENED);
	FIELD_WORD(put, "client_state", state_name(facts_state(event, SIDE_CLIENT)));
	FIELD_WORD(put, "server_state", state_name(facts_state(event, SIDE_SERVER)));
	if (time_wait != SIDE_UNKNOWN)
		FIELD_WORD(put, "time_wait", side_name(time_wait));
	FIELD_U64(put, "duration_ns", facts_duration(event));
	if (facts_half_closed(event, &half_closed))
		FIELD_U64(put, "half_closed_ns", half_closed);
	put_transferred(put, event, SIDE_CLIENT);
	put_transferred(put, event, SIDE_SERVER);
	put_close_counts(put, event);
	FIELD_WORD(put, "conn_state", conn_state_name(facts_conn_state(event)));
}

static void put_owner(struct put *put, const struct owner_report *owner)
{
	if (owner->missing != OWNER_KNOWN) {
		FIELD_WORD(put, "owner_missing", owner_missing_name(owner->missing));
		return;
	}
	FIELD_U64(put, "pid", owner->pid);
	field_string(put, ",\"comm\":", owner->comm, strnlen(owner->comm, sizeof(owner->comm)));
	if (owner->cgroup[0])
		field_string(put, ",\"cgroup\":", owner->cgroup, strnlen(owner->cgroup, sizeof(owner->cgroup)));
	FIELD_KNOWN(put, "uid", owner->uid);
	FIELD_KNOWN(put, "unread_bytes", owner->unread_bytes);
}

static void put_linger(struct put *put, const struct event *event, const struct report *report)
{
	const struct linger_facts linger = facts_linger(event, report ? report->linger : NULL);

	if (facts_has_flow(event))
		put_connection(put, event, linger.scope == SCOPE_FLOW);
	FIELD_WORD(put, "phase", phase_name(event->detail));
	FIELD_WORD(put, "scope", scope_name(linger.scope));
	FIELD_WORD(put, "state", state_name(event->detail2));
	FIELD_WORD(put, "holder", side_name(linger.holder));
	FIELD_KNOWN(put, "age_ns", linger.age_ns);
	FIELD_KNOWN(put, "count", linger.count);
	FIELD_KNOWN(put, "per_minute", linger.per_minute);
	if (report && report->owner)
		put_owner(put, report->owner);
}

static void put_top_sources(struct put *put, const struct flood_report *flood)
{
	KEY(put, "top_sources");
	put_char(put, '[');
	for (u32 i = 0; i < flood->tops && i < TOP_SOURCES; i++) {
		if (i)
			put_char(put, ',');
		PUT(put, "{\"prefix\":\"");
		put_address(put, &flood->top[i].addr);
		put_char(put, '/');
		put_u64(put, flood->top[i].prefix);
		PUT(put, "\",\"share\":");
		put_ratio(put, flood->top[i].share);
		put_char(put, '}');
	}
	put_char(put, ']');
}

static void put_flood_evidence(struct put *put, const struct flood_report *flood)
{
	FIELD_KNOWN(put, "half_open", flood->half_open);
	FIELD_KNOWN(put, "sources", flood->sources);
	if (flood->tops)
		put_top_sources(put, flood);
	FIELD_KNOWN(put, "duration_ns", flood->duration_ns);
	FIELD_KNOWN(put, "cookies_sent", flood->cookies_sent);
	FIELD_KNOWN(put, "cookies_failed", flood->cookies_failed);
	FIELD_KNOWN(put, "listen_overflows", flood->listen_overflows);
}

static void put_flood(struct put *put, const struct flood_report *flood)
{
	FIELD_WORD(put, "phase", phase_name(flood->phase));
	FIELD_ADDRESS(put, "server_ip", &flood->addr);
	if (flood->port)
		FIELD_U64(put, "server_port", flood->port);
	if (flood->prefix != WHOLE_ADDRESS)
		FIELD_U64(put, "server_prefix", flood->prefix);
	FIELD_WORD(put, "verdict", verdict_name(flood->verdict));
	FIELD_KNOWN(put, "syn_rate", flood->syn_rate);
	FIELD_KNOWN(put, "usual_rate", flood->usual_rate);
	FIELD_KNOWN(put, "peak_syn_rate", flood->peak_syn_rate);
	FIELD_KNOWN(put, "syn_total", flood->syn_total);
	if (flood->completion_ratio != UNKNOWN) {
		KEY(put, "completion_ratio");
		put_ratio(put, flood->completion_ratio);
	}
	put_flood_evidence(put, flood);
}

static void put_silent(struct put *put, const struct silent_report *silent)
{
	FIELD_WORD(put, "phase", phase_name(silent->phase));
	FIELD_ADDRESS(put, "server_ip", &silent->addr);
	FIELD_U64(put, "server_port", silent->port);
	FIELD_WORD(put, "kind", silent_kind_name(silent->kind));
	FIELD_KNOWN(put, "syn_rate", silent->syn_rate);
	FIELD_KNOWN(put, "duration_ns", silent->duration_ns);
}

static void put_ports(struct put *put, const struct ports_report *ports)
{
	FIELD_WORD(put, "phase", phase_name(ports->phase));
	FIELD_ADDRESS(put, "local_ip", &ports->local);
	FIELD_ADDRESS(put, "peer_ip", &ports->peer);
	FIELD_U64(put, "peer_port", ports->peer_port);
	FIELD_KNOWN(put, "in_use", ports->in_use);
	FIELD_KNOWN(put, "time_wait", ports->time_wait);
	FIELD_KNOWN(put, "range", ports->range);
	FIELD_KNOWN(put, "headroom", ports->headroom);
	FIELD_KNOWN(put, "exhausted_in_ns", ports->exhausted_in_ns);
}

static void put_body(struct put *put, const struct event *event, const struct report *report)
{
	switch ((enum event_kind)event->kind) {
	case EVENT_OPEN:
		put_open(put, event);
		break;
	case EVENT_HALF_OPEN:
		put_half_open(put, event);
		break;
	case EVENT_CLOSE:
		put_close(put, event);
		break;
	case EVENT_LINGER:
		put_linger(put, event, report);
		break;
	case EVENT_FLOOD:
		if (report && report->flood)
			put_flood(put, report->flood);
		break;
	case EVENT_SILENT:
		if (report && report->silent)
			put_silent(put, report->silent);
		break;
	case EVENT_PORTS:
		if (report && report->ports)
			put_ports(put, report->ports);
		break;
	case EVENT_LOSS:
		FIELD_WORD(put, "what", loss_name(event->detail));
		FIELD_U64(put, "count", event->count);
		break;
	case EVENT_SUSPECT:
		break;
	}
}

int json_event(const struct event *event, struct line_context *context, char *buffer, size_t size)
{
	struct put put = put_into(buffer, size);

	put_head(&put, event, context);
	put_body(&put, event, context->report);
	PUT(&put, "}\n");
	return put.overflow ? -ENOSPC : (int)put_length(&put);
}
