/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record that goes from the engine to whoever tells it on.
 *
 * It is self-contained: a copy of the flow with its word, so that all wording
 * is decided by the reader. Only the engine of the same build reads and writes
 * it; version guards a pinned ring against another build.
 */
#ifndef TCPSHAKE_EVENT_H
#define TCPSHAKE_EVENT_H

#include "flow.h"

#define EVENT_VERSION 1

enum event_kind {
	EVENT_OPEN,
	EVENT_HALF_OPEN,
	EVENT_CLOSE,
	EVENT_FLOOD,
	EVENT_SILENT,
	EVENT_LINGER,
	EVENT_PORTS,
	EVENT_LOSS, /* made by user space from the counters */
	EVENT_KINDS,
	EVENT_SUSPECT = EVENT_KINDS, /* not told: user space is to ask the socket table */
};

enum close_how {
	HOW_NONE,
	HOW_FIN,
	HOW_RESET,
	HOW_REFUSED,
	HOW_ABORTED,
	HOW_TIMEOUT,
	HOW_REPLACED,
	HOW_EVICTED,
	HOW_IDLE,
	HOW_END_OF_CAPTURE,
	HOW_END_OF_RUN,
	HOWS
};

enum waiting_for { WAITING_SYN_ACK, WAITING_ACK, WAITING_ACCEPT };
enum phase { PHASE_START, PHASE_UPDATE, PHASE_END };
enum scope { SCOPE_FLOW, SCOPE_PROCESS, SCOPE_PAIR };

/*
 * The meaning of detail, detail2, value and value2 by kind:
 *
 *              detail           detail2           value                  value2
 *   open       -                -                 SYN to SYN-ACK, ns     SYN-ACK to ACK, ns
 *                                                 (0: ambiguous, absent)
 *   half_open  enum waiting_for -                 -                      -
 *   close      enum close_how   proofs' accept    -                      -
 *                               suspicion: 1
 *   linger     enum phase       enum tcp_state    holder: end index      scope: enum scope
 *              for SCOPE_PAIR: value = holder end, count = TIME_WAITs of the pair
 *   suspect    enum watch       -                 slot                   -
 */
struct event {
	u16 version;
	u8 kind;    /* enum event_kind */
	u8 detail;
	u8 detail2;
	u8 zero[3];
	u32 ifindex; /* of the packet that made it; 0: a deadline made it, see flow places */
	u32 count;
	u64 time;   /* ns, the clock of struct segment: of the packet, or the deadline */
	u64 value, value2;
	u64 word;   /* proofs and flags of the flow, without its deadline */
	struct flow flow;
};

_Static_assert(sizeof(struct event) == 208, "");

#endif
