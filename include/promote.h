/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moment of the open: from the pending table, which a flood may fill, to
 * the connections, which only what both ends proved can enter.
 */
#ifndef TCPSHAKE_PROMOTE_H
#define TCPSHAKE_PROMOTE_H

#include "claim.h"
#include "step.h"

SUBPROGRAM int tell_open(const struct flow *flow, u64 word, const struct segment *seg)
{
	struct tally *tally = env_tally();
	const struct end *client, *server;
	struct news news = { .kind = EVENT_OPEN };
	u64 open_ns;

	if (!tally || !flow || !seg)
		return 0;
	client = &flow->end[flow_client(flow)];
	server = &flow->end[PEER_OF(flow_client(flow)) & 1];
	open_ns = seg->time - flow->first_ns;
	news.time = seg->time;
	news.ifindex = seg->ifindex;

	/* a retransmission makes a round trip ambiguous (Karn), and so do SYN-ACKs of both ends: then it is not given */
	if (flow->mark_ns && server->synack == 1 && !client->synack) {
		if (client->syn == 1 && flow->mark_ns > flow->first_ns)
			news.value = flow->mark_ns - flow->first_ns;
		news.value2 = seg->time - flow->mark_ns;
	}
	news.unselected = CFG(slow_open_ns) && open_ns < CFG(slow_open_ns) && client->syn <= 1 &&
			  server->synack <= 1;
	record_time(tally, HIST_OPEN, open_ns);
	if (news.value)
		record_time(tally, HIST_SYN_SYNACK, news.value);
	if (news.value2)
		record_time(tally, HIST_SYNACK_ACK, news.value2);
	COUNT(tally, handshakes_completed);
	service_completed(tally, flow, open_ns);
	tell(tally, &news, word, flow);
	return 0;
}

/* Ends what stands in one slot with the key of a connection that has just opened. */
SUBPROGRAM int supersede(struct flow *newer, u32 slot, u32 tag, u64 time)
{
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	u64 *word = word_at(slot);
	u64 was, now;
	int busy;

	if (!newer || !flow || !tally || !word)
		return 0;
	was = hold(word, tag, &busy);
	if (!was)
		return 0;
	now = was;
	if (key_equal(&flow->key, &newer->key)) {
		if (was & WORD_TOMB) {
			/* a handshake's tombstone stands; a connection's would catch what is the new one's */
			if (line_table(slot >> 3) == TABLE_CONNECTIONS) {
				tomb_gone(flow, was, HOW_REPLACED, time);
				now = 0;
			}
		} else if (flow->first_ns <= newer->first_ns) {
			now = bury(flow, was, HOW_REPLACED, time, 0);
		}
	}
	release(tally, slot, word, was, now);
	return 0;
}

SUBPROGRAM int supersede_line(struct flow *newer, u32 line, u32 tag, u32 own_slot, u64 time)
{
	u64 marks = prints_like(line_prints(line), print_of_tag(tag));

	if (!newer)
		return 0;
	for (u32 n = 0; n < LINE_WORDS && marks; n++, marks &= marks - 1) {
		u32 slot = line * LINE_WORDS + first_mark(marks);

		if (slot != own_slot)
			supersede(newer, slot, tag, time);
	}
	return 0;
}

INLINE void supersede_all(struct flow *newer, u64 hash, u32 own_slot, u64 time)
{
	u32 tag = TAG_OF_HASH(hash);

	supersede_line(newer, candidate_line(hash, TABLE_PENDING, 0), tag, own_slot, time);
	supersede_line(newer, candidate_line(hash, TABLE_PENDING, 1), tag, own_slot, time);
	supersede_line(newer, candidate_line(hash, TABLE_CONNECTIONS, 0), tag, own_slot, time);
	supersede_line(newer, candidate_line(hash, TABLE_CONNECTIONS, 1), tag, own_slot, time);
}

