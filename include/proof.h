/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is proved of a connection, and the state that follows from it.
 *
 * A monitor stands in the middle. What it sees may be lost before it arrives,
 * may be a forgery that the receiver throws away, may come twice or out of
 * order; what it does not see may have happened all the same. A machine that
 * steps on every flag believes all of it. So there is no machine here. There
 * are seven facts for each end of a connection, each with the segment that
 * proves it, and the state is looked up from the facts:
 *
 *   S  it sent its SYN                  SYN, or SYN-ACK (whose ISN is a claim until acknowledged)
 *   A  its SYN was acknowledged         a segment of the peer with ack in [ISN+1, top] and a
 *                                       sequence number that this end could take; or a SYN-ACK
 *   K  it acknowledged the peer's SYN   the same segment, seen from its sender
 *   F  it sent its FIN                  FIN (its number is a claim until acknowledged)
 *   G  its FIN was acknowledged         a segment of the peer with ack = the FIN's end, exactly
 *   H  it acknowledged the peer's FIN   the same segment, seen from its sender
 *   Q  it sent its FIN before it had    a copy of its FIN whose own ack does not cover the
 *      the peer's                       peer's FIN
 *
 * Facts only join (but for a FIN that is disproved), so loss, repetition and
 * any order of arrival lead to the same set and hence to the same state.
 *
 * Who closed second is told by the numbers and not by the order of arrival:
 * P of an end = the peer has Q and it has not itself. A retransmitted FIN
 * carries a newer ack; since the smallest one counts, it changes nothing.
 *
 * The states are those of RFC 9293 section 3.3.2. CLOSED stands also for the
 * LISTEN of a server that has not answered.
 */
#ifndef TCPSHAKE_PROOF_H
#define TCPSHAKE_PROOF_H

#include "base.h"

enum proof {
	PROOF_Q = 0x01,
	PROOF_K = 0x02,
	PROOF_A = 0x04,
	PROOF_H = 0x08,
	PROOF_G = 0x10,
	PROOF_F = 0x20,
	PROOF_S = 0x40,
};

#define PROOF_BITS 7
#define PROOF_SETS (1u << PROOF_BITS)
#define PROOF_MASK (PROOF_SETS - 1)
#define PROOF_OPEN (PROOF_S | PROOF_A | PROOF_K)

enum tcp_state {
	STATE_CLOSED,
	STATE_SYN_SENT,
	STATE_SYN_RCVD,
	STATE_ESTABLISHED,
	STATE_FIN_WAIT_1,
	STATE_FIN_WAIT_2,
	STATE_CLOSE_WAIT,
	STATE_CLOSING,
	STATE_LAST_ACK,
	STATE_TIME_WAIT,
	TCP_STATES
};

#define X8(s) s, s, s, s, s, s, s, s
#define X64(s) X8(s), X8(s), X8(s), X8(s), X8(s), X8(s), X8(s), X8(s)

/*
 * Rows by S F G H, columns by A K P. P stands where the proofs keep Q: it is
 * worked out of both ends' Q (see state_index()).
 */
static const u8 state_table[PROOF_SETS] __attribute__((unused)) = {
	/* no SYN: whatever else is claimed of it, this end has not begun */
	X64(STATE_CLOSED),

	/* clang-format off */
	/* S F G H     -                   P                   K                   K P                 A                   A P                 A K                 A K P */
	/* 1 0 0 0 */ STATE_SYN_SENT,     STATE_SYN_SENT,     STATE_SYN_RCVD,     STATE_SYN_RCVD,     STATE_SYN_SENT,     STATE_SYN_SENT,     STATE_ESTABLISHED,  STATE_ESTABLISHED,
	/* 1 0 0 1 */ X8(STATE_CLOSE_WAIT),
	/* G without F does not occur: as if it were not there */
	/* 1 0 1 0 */ STATE_SYN_SENT,     STATE_SYN_SENT,     STATE_SYN_RCVD,     STATE_SYN_RCVD,     STATE_SYN_SENT,     STATE_SYN_SENT,     STATE_ESTABLISHED,  STATE_ESTABLISHED,
	/* 1 0 1 1 */ X8(STATE_CLOSE_WAIT),
	/* 1 1 0 0 */ X8(STATE_FIN_WAIT_1),
	/* its FIN is on the way and it has the peer's: CLOSING, or LAST_ACK when it closed second */
	/* 1 1 0 1 */ STATE_CLOSING,      STATE_LAST_ACK,     STATE_CLOSING,      STATE_LAST_ACK,     STATE_CLOSING,      STATE_LAST_ACK,     STATE_CLOSING,      STATE_LAST_ACK,
	/* 1 1 1 0 */ X8(STATE_FIN_WAIT_2),
	/* both FINs acknowledged: one who closed second is done, the other waits */
	/* 1 1 1 1 */ STATE_TIME_WAIT,    STATE_CLOSED,       STATE_TIME_WAIT,    STATE_CLOSED,       STATE_TIME_WAIT,    STATE_CLOSED,       STATE_TIME_WAIT,    STATE_CLOSED,
	/* clang-format on */
};

#undef X8
#undef X64

/* own, peer: proofs of an end and of the other one. Index with P in Q's place. */
INLINE u32 state_index(u32 own, u32 peer)
{
	u32 closed_second = !!(peer & PROOF_Q) & !(own & PROOF_Q);

	return (own & PROOF_MASK & ~PROOF_Q) | (closed_second ? PROOF_Q : 0);
}

INLINE enum tcp_state state_of(u32 own, u32 peer)
{
	u32 index = state_index(own, peer);

	HIDE(index);
	return state_table[index & PROOF_MASK];
}

/*
 * The sets that an end can have when nobody forges: nothing, S, SA, SK, SAK,
 * F, SF, SKF, SAF, SAKF, SAKFG, SAKH, SAKFH, SAKFGH (Q aside). Anything else
 * is counted as internal_error and never trapped.
 */
INLINE int proofs_possible(u32 set)
{
	switch (set & PROOF_MASK & ~PROOF_Q) {
	case 0:
	case PROOF_F:
	case PROOF_S:
	case PROOF_S | PROOF_A:
	case PROOF_S | PROOF_K:
	case PROOF_S | PROOF_F:
	case PROOF_S | PROOF_K | PROOF_F:
	case PROOF_S | PROOF_A | PROOF_F:
	case PROOF_OPEN:
	case PROOF_OPEN | PROOF_F:
	case PROOF_OPEN | PROOF_H:
	case PROOF_OPEN | PROOF_F | PROOF_G:
	case PROOF_OPEN | PROOF_F | PROOF_H:
	case PROOF_OPEN | PROOF_F | PROOF_G | PROOF_H:
		return 1;
	default:
		return 0;
	}
}

#endif
