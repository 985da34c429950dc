/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an event says, worked out of its record. Pure functions, shared by all
 * formats, so that text and JSON cannot disagree.
 */
#ifndef TCPSHAKE_FACTS_H
#define TCPSHAKE_FACTS_H

#include "report.h"

/* Also indexes names and keys of the two sides. */
enum side { SIDE_CLIENT, SIDE_SERVER, SIDE_BOTH, SIDE_NONE, SIDE_UNKNOWN, SIDES };

enum orientation { ORIENTATION_SYN, ORIENTATION_SYN_ACK, ORIENTATION_GUESS };
enum open_kind { OPEN_THREE_WAY, OPEN_SIMULTANEOUS, OPEN_FAST_OPEN, OPEN_SPLIT };
enum close_sequence { SEQUENCE_NONE, SEQUENCE_FOUR_WAY, SEQUENCE_THREE_WAY, SEQUENCE_SIMULTANEOUS };

/* Bits of what was not seen. */
enum inferred {
	INFERRED_SYN_ACK = 1,
	INFERRED_LAST_ACK = 2,
	INFERRED_RESET = 4,
	INFERRED_DIRECTION = 8,
};
#define INFERRED_BITS 4

/* Zeek's vocabulary, see facts_conn_state(). */
enum conn_state {
	CONN_S0, CONN_S1, CONN_SF, CONN_REJ, CONN_S2, CONN_S3, CONN_RSTO, CONN_RSTR,
	CONN_RSTOS0, CONN_RSTRH, CONN_SH, CONN_SHR, CONN_OTH, CONN_STATES
};

/* The index in the key of a side: SIDE_CLIENT or SIDE_SERVER. */
INLINE u32 facts_end(const struct event *event, enum side side)
{
	return flow_client(&event->flow) ^ (side == SIDE_SERVER);
}

INLINE const struct end *facts_of(const struct event *event, enum side side)
{
	return &event->flow.end[facts_end(event, side)];
}

enum orientation facts_orientation(const struct event *event);
enum side facts_local(const struct event *event); /* SIDE_UNKNOWN: no end is known to be local */
u32 facts_inferred(const struct event *event);	  /* bits of enum inferred */
enum tcp_state facts_state(const struct event *event, enum side side);

/*
 * Number of the interface of the packet, or for a deadline of the client's
 * place, which keeps it modulo 2^15; 0: not known.
 */
u32 facts_ifindex(const struct event *event);

enum open_kind facts_open_kind(const struct event *event);
int facts_isn_known(const struct event *event, enum side side);
int facts_syn_seen(const struct event *event, enum side side); /* its SYN or SYN-ACK: its offers hold */

enum close_sequence facts_sequence(const struct event *event); /* SEQUENCE_NONE unless closed by FIN */
enum side facts_closed_by(const struct event *event);	       /* SIDE_UNKNOWN: nobody, or not known */
enum side facts_time_wait(const struct event *event);	       /* SIDE_UNKNOWN unless closed by FIN */
enum conn_state facts_conn_state(const struct event *event);

/* ns since the first segment; never negative. */
u64 facts_duration(const struct event *event);

/* Returns 1 and sets *ns, or 0 when it is not known. */
int facts_half_closed(const struct event *event, u64 *ns);

/* An event about a process, or about no connection at all, may have no flow. */
int facts_has_flow(const struct event *event);

/* A linger event, its report (NULL: none) included. UNKNOWN where nothing is. */
struct linger_facts {
	enum scope scope;
	enum side holder;
	u64 age_ns; /* of the oldest */
	u64 count, per_minute;
};

struct linger_facts facts_linger(const struct event *event, const struct linger_report *report);

/*
 * Bytes that a side sent between its SYN and its FIN. The record has sequence
 * numbers only, so they are exact while the connection was too short for them
 * to wrap, at 100 Gbit/s, and modulo 2^32 beyond.
 */
enum bytes_kind { BYTES_UNKNOWN, BYTES_EXACT, BYTES_MOD32 };
enum bytes_kind facts_bytes(const struct event *event, enum side side, u32 *bytes);

#endif