/* The word of a connection after a step: what it is watched for follows from its proofs. */
INLINE u64 settle(u64 word, struct flow *flow)
{
	u32 a = word_proofs(word, 0), b = word_proofs(word, 1);
	u32 unacked = ((a & PROOF_F) && !(a & PROOF_G)) | ((b & PROOF_F) && !(b & PROOF_G));
	enum watch watch = word_watch(word);

	/* who has come to close is waited for by FIN: its mark and its patience are other ones */
	if (watch == WATCH_RESET || (watch == WATCH_ACCEPT && !((a | b) & PROOF_F)))
		return word;
	if (unacked)
		watch = CFG(view) == VIEW_ONE_SIDED ? WATCH_ONE_SIDED : WATCH_FIN;
	else if (((a | b) & PROOF_F) && CFG(view) == VIEW_TAP)
		watch = WATCH_HALF;
	else
		watch = WATCH_NONE;
	/* what is not watched goes on unseen: its highest numbers hold no longer */
	if (watch == WATCH_NONE) {
		flow->end[0].flags &= ~END_HAS_ACK;
		flow->end[1].flags &= ~END_HAS_ACK;
	}
	word = word_with_watch(word, watch);
	return word_with_due(word, due_of(word, flow));
}

/* What a record keeps beyond the open has other meanings than before it. */
INLINE void begin_connection(struct flow *flow, u64 word, u64 time)
{
	for (u32 end = 0; end < 2; end++) {
		flow->end[end].flags &= ~(END_HAS_ALT | END_EARLY);
	}
	flow->last_tick = (u32)tick_of(time);
	if ((word_proofs(word, 0) | word_proofs(word, 1)) & PROOF_F)
		flow->mark_ns = time;
	else
		flow->mark_ns = 0;
}

INLINE u64 refuse_connection(struct tally *tally, struct flow *flow, u64 word, const struct segment *seg)
{
	if (word & WORD_ADOPTION)
		COUNT(tally, adoptions_refused_table_full);
	else
		COUNT(tally, begun_refused_table_full);
	flow->how = HOW_EVICTED;
	tell_close(tally, word, flow, seg->time, seg->ifindex, 0);
	return word_with_due(word_with_watch(word, WATCH_NONE) | WORD_TOMB,
			     (u32)tick_after(seg->time) + TOMB_TICKS);
}

/* The connection's slot in the other table, filled and published. 0, or SLOT_... */
SUBPROGRAM int move_flow(struct flow *flow, u64 word, struct segment *seg)
{
	struct tally *tally = env_tally();
	struct flow *target;
	u64 *target_word;
	int slot;

	if (!tally || !flow || !seg)
		return SLOT_BUSY;
	slot = claim_connection(seg->hash, word & WORD_INFERRED, seg->time);
	/* the one to go is in somebody's hand for a moment: that is not a full table */
	if (slot == SLOT_BUSY)
		slot = claim_connection(seg->hash, word & WORD_INFERRED, seg->time);
	if (slot < 0)
		return slot;
	target = env_flow((u32)slot);
	target_word = word_at((u32)slot);
	if (!target || !target_word)
		return SLOT_BUSY;
	if (word & WORD_ADOPTION)
		COUNT(tally, begun_by_adoption);
	else
		COUNT(tally, begun_by_handshake);
	*target = *flow;
	begin_connection(target, word, seg->time);
	word &= ~(WORD_TOLD_1 | WORD_TOLD_2 | WORD_ADOPTION | WORD_BUSY);
	word = word_with_watch(word, WATCH_NONE);
	if (is_closed(word))
		word = bury(target, word, HOW_FIN, seg->time, seg->ifindex);
	else
		word = settle(word, target);
	release(tally, (u32)slot, target_word, 0, word);
	return 0;
}

/*
 * Tells the open of a flow in hand and moves it. Returns 0; or, when the connection table had no
 * room, the word of its tombstone. slot: where it stands in the pending table, or SLOT_NONE.
 */
INLINE u64 open_flow(struct segment *seg, struct flow *flow, u64 word, u32 slot)
{
	struct tally *tally = env_tally();

	if (!tally)
		return 0;
	supersede_all(flow, seg->hash, slot, seg->time);
	if (word & WORD_ADOPTION) {
		flow->flags |= FLOW_ADOPTED;
	} else {
		flow->flags |= FLOW_OPENED;
		tell_open(flow, word, seg);
	}
	return move_flow(flow, word, seg) ? refuse_connection(tally, flow, word, seg) : 0;
}

/* The same of a held pending flow, whose old slot is given back: empty, or as a tombstone. */
SUBPROGRAM int promote(struct segment *seg, u32 slot)
{
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	u64 *place = word_at(slot), was;

	if (!tally || !flow || !seg || !place)
		return C_internal_error;
	was = READ_ONCE(*place) & ~WORD_BUSY;
	release(tally, slot, place, was, open_flow(seg, flow, was, slot));
	return C_stepped;
}

#endif
