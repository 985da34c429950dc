/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"

static u32 proofs_of(const struct event *event, enum side side)
{
	return word_proofs(event->word, facts_end(event, side));
}

static enum side side_of_end(const struct event *event, u32 end)
{
	return end == facts_end(event, SIDE_CLIENT) ? SIDE_CLIENT : SIDE_SERVER;
}

static enum side sides(int client, int server, enum side neither)
{
	if (client && server)
		return SIDE_BOTH;
	return client ? SIDE_CLIENT : server ? SIDE_SERVER : neither;
}

enum orientation facts_orientation(const struct event *event)
{
	if (event->flow.flags & FLOW_BY_GUESS)
		return ORIENTATION_GUESS;
	return event->flow.flags & FLOW_BY_SYNACK ? ORIENTATION_SYN_ACK : ORIENTATION_SYN;
}

enum side facts_local(const struct event *event)
{
	return sides(facts_of(event, SIDE_CLIENT)->flags & END_LOCAL,
		     facts_of(event, SIDE_SERVER)->flags & END_LOCAL, SIDE_UNKNOWN);
}

u32 facts_inferred(const struct event *event)
{
	u16 flags = event->flow.flags;

	return (flags & FLOW_NO_SYNACK ? INFERRED_SYN_ACK : 0) |
	       (flags & FLOW_NO_LAST_ACK ? INFERRED_LAST_ACK : 0) |
	       (flags & FLOW_RESET_INFERRED ? INFERRED_RESET : 0) |
	       (flags & FLOW_ONE_SIDED ? INFERRED_DIRECTION : 0);
}

/*
 * A SYN-ACK repeated after its ACK says that the server has thrown the ACK away:
 * it is still in SYN_RCVD, whatever is proved of the numbers.
 */
enum tcp_state facts_state(const struct event *event, enum side side)
{
	u32 end = facts_end(event, side);

	if (side == SIDE_SERVER && word_watch(event->word) == WATCH_ACCEPT)
		return STATE_SYN_RCVD;
	return state_of(word_proofs(event->word, end), word_proofs(event->word, PEER_OF(end)));
}

static u32 ifindex_of_place(u16 place)
{
	return place >> 1;
}

u32 facts_ifindex(const struct event *event)
{
	const struct end *client = facts_of(event, SIDE_CLIENT), *server = facts_of(event, SIDE_SERVER);

	if (event->ifindex)
		return event->ifindex;
	if (client->syn_place)
		return ifindex_of_place(client->syn_place);
	if (client->fin_place)
		return ifindex_of_place(client->fin_place);
	return ifindex_of_place(server->syn_place ? server->syn_place : server->fin_place);
}

/*
 * Both ends may have sent a SYN of their own. If both answered the other's with
 * a SYN-ACK they opened simultaneously (RFC 9293 section 3.5); if only the
 * client did, the server answered a SYN with a SYN: a split handshake.
 */
enum open_kind facts_open_kind(const struct event *event)
{
	const struct end *client = facts_of(event, SIDE_CLIENT), *server = facts_of(event, SIDE_SERVER);

	if ((client->flags & server->flags & END_SENT_PLAIN_SYN) && client->synack)
		return server->synack ? OPEN_SIMULTANEOUS : OPEN_SPLIT;
	return event->flow.flags & FLOW_FAST_OPEN ? OPEN_FAST_OPEN : OPEN_THREE_WAY;
}

int facts_isn_known(const struct event *event, enum side side)
{
	return (facts_of(event, side)->flags & END_HAS_ISN) && (proofs_of(event, side) & PROOF_S);
}

int facts_syn_seen(const struct event *event, enum side side)
{
	const struct end *end = facts_of(event, side);

	return end->syn || end->synack;
}

/* On a one-sided view only one end's FIN may ever be seen; the other's is not known to have followed. */
static enum side lone_fin(const struct event *event)
{
	u32 client = proofs_of(event, SIDE_CLIENT) & PROOF_F, server = proofs_of(event, SIDE_SERVER) & PROOF_F;

	if (!client == !server)
		return SIDE_UNKNOWN;
	return client ? SIDE_CLIENT : SIDE_SERVER;
}

enum close_sequence facts_sequence(const struct event *event)
{
	enum side first = facts_closed_by(event);

	if (event->flow.how != HOW_FIN)
		return SEQUENCE_NONE;
	if (lone_fin(event) != SIDE_UNKNOWN)
		return SEQUENCE_NONE;
	if (first == SIDE_BOTH)
		return SEQUENCE_SIMULTANEOUS;
	return facts_of(event, first)->flags & END_FIN_ACKED_PLAIN ? SEQUENCE_FOUR_WAY : SEQUENCE_THREE_WAY;
}

/* Who has Q sent its FIN before it had the other's; if both or neither, neither was first. */
static enum side first_closer(const struct event *event)
{
	u32 client = proofs_of(event, SIDE_CLIENT) & PROOF_Q, server = proofs_of(event, SIDE_SERVER) & PROOF_Q;

	return client == server ? SIDE_BOTH : client ? SIDE_CLIENT : SIDE_SERVER;
}

