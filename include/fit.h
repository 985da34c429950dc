/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of several flows with the same key a segment belongs to.
 *
 * One pair of endpoints can have a settled connection, a handshake that was
 * begun beside it, and tombstones. A segment goes to the one whose numbers it
 * proves; only when there is none, to a handshake that merely has its key.
 */
#ifndef TCPSHAKE_FIT_H
#define TCPSHAKE_FIT_H

#include "flow.h"
#include "event.h"

/* NEAR: its sender's numbers fit, and nothing of the receiver is known to speak against it. */
enum fit { FIT_NONE, FIT_KEY, FIT_NEAR, FIT_NUMBERS };

INLINE int is_plain_syn(const struct segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

INLINE int is_syn_ack(const struct segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* seq is one that `receiver`, with the window scale it offered, may take from a sender with this ISN. */
INLINE int seq_takeable(u32 seq, u32 sender_isn, const struct end *receiver)
{
	return seq - (sender_isn + 1) <= TCP_WINDOW_UNIT << (receiver->wscale & 15);
}

INLINE int syn_known(const struct end *end, u32 proofs, u32 seq)
{
	return (proofs & PROOF_S) && (seq == end->isn || ((end->flags & END_HAS_ALT) && seq == end->isn_alt));
}

/* ack acknowledges the SYN of `end`, and nothing that it has not sent. */
INLINE int acks_syn(const struct end *end, u32 proofs, u32 ack)
{
	return (proofs & PROOF_S) && (seq_within(ack, end->isn + 1, end->top) ||
				      ((end->flags & END_HAS_ALT) && ack == end->isn_alt + 1));
}

/*
 * A RST in a handshake is believed when every number is its sender's own: from
 * an end that sent no SYN, an ACK of what the peer has sent; from one that did,
 * the sequence number that comes next. A client's RST with a foreign number
 * answers a stale peer's challenge ACK, and the same SYN may still open
 * (RFC 9293 section 3.5.1, RFC 5961 section 4).
 */
INLINE int rst_proved(const struct segment *seg, const struct end *own, u32 own_proofs,
		      const struct end *peer, u32 peer_proofs)
{
	/* a SYN-ACK that answers nothing is a claim: by its number a stale peer would end what is new */
	int claim = own->synack && !(own_proofs & PROOF_K) && !(own->flags & END_SENT_PLAIN_SYN);

	if ((own_proofs & PROOF_S) && !claim)
		return seg->seq == own->top;
	return (seg->flags & TCP_ACK) && (peer_proofs & PROOF_S) &&
	       seq_within(seg->ack, peer->isn + 1, peer->top);
}

INLINE enum fit fit_plain(const struct segment *seg, const struct end *own, u32 own_proofs,
			  const struct end *peer, u32 peer_proofs)
{
	int ack = !!(seg->flags & TCP_ACK);

	if (ack && (peer_proofs & PROOF_F) && seg->ack == peer->fin)
		return FIT_NUMBERS;
	if ((own_proofs & PROOF_F) && (seg->flags & TCP_FIN) && segment_end(seg) == own->fin)
		return FIT_NUMBERS;
	if (ack && acks_syn(peer, peer_proofs, seg->ack))
		return FIT_NUMBERS;
	/* its own number is enough: what it acknowledges may pass here later, or not at all */
	if ((own_proofs & PROOF_S) && seq_takeable(seg->seq, own->isn, peer))
		return FIT_NEAR;
	return FIT_KEY;
}

INLINE enum fit fit_pending(const struct segment *seg, const struct flow *flow, u64 word)
{
	u32 e = seg->sender & 1, p = PEER_OF(e);
	const struct end *own = &flow->end[e], *peer = &flow->end[p];
	u32 own_proofs = word_proofs(word, e), peer_proofs = word_proofs(word, p);

	if (is_plain_syn(seg)) {
		if (syn_known(own, own_proofs, seg->seq))
			return FIT_NUMBERS;
		/* its SYN-ACK was seen before it, and took its data too (RFC 7413) */
		if ((word & WORD_ADOPTION) && (own_proofs & PROOF_S) && segment_end(seg) == own->top)
			return FIT_NUMBERS;
		/* the other half of a simultaneous or split open */
		return !(word & WORD_TOMB) && !(own_proofs & PROOF_S) && (peer_proofs & PROOF_S)
			       ? FIT_NUMBERS : FIT_NONE;
	}
	if (is_syn_ack(seg)) {
		if (acks_syn(peer, peer_proofs, seg->ack))
			return FIT_NUMBERS;
		if (word & WORD_TOMB)
			return syn_known(own, own_proofs, seg->seq) ? FIT_NUMBERS : FIT_NONE;
		return (own_proofs | peer_proofs) & PROOF_S ? FIT_KEY : FIT_NONE;
	}
	if (word & WORD_TOMB)
		return seg->flags & TCP_CONTROL ? FIT_KEY : FIT_NONE;
	if (seg->flags & TCP_RST)
		return rst_proved(seg, own, own_proofs, peer, peer_proofs) ? FIT_NUMBERS : FIT_KEY;
	return fit_plain(seg, own, own_proofs, peer, peer_proofs);
}

INLINE enum fit fit_connection(const struct segment *seg, const struct flow *flow, u64 word)
{
	u32 e = seg->sender & 1;

	/* a number kept in isn_alt is no claim any more */
	if (seg->flags & TCP_SYN) {
		if (flow->end[e].flags & END_HAS_ISN)
			return seg->seq == flow->end[e].isn ? FIT_NUMBERS : FIT_NONE;
		/* its SYN-ACK, seen after all: the open was inferred without it */
		return is_syn_ack(seg) && (flow->end[PEER_OF(e)].flags & END_HAS_ISN) &&
		       seg->ack == flow->end[PEER_OF(e)].isn + 1 ? FIT_NUMBERS : FIT_NONE;
	}
	/* what a live one of the same pair may claim as well is not its predecessor's */
	if (word & WORD_TOMB)
		return seg->flags & TCP_CONTROL ? FIT_KEY : FIT_NONE;
	return FIT_NUMBERS;
}

#endif
