/* SPDX-License-Identifier: GPL-2.0-only */
/* A segment at a settled connection: how it closes, resets, or is suspected not to have been accepted. */
#ifndef TCPSHAKE_CLOSING_H
#define TCPSHAKE_CLOSING_H

#include "pending.h"
#include "promote.h"

INLINE int step_connection_tomb(struct step *s, u32 slot, u64 *word)
{
	COUNT(s->tally, after_close);
	release(s->tally, slot, word, s->was, s->word);
	return C_stepped;
}

/*
 * A SYN-ACK repeated at its own place after it was acknowledged: the ACK was
 * lost behind us, or the accept queue is full and the server threw it away. The
 * next segment of the server that is no SYN-ACK settles it. When a SYN was
 * repeated too, the retransmissions may just have crossed.
 */
INLINE void suspect_accept_queue(struct step *s)
{
	u32 any = own_proofs(s) | peer_proofs(s);

	if (s->e == flow_client(s->flow) || (s->flow->flags & FLOW_SYN_AFTER_ACK) || (any & PROOF_F) ||
	    word_watch(s->word) != WATCH_NONE || s->seg->place != s->own->syn_place)
		return;
	COUNT(s->tally, accept_suspected);
	s->flow->flags &= ~FLOW_ACCEPT_TOLD;
	s->flow->mark_ns = s->seg->time;
	s->word = word_with_watch(s->word, WATCH_ACCEPT);
	s->word = word_with_due(s->word, (u32)tick_after(s->seg->time) +
					 (CFG(half_open_after) ? CFG(half_open_after) : ACCEPT_PATIENCE));
}

INLINE void repeat_syn(struct step *s)
{
	if (!(s->own->flags & END_HAS_ISN)) {
		s->own->isn = s->seg->seq;
		s->own->flags |= END_HAS_ISN;
		take_offers(s);
	}
	if (has_ack(s)) {
		if (s->own->syn_place == s->seg->place)
			COUNT(s->tally, synack_repeated);
		suspect_accept_queue(s);
		sighted(s, &s->own->syn_place, &s->own->synack);
	} else {
		if (s->own->syn_place == s->seg->place) {
			COUNT(s->tally, syn_repeated);
			s->flow->flags |= FLOW_SYN_AFTER_ACK;
			if (word_watch(s->word) == WATCH_ACCEPT)
				s->word = word_with_watch(s->word, WATCH_NONE);
		}
		sighted(s, &s->own->syn_place, &s->own->syn);
	}
}

INLINE void disprove_fin(struct step *s, u32 closer, struct end *end)
{
	s->word &= ~(proofs_in_word(closer, PROOF_F | PROOF_G | PROOF_Q) |
		     proofs_in_word(PEER_OF(closer), PROOF_H | PROOF_Q));
	end->flags &= ~(END_HAS_FIN_ALT | END_FIN_ACKED_PLAIN);
	saturate(&s->flow->disproved);
	COUNT(s->tally, fin_disproved);
}

/*
 * Two kinds of segments take a FIN back: data of its sender that goes on beyond
 * it, and an ACK of the peer beyond it. Once both ends have closed, nothing does.
 */
INLINE void doubt_fins(struct step *s)
{
	u32 end = segment_end(s->seg);

	if (is_closed(s->word) || (s->seg->flags & TCP_CONTROL))
		return;
	if ((own_proofs(s) & PROOF_F) && s->seg->len && !seq_after(s->seg->seq, s->own->fin) &&
	    seq_after(end, s->own->fin))
		disprove_fin(s, s->e, s->own);
	/* data in the FIN's own place: it was none. One byte there is a keepalive (RFC 1122 section 4.2.3.6) */
	else if ((own_proofs(s) & PROOF_F) && s->seg->len > 1 && s->seg->seq == s->own->fin - 1)
		disprove_fin(s, s->e, s->own);
	if ((peer_proofs(s) & PROOF_F) && !(peer_proofs(s) & PROOF_G) && has_ack(s) &&
	    seq_after(s->seg->ack, s->peer->fin) && !seq_after(s->seg->ack, s->peer->top))
		disprove_fin(s, s->p, s->peer);
}

/* RST in doubt: its sender's later segment that goes beyond it takes it back. */
INLINE void doubt_reset(struct step *s)
{
	u32 by = !!(s->flow->flags & FLOW_RST_BY_1);

	if (s->e != by) {
		if (!s->seg->len && !(s->seg->flags & TCP_CONTROL)) {
			saturate(&s->flow->challenge_acks);
			COUNT(s->tally, challenge_acks);
		}
		return;
	}
	if (!seq_after(segment_end(s->seg), s->own->isn_alt))
		return;
	saturate(&s->flow->disproved);
	COUNT(s->tally, rst_disproved);
	s->word = word_with_watch(s->word, WATCH_NONE);
}