enum side facts_closed_by(const struct event *event)
{
	switch (event->flow.how) {
	case HOW_FIN:
		return lone_fin(event) != SIDE_UNKNOWN ? lone_fin(event) : first_closer(event);
	case HOW_RESET:
	case HOW_REFUSED:
	case HOW_ABORTED:
		return side_of_end(event, !!(event->flow.flags & FLOW_RST_BY_1));
	default:
		return SIDE_UNKNOWN;
	}
}

/* Who closed first stays in TIME_WAIT: by the numbers, even when the last ACK was not seen. */
enum side facts_time_wait(const struct event *event)
{
	return event->flow.how == HOW_FIN ? facts_closed_by(event) : SIDE_UNKNOWN;
}

static u64 since(u64 then, u64 now)
{
	return now > then ? now - then : 0;
}

u64 facts_duration(const struct event *event)
{
	return since(event->flow.first_ns, event->time);
}

int facts_half_closed(const struct event *event, u64 *ns)
{
	const u32 closed = PROOF_F | PROOF_G;
	u32 client = proofs_of(event, SIDE_CLIENT), server = proofs_of(event, SIDE_SERVER);

	if (!(event->flow.flags & FLOW_OPENED) || !event->flow.mark_ns ||
	    ((client & closed) != closed && (server & closed) != closed))
		return 0;
	*ns = since(event->flow.mark_ns, event->time);
	return 1;
}

int facts_has_flow(const struct event *event)
{
	const struct key *key = &event->flow.key;

	return key->addr[0].word[1] || key->addr[1].word[1] || key->port[0] || key->port[1];
}

/* A flow's own mark is its first FIN, or its ACK, or in TIME_WAIT the close; a pair has none. */
struct linger_facts facts_linger(const struct event *event, const struct linger_report *report)
{
	struct linger_facts linger = {
		.scope = (enum scope)event->value2,
		.holder = side_of_end(event, !!event->value),
		.age_ns = UNKNOWN,
		.count = UNKNOWN,
		.per_minute = UNKNOWN,
	};

	if (linger.scope == SCOPE_FLOW && event->flow.mark_ns)
		linger.age_ns = since(event->flow.mark_ns, event->time);
	if (linger.scope != SCOPE_FLOW)
		linger.count = event->count;
	if (report && report->age_ns != UNKNOWN)
		linger.age_ns = report->age_ns;
	if (report && report->count != UNKNOWN)
		linger.count = report->count;
	if (report)
		linger.per_minute = report->per_minute;
	return linger;
}

/* The time in which 100 Gbit/s make 4 GiB: shorter connections cannot have wrapped. */
#define WRAP_NS ((1ULL << 32) * 8 / 100)

enum bytes_kind facts_bytes(const struct event *event, enum side side, u32 *bytes)
{
	const struct end *end = facts_of(event, side);
	u32 proofs = proofs_of(event, side);

	if (!facts_isn_known(event, side) || !(proofs & PROOF_F))
		return BYTES_UNKNOWN;
	/* never acknowledged: a claim, unless the close rests on it */
	if (!(proofs & PROOF_G) && event->flow.how != HOW_FIN)
		return BYTES_UNKNOWN;
	*bytes = end->fin - end->isn - 2; /* SYN and FIN take a number each */
	if ((event->flow.flags & FLOW_OPENED) && facts_duration(event) < WRAP_NS)
		return BYTES_EXACT;
	return BYTES_MOD32;
}

/*
 * Zeek's conn_state, from what the documents of its connection log say of each.
 * Its "established" asks for SYN and SYN-ACK, not for the third ACK; an end is
 * active once it was seen to take part in the handshake.
 */
struct activity {
	int client_syn, client, server;
};

static struct activity activity_of(const struct event *event)
{
	const struct end *client = facts_of(event, SIDE_CLIENT), *server = facts_of(event, SIDE_SERVER);
	int opened = !!(event->flow.flags & FLOW_OPENED);

	return (struct activity){
		.client_syn = client->syn,
		.client = opened || client->syn || (server->synack && (proofs_of(event, SIDE_CLIENT) & PROOF_K)),
		.server = opened || server->syn || server->synack,
	};
}

static enum conn_state reset_state(struct activity active, enum side by)
{
	if (by == SIDE_SERVER) {
		if (!active.client)
			return CONN_RSTRH;
		return active.server ? CONN_RSTR : CONN_REJ;
	}
	if (active.server)
		return CONN_RSTO;
	return active.client_syn ? CONN_RSTOS0 : CONN_OTH;
}

enum conn_state facts_conn_state(const struct event *event)
{
	struct activity active = activity_of(event);
	int client_fin = !!(proofs_of(event, SIDE_CLIENT) & PROOF_F);
	int server_fin = !!(proofs_of(event, SIDE_SERVER) & PROOF_F);
	enum side by = facts_closed_by(event);

	if (by != SIDE_UNKNOWN && event->flow.how != HOW_FIN)
		return reset_state(active, by);
	if (client_fin && server_fin)
		return CONN_SF;
	if (client_fin)
		return active.server ? CONN_S2 : CONN_SH;
	if (server_fin)
		return active.client ? CONN_S3 : CONN_SHR;
	if (active.client && active.server)
		return CONN_S1;
	return active.client_syn ? CONN_S0 : CONN_OTH;
}
