/* SPDX-License-Identifier: GPL-2.0-only */
/* A segment at a flow that is not proved yet: handshake, stray SYN-ACK, stray FIN. */
#ifndef TCPSHAKE_PENDING_H
#define TCPSHAKE_PENDING_H

#include "bury.h"
#include "step.h"

INLINE void take_offers(struct step *s)
{
	s->own->offers = s->seg->offers;
	if (s->seg->offers & OFFER_MSS)
		s->own->mss = s->seg->mss;
	s->own->wscale = s->seg->offers & OFFER_WSCALE ? s->seg->wscale : 0;
}

/* S: a SYN or SYN-ACK of an end that had sent none. What came before it is joined. */
INLINE void first_syn(struct step *s)
{
	u32 early = s->own->isn_alt, early_end = s->own->top;

	s->own->isn = s->seg->seq;
	s->own->top = segment_end(s->seg);
	if ((s->own->flags & END_EARLY) && !seq_after(early, s->own->top) && seq_after(early, s->own->isn) &&
	    seq_after(early_end, s->own->top))
		s->own->top = early_end;
	s->own->flags &= ~END_EARLY;
	s->own->flags |= END_HAS_ISN;
	take_offers(s);
	prove_own(s, PROOF_S);
}

/* A SYN-ACK with another ISN: until one is acknowledged, the last two count. */
INLINE void other_claim(struct step *s)
{
	if (own_proofs(s) & PROOF_A)
		return;
	s->own->isn_alt = s->own->isn;
	s->own->isn = s->seg->seq;
	s->own->top = segment_end(s->seg);
	s->own->flags |= END_HAS_ALT;
	take_offers(s);
}

INLINE void take_syn(struct step *s)
{
	int first = !(own_proofs(s) & PROOF_S);
	u8 *count = has_ack(s) ? &s->own->synack : &s->own->syn;

	if (first)
		first_syn(s);
	else if (s->seg->seq != s->own->isn)
		other_claim(s);
	else
		note_top(s); /* a repeat may carry data that the first did not */
	if (!has_ack(s))
		s->own->flags |= END_SENT_PLAIN_SYN;
	if (!first && *count && s->own->syn_place == s->seg->place) {
		if (has_ack(s))
			COUNT(s->tally, synack_repeated);
		else
			COUNT(s->tally, syn_repeated);
		if (!has_ack(s) && !(s->word & WORD_ADOPTION))
			service_count(s->tally, s->flow, SERVICE_SYN_REPEATED);
	}
	sighted(s, &s->own->syn_place, count);
}

/* A SYN-ACK whose SYN was not seen tells the client's ISN: its ack less one. */
INLINE void infer_client_syn(struct step *s)
{
	s->peer->isn = s->seg->ack - 1;
	s->peer->top = s->seg->ack;
	s->peer->flags |= END_HAS_ISN;
	prove_peer(s, PROOF_S);
}

/* A and K by this segment: it acknowledges the peer's SYN and its own number can be taken. */
INLINE void prove_syn_acked(struct step *s)
{
	u32 ack = s->seg->ack;
	int synack = s->seg->flags & TCP_SYN;

	if (!has_ack(s) || !acks_syn(s->peer, peer_proofs(s), ack))
		return;
	if ((peer_proofs(s) & PROOF_A) && (own_proofs(s) & PROOF_K))
		return;
	if (!(own_proofs(s) & PROOF_S))
		return;
	if (synack ? s->seg->seq != s->own->isn : !seq_takeable(s->seg->seq, s->own->isn, s->peer))
		return;
	/* a candidate has shown too little for a range: exactly the next numbers, or nothing */
	if ((s->word & WORD_ADOPTION) && !synack && (ack != s->peer->isn + 1 || s->seg->seq != s->own->isn + 1))
		return;
	if (!seq_within(ack, s->peer->isn + 1, s->peer->top)) {
		s->peer->isn = s->peer->isn_alt;
		s->peer->top = s->peer->isn + 1;
	}
	if (synack && seq_after(ack, s->peer->isn + 1))
		s->flow->flags |= FLOW_FAST_OPEN;
	prove_own(s, PROOF_K);
	prove_peer(s, PROOF_A);
}