/* Numbers of a settled connection are stale until the next segment: what a FIN brings begins anew. */
INLINE void track(struct step *s)
{
	u32 end = segment_end(s->seg);

	if (!(s->own->flags & END_HAS_ACK) || seq_after(end, s->own->top))
		s->own->top = end;
	note_ack(s);
}

INLINE void step_data(struct step *s)
{
	if (word_watch(s->word) == WATCH_RESET)
		doubt_reset(s);
	else if (word_watch(s->word) == WATCH_ACCEPT && s->e != flow_client(s->flow))
		s->word = word_with_watch(s->word, WATCH_NONE);
	doubt_fins(s);
	if (s->seg->flags & TCP_FIN) {
		if (!fin_admitted(s)) {
			COUNT(s->tally, fin_ignored);
			return;
		}
		track(s);
		claim_fin(s);
	} else {
		track(s);
	}
	prove_fins(s);
}

/*
 * Whether a RST at a settled connection is real. Who knows for certain is the
 * socket that it is addressed to; a RST that a socket here sent needs no proof.
 * Without one, a FIN in flight tells the numbers of the moment. Else the next
 * two seconds decide (RFC 5961 section 3.2: a receiver takes exactly rcv_nxt).
 */
enum rst_verdict { RST_VALID, RST_WRONG, RST_IN_DOUBT };

INLINE enum rst_verdict judge_rst(const struct step *s)
{
	u32 fins = own_proofs(s) | peer_proofs(s);

	if (s->seg->own)
		return RST_VALID;
	if (s->seg->numbers == NUMBERS_KNOWN) {
		if (s->seg->seq == s->seg->rcv_nxt)
			return RST_VALID;
		/* earlier data may still be on its way from the hook to the socket */
		return seq_within(s->seg->seq, s->seg->rcv_nxt, s->seg->rcv_nxt + s->seg->rcv_wnd)
			       ? RST_IN_DOUBT : RST_WRONG;
	}
	if ((fins & PROOF_F) && word_watch(s->word) == WATCH_FIN && (s->peer->flags & END_HAS_ACK) &&
	    (s->own->flags & END_HAS_ACK) && seq_within(s->seg->seq, s->peer->ack, s->own->top))
		return RST_VALID;
	return RST_IN_DOUBT;
}

/* Returns how the connection ended, or HOW_NONE. */
INLINE u32 step_connection_rst(struct step *s)
{
	enum rst_verdict verdict = judge_rst(s);

	saturate(&s->own->rst);
	if (verdict == RST_WRONG || (verdict == RST_IN_DOUBT && word_watch(s->word) == WATCH_RESET)) {
		COUNT(s->tally, rst_ignored);
		return HOW_NONE;
	}
	s->flow->flags &= ~FLOW_RST_BY_1;
	if (s->e)
		s->flow->flags |= FLOW_RST_BY_1;
	if (verdict == RST_VALID)
		return HOW_RESET;
	s->own->isn_alt = s->seg->seq;
	s->flow->flags &= ~FLOW_ASKED;
	s->word = word_with_watch(s->word, WATCH_RESET);
	s->word = word_with_due(s->word, (u32)tick_after(s->seg->time) + RESET_DOUBT);
	return HOW_NONE;
}

/* Steps a held connection and gives it back. Returns the counter that the packet is filed under. */
SUBPROGRAM int step_connection(struct segment *seg, u32 slot)
{
	struct step s;
	u64 *word = word_at(slot);
	u32 how = HOW_NONE;

	if (!seg || !word || step_begin(&s, seg, slot, word))
		return C_internal_error;
	if (s.word & WORD_TOMB)
		return step_connection_tomb(&s, slot, word);
	if (seg->own)
		s.own->flags |= END_LOCAL;
	if (word_watch(s.word) == WATCH_PROBATION)
		s.word = word_with_watch(s.word, WATCH_NONE);
	s.flow->last_tick = (u32)tick_of(seg->time);
	if (seg->flags & TCP_RST)
		how = step_connection_rst(&s);
	else if (seg->flags & TCP_SYN)
		repeat_syn(&s);
	else
		step_data(&s);
	check_proofs(&s);
	if (is_closed(s.word) && how == HOW_NONE)
		how = HOW_FIN;
	s.word = linger_over(s.tally, s.was, s.word, s.flow, WORD_TOLD_1, seg->time);
	s.word = linger_over(s.tally, s.was, s.word, s.flow, WORD_TOLD_2, seg->time);
	if (how != HOW_NONE)
		s.word = bury(s.flow, s.word, how, seg->time, seg->ifindex);
	else
		s.word = settle(s.word, s.flow);
	release(s.tally, slot, word, s.was, s.word);
	return s.duplicate ? C_duplicate : C_stepped;
}

#endif
