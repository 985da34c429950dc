/* SPDX-License-Identifier: GPL-2.0-only */
/* What the steps of both tables share: the flow in hand, sightings, proofs of FINs. */
#ifndef TCPSHAKE_STEP_H
#define TCPSHAKE_STEP_H

#include "fit.h"
#include "table.h"
#include "tell.h"

/* Results of a step beside the counter that the packet is filed under. */
enum { STEP_RESTART = -1, STEP_BUSY = -2, STEP_OPEN = -3 };

/* A flow in hand, held, and the segment it is stepped with. Lives on one stack. */
struct step {
	struct tally *tally;
	const struct segment *seg;
	struct flow *flow;
	struct end *own, *peer; /* sender and receiver of the segment */
	u32 e, p;		/* their indices */
	u64 was, word;		/* as it was found; as it will be given back */
	int duplicate;
};

INLINE u32 own_proofs(const struct step *s) { return word_proofs(s->word, s->e); }
INLINE u32 peer_proofs(const struct step *s) { return word_proofs(s->word, s->p); }
INLINE void prove_own(struct step *s, u32 proofs) { s->word |= proofs_in_word(s->e, proofs); }
INLINE void prove_peer(struct step *s, u32 proofs) { s->word |= proofs_in_word(s->p, proofs); }
INLINE int has_ack(const struct step *s) { return s->seg->flags & TCP_ACK; }

/*
 * A SYN, SYN-ACK or FIN counts where the first of its kind was seen; the same
 * packet at another hook or interface is a second sighting (router, hairpin).
 */
INLINE void sighted(struct step *s, u16 *home, u8 *count)
{
	if (!*home)
		*home = s->seg->place;
	if (*home == s->seg->place) {
		saturate(count);
	} else {
		saturate(&s->flow->duplicates);
		s->duplicate = 1;
	}
}

INLINE void note_ack(struct step *s)
{
	if (!has_ack(s))
		return;
	if (!(s->own->flags & END_HAS_ACK) || seq_after(s->seg->ack, s->own->ack)) {
		s->own->ack = s->seg->ack;
		s->own->flags |= END_HAS_ACK;
	}
}

/* top grows only by segments that start at or below it: a hole is not bridged. */
INLINE void note_top(struct step *s)
{
	u32 end = segment_end(s->seg);

	if (!seq_after(s->seg->seq, s->own->top) && seq_after(end, s->own->top))
		s->own->top = end;
}

/* The ack that a copy of the FIN stands for: its own; when it has none, what its sender is known to have acknowledged. */
INLINE u32 fin_ack_of(const struct step *s)
{
	if (has_ack(s))
		return s->seg->ack;
	if (own_proofs(s) & PROOF_H)
		return s->peer->fin;
	return s->own->flags & END_HAS_ACK ? s->own->ack : s->peer->isn;
}

INLINE int fin_is_known(const struct end *own, u32 proofs, u32 fin)
{
	return (proofs & PROOF_F) &&
	       (fin == own->fin || ((own->flags & END_HAS_FIN_ALT) && fin == own->fin_alt));
}

/* Before the open the mark is the first SYN-ACK, which the round trip is measured by. */
INLINE int marks_fins(const struct step *s) { return word_watch(s->word) != WATCH_PENDING; }

/* F: a claim until acknowledged; of different claims the last two are kept. */
INLINE void claim_fin(struct step *s)
{
	u32 fin = segment_end(s->seg), ack = fin_ack_of(s);

	if (fin_is_known(s->own, own_proofs(s), fin)) {
		if (seq_before(ack, s->own->fin_ack))
			s->own->fin_ack = ack;
	} else if (!(own_proofs(s) & PROOF_F)) {
		s->own->fin = fin;
		s->own->fin_ack = ack;
		prove_own(s, PROOF_F);
		if (!(peer_proofs(s) & PROOF_F) && marks_fins(s))
			s->flow->mark_ns = s->seg->time;
	} else if (!(own_proofs(s) & PROOF_G)) {
		s->own->fin_alt = s->own->fin;
		s->own->flags |= END_HAS_FIN_ALT;
		s->own->fin = fin;
		s->own->fin_ack = ack;
	}
	sighted(s, &s->own->fin_place, &s->own->fin_count);
}

/*
 * G and H: `ack`, sent by `acker`, equals the end of the FIN that `closer` sent.
 * That acknowledges all before it too, so both SYNs with it, those that did not
 * pass here included: no one acknowledges the FIN of a connection he is not in.
 */