/* After a SYN or SYN-ACK: what was acknowledged before it passed here counts now. */
INLINE void recheck_acks(struct step *s)
{
	u32 own = own_proofs(s), peer = peer_proofs(s);

	if (!(own & peer & PROOF_S) || (s->word & WORD_ADOPTION))
		return;
	if ((s->peer->flags & END_HAS_ACK) && seq_within(s->peer->ack, s->own->isn + 1, s->own->top)) {
		prove_peer(s, PROOF_K);
		prove_own(s, PROOF_A);
	}
	if ((s->own->flags & END_HAS_ACK) && seq_within(s->own->ack, s->peer->isn + 1, s->peer->top)) {
		prove_own(s, PROOF_K);
		prove_peer(s, PROOF_A);
	}
}

/* top, or the one early segment that is remembered until its sender's SYN is seen. */
INLINE void take_data(struct step *s)
{
	if (own_proofs(s) & PROOF_S) {
		if (seq_after(s->seg->seq, s->own->isn))
			note_top(s);
	} else if (s->seg->len && !(s->own->flags & END_EARLY)) {
		s->own->isn_alt = s->seg->seq;
		s->own->top = segment_end(s->seg);
		s->own->flags |= END_EARLY;
	}
}

/* One direction only: what the client does next tells that it was answered. */
INLINE void infer_open(struct step *s)
{
	if (CFG(view) != VIEW_ONE_SIDED || (s->seg->flags & TCP_SYN) || !has_ack(s) ||
	    !(own_proofs(s) & PROOF_S) || s->seg->seq != s->own->isn + 1)
		return;
	if (!(peer_proofs(s) & PROOF_S))
		s->flow->flags |= FLOW_NO_SYNACK;
	s->flow->flags |= FLOW_ONE_SIDED;
	s->word |= WORD_INFERRED | proofs_in_word(0, PROOF_OPEN) | proofs_in_word(1, PROOF_OPEN);
}

/* The SYN of a SYN-ACK that passed before it: a handshake after all, and it begins here. */
INLINE void join_handshake(struct step *s)
{
	s->flow->first_ns = s->seg->time;
	s->own->isn = s->seg->seq; /* with data in the SYN, another than the SYN-ACK told */
	take_offers(s);
	if (s->seg->len && s->peer->synack && (own_proofs(s) & PROOF_A))
		s->flow->flags |= FLOW_FAST_OPEN;
	s->word &= ~WORD_ADOPTION;
	s->flow->flags &= ~FLOW_BY_SYNACK;
	COUNT(s->tally, adoptions_joined);
	COUNT(s->tally, handshakes_started);
	s->flow->service = service_syn(s->tally, &s->flow->key, flow_server(s->flow), 0);
	service_count(s->tally, s->flow, SERVICE_SYNACK);
}

INLINE void step_syn(struct step *s, u64 time)
{
	int first_synack = has_ack(s) && !s->own->synack;

	if (has_ack(s) && !(peer_proofs(s) & PROOF_S))
		infer_client_syn(s);
	else if (!has_ack(s) && (s->word & WORD_ADOPTION))
		join_handshake(s);
	take_syn(s);
	if (has_ack(s) && !acks_syn(s->peer, peer_proofs(s), s->seg->ack)) {
		COUNT(s->tally, synack_unfit);
		return;
	}
	if (first_synack) {
		if (!s->flow->mark_ns)
			s->flow->mark_ns = time;
		if (!(s->word & WORD_ADOPTION))
			service_count(s->tally, s->flow, SERVICE_SYNACK);
	}
	note_ack(s);
	prove_syn_acked(s);
	recheck_acks(s);
}