INLINE int fin_acked(struct step *s, u32 closer, struct end *end, u32 ack, int plainly)
{
	u32 proofs = word_proofs(s->word, closer);
	u32 acker = PEER_OF(closer);
	u32 both;

	if (!(proofs & PROOF_F) || (proofs & PROOF_G))
		return 0;
	if ((end->flags & END_HAS_FIN_ALT) && ack == end->fin_alt)
		end->fin = end->fin_alt;
	if (ack != end->fin)
		return 0;
	if ((proofs & PROOF_S) && (word_proofs(s->word, acker) & PROOF_S)) {
		both = PROOF_A | PROOF_K;
	} else {
		both = PROOF_OPEN;
		if (!(s->word & WORD_ADOPTION))
			s->flow->flags |= FLOW_NO_SYNACK;
	}
	s->word |= proofs_in_word(closer, PROOF_G | both) | proofs_in_word(acker, PROOF_H | both);
	if (plainly)
		end->flags |= END_FIN_ACKED_PLAIN;
	if (!(word_proofs(s->word, acker) & PROOF_G) && marks_fins(s))
		s->flow->mark_ns = s->seg->time;
	return 1;
}

/* A connection adopted half-closed has Q from the socket's state, and no numbers to work it out of. */
INLINE int fins_have_numbers(const struct step *s)
{
	return word_watch(s->word) == WATCH_PENDING || !((s->own->flags | s->peer->flags) & END_FIN_UNSEEN);
}

/*
 * On a host, a FIN of the remote end is taken for one only if the local socket
 * can still take it: a forged FIN that ends where old data ended would be
 * acknowledged by the next ACK, to the letter, and one from far ahead never.
 */
INLINE int fin_takeable(const struct segment *seg)
{
	return seg->numbers != NUMBERS_KNOWN ||
	       seq_within(segment_end(seg) - 1, seg->rcv_nxt, seg->rcv_nxt + seg->rcv_wnd);
}

INLINE int fin_admitted(const struct step *s)
{
	return fin_takeable(s->seg) || fin_is_known(s->own, own_proofs(s), segment_end(s->seg));
}

/* What this segment, and what was kept of earlier ones, proves of FINs. */
INLINE void prove_fins(struct step *s)
{
	int fin = s->seg->flags & TCP_FIN;

	if (has_ack(s) && (peer_proofs(s) & PROOF_F)) {
		/* a plain ACK, or data before its own FIN: then the close took four packets */
		int plainly = !fin && (!(own_proofs(s) & PROOF_F) ||
				       seq_before(s->seg->seq, s->own->fin));

		fin_acked(s, s->p, s->peer, s->seg->ack, plainly);
	}
	/* the ACK of this FIN may have passed here before it */
	if (fin && (s->peer->flags & END_HAS_ACK))
		fin_acked(s, s->e, s->own, s->peer->ack, !(peer_proofs(s) & PROOF_F));
	if ((own_proofs(s) & peer_proofs(s) & PROOF_F) && fins_have_numbers(s)) {
		s->word &= ~(proofs_in_word(0, PROOF_Q) | proofs_in_word(1, PROOF_Q));
		if (seq_before(s->own->fin_ack, s->peer->fin))
			prove_own(s, PROOF_Q);
		if (seq_before(s->peer->fin_ack, s->own->fin))
			prove_peer(s, PROOF_Q);
	}
}

INLINE int is_closed(u64 word)
{
	const u64 both = proofs_in_word(0, PROOF_F | PROOF_G) | proofs_in_word(1, PROOF_F | PROOF_G);

	return (word & both) == both;
}

INLINE void check_proofs(struct step *s)
{
	if (!proofs_possible(own_proofs(s)) || !proofs_possible(peer_proofs(s)))
		COUNT(s->tally, internal_error);
}

/* Fills in what every step starts from. 0, or -1 where memory is not what the plan says. */
INLINE int step_take(struct step *s, const struct segment *seg, struct flow *flow, u64 word)
{
	struct tally *tally = env_tally();

	if (!flow || !tally)
		return -1;
	s->tally = tally;
	s->seg = seg;
	s->flow = flow;
	s->e = seg->sender & 1;
	s->p = PEER_OF(s->e);
	s->own = &flow->end[s->e];
	s->peer = &flow->end[s->p];
	s->was = s->word = word;
	s->duplicate = 0;
	return 0;
}

INLINE int step_begin(struct step *s, const struct segment *seg, u32 slot, const u64 *word)
{
	return step_take(s, seg, env_flow(slot), READ_ONCE(*word) & ~WORD_BUSY);
}

#endif