INLINE void step_rest(struct step *s, enum fit fit)
{
	if (fit != FIT_NUMBERS) {
		/* a stale peer's answer to a SYN that is none of its own (RFC 5961 section 4) */
		if (!(s->seg->flags & TCP_FIN) && (peer_proofs(s) & PROOF_S) && !(own_proofs(s) & PROOF_S)) {
			saturate(&s->flow->challenge_acks);
			COUNT(s->tally, challenge_acks);
		}
		/* the third ACK may come long before the SYN-ACK does; keep its number, no more */
		if (!(peer_proofs(s) & PROOF_S))
			note_ack(s);
		return;
	}
	if ((s->seg->flags & TCP_FIN) && !fin_admitted(s)) {
		COUNT(s->tally, fin_ignored);
		return;
	}
	note_ack(s);
	take_data(s);
	prove_syn_acked(s);
	infer_open(s);
	if (s->seg->flags & TCP_FIN)
		claim_fin(s);
	prove_fins(s);
}

/* Returns how the handshake ended, or HOW_NONE. */
INLINE u32 step_rst(struct step *s)
{
	u32 client = flow_client(s->flow);

	saturate(&s->own->rst);
	if (!rst_proved(s->seg, s->own, own_proofs(s), s->peer, peer_proofs(s))) {
		COUNT(s->tally, rst_ignored);
		return HOW_NONE;
	}
	if (s->e)
		s->flow->flags |= FLOW_RST_BY_1;
	if (s->e == client)
		return HOW_ABORTED;
	return own_proofs(s) & PROOF_S ? HOW_RESET : HOW_REFUSED;
}

INLINE int step_pending_tomb(struct step *s, u32 slot, u64 *word)
{
	int refused = s->flow->how == HOW_REFUSED || s->flow->how == HOW_ABORTED;
	int result = C_stepped;

	COUNT(s->tally, after_close);
	if (refused && is_plain_syn(s->seg))
		s->flow->flags |= FLOW_SYN_AFTER_CLOSE;
	if (refused && is_syn_ack(s->seg) && (s->flow->flags & FLOW_SYN_AFTER_CLOSE)) {
		s->word = 0;
		result = STEP_RESTART;
	}
	release(s->tally, slot, word, s->was, s->word);
	return result;
}

/*
 * Steps a held flow of the pending table and gives it back. fit as it was found
 * to fit; a flow just made has neither watch nor proofs in its word.
 * Returns the counter that the packet is filed under; or STEP_RESTART; or
 * STEP_OPEN, and the flow remains held, for promote().
 */
SUBPROGRAM int step_pending(struct segment *seg, u32 slot, u32 fit)
{
	struct step s;
	u64 *word = word_at(slot);
	u32 how = HOW_NONE;

	if (!seg || !word || step_begin(&s, seg, slot, word))
		return C_internal_error;
	if (s.word & WORD_TOMB)
		return step_pending_tomb(&s, slot, word);
	if (!word_watch(s.word)) {
		s.was = 0; /* new: not yet counted in the filter */
		s.word = word_with_watch(s.word, WATCH_PENDING);
	}
	if (seg->own)
		s.own->flags |= END_LOCAL;
	if (seg->flags & TCP_RST)
		how = step_rst(&s);
	else if (seg->flags & TCP_SYN)
		step_syn(&s, seg->time);
	else
		step_rest(&s, fit);
	check_proofs(&s);
	if (fit == FIT_NUMBERS)
		s.flow->last_tick = (u32)tick_of(seg->time);
	if (word_is_open(s.word)) {
		watch_account(s.tally, slot, s.was, s.word);
		publish64(word, s.word | WORD_BUSY);
		return STEP_OPEN;
	}
	if (how != HOW_NONE)
		s.word = bury(s.flow, s.word, how, seg->time, seg->ifindex);
	else
		s.word = word_with_due(s.word, pending_due(s.word, s.flow));
	release(s.tally, slot, word, s.was, s.word);
	return s.duplicate ? C_duplicate : C_stepped;
}

#endif
