/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine: what a packet does. parse (done) -> wanted? -> key's hash ->
 * watched? -> find -> step. Every packet ends in exactly one counter.
 */
#ifndef TCPSHAKE_ENGINE_H
#define TCPSHAKE_ENGINE_H

#include "closing.h"
#include "expire.h"
#include "sow.h"
#include "step_seed.h"

#define FIND_NOTHING (-1)
#define FIND_KEY_ONLY (-2) /* a handshake with its key, but other numbers */
#define FIND_BUSY (-3)

/*
 * Tries one slot whose tag agrees. Returns the fit; at `want` or better the
 * flow remains held. Deadlines that have passed are dealt with first, so that
 * it makes no difference when the sweep comes by.
 */
SUBPROGRAM int try_slot(struct segment *seg, u32 slot, u32 want)
{
	u64 *word = word_at(slot);
	struct flow *flow = env_flow(slot);
	struct tally *tally = env_tally();
	enum fit fit = FIT_NONE;
	u64 was, next;
	int busy;

	if (!seg || !word || !flow || !tally)
		return FIT_NONE;
	fetch_flow(flow);
	was = hold(word, TAG_OF_HASH(seg->hash), &busy);
	if (!was)
		return busy ? FIND_BUSY : FIT_NONE;
	next = was;
	if (key_equal(&flow->key, &seg->key)) {
		u64 tick = tick_of(seg->time);

		if (word_is_due(next, (u32)tick)) {
			next = expire(flow, next, tick);
			watch_account(tally, slot, was, next);
			env_note_due(slot, next);
		}
		if (next)
			fit = line_table(slot >> 3) == TABLE_PENDING ? fit_pending(seg, flow, next)
								      : fit_connection(seg, flow, next);
	}
	if (!next)
		set_print(slot, 0);
	publish64(word, fit >= want && next ? next | WORD_BUSY : next & ~WORD_BUSY);
	return fit;
}

/* A slot that is held, or FIND_... */
SUBPROGRAM int find_in_line(struct segment *seg, u32 line, u32 want)
{
	u64 *words = env_line(line);
	int found = FIND_NOTHING;
	u64 marks;
	u32 tag;

	if (!words || !seg)
		return FIND_NOTHING;
	tag = TAG_OF_HASH(seg->hash);
	marks = prints_like(line_prints(line), print_of_tag(tag));
	for (u32 n = 0; n < LINE_WORDS && marks; n++, marks &= marks - 1) {
		u32 i = first_mark(marks);
		u64 word;
		int fit;

		HIDE(i);
		i &= LINE_WORDS - 1;
		word = READ_ONCE(words[i]);
		if (!word || word_tag(word) != tag)
			continue;
		fit = try_slot(seg, line * LINE_WORDS + i, want);
		if (fit == FIND_BUSY)
			return FIND_BUSY;
		if (fit > FIT_NONE && (u32)fit >= want)
			return (int)(line * LINE_WORDS + i);
		if (fit > FIT_NONE)
			found = FIND_KEY_ONLY;
	}
	return found;
}

/* Marks of the slots, in either line of this key, whose fingerprint is the key's. table is a constant. */
INLINE u64 prints_of_key(u64 hash, u32 table)
{
	u8 print = print_of_tag(TAG_OF_HASH(hash));

	return prints_like(line_prints(candidate_line(hash, table, 0)), print) |
	       prints_like(line_prints(candidate_line(hash, table, 1)), print);
}

/* In both lines of the key; table is a constant where this is called. */
INLINE int find_flow(struct segment *seg, u32 table, u32 want)
{
	int a, b;

	if (!seg || !prints_of_key(seg->hash, table))
		return FIND_NOTHING;
	a = find_in_line(seg, candidate_line(seg->hash, table, 0), want);
	if (a >= 0 || a == FIND_BUSY)
		return a;
	b = find_in_line(seg, candidate_line(seg->hash, table, 1), want);
	return b == FIND_NOTHING ? a : b;
}

INLINE int find_pending(struct segment *seg, u32 want)
{
	return find_flow(seg, TABLE_PENDING, want);
}

/*
 * The live connection, else the tombstone that a SYN, FIN or RST comes too late
 * for. Between them, in *pending, a handshake that began since and that the
 * segment's number is near to: where its third ACK did not pass here, its FINs
 * do not prove more.
 */
INLINE int find_connection(struct segment *seg, int *pending)
{
	int slot = find_flow(seg, TABLE_CONNECTIONS, FIT_NUMBERS);

	if (slot != FIND_KEY_ONLY)
		return slot;
	if (*pending == FIND_KEY_ONLY && !is_plain_syn(seg)) {
		*pending = find_pending(seg, FIT_NEAR);
		if (*pending >= 0 || *pending == FIND_BUSY)
			return FIND_NOTHING;
	}
	return find_flow(seg, TABLE_CONNECTIONS, FIT_KEY);
}

/* Which end is the client of a flow that begins with this segment. */
INLINE u16 orientation(const struct segment *seg)
{
	u32 e = seg->sender & 1;

	if (is_plain_syn(seg))
		return e ? FLOW_CLIENT_IS_1 : 0;
	if (is_syn_ack(seg))
		return FLOW_BY_SYNACK | (e ? 0 : FLOW_CLIENT_IS_1);
	return FLOW_BY_GUESS | (guess_client(&seg->key, e) ? FLOW_CLIENT_IS_1 : 0);
}

/* Makes a pending flow of a segment that no seed was made of. restart: the SYN that it answers was seen. Its slot, held, or SLOT_... */
SUBPROGRAM int new_pending(struct segment *seg, u32 restart)
{
	struct tally *tally = env_tally();
	struct flow *flow;
	u64 marks;
	int slot;

	if (!seg || !tally)
		return SLOT_BUSY;
	marks = restart || is_plain_syn(seg) || (CFG(view) == VIEW_ONE_SIDED && is_syn_ack(seg)) ? 0 : WORD_ADOPTION;
	slot = claim_pending(seg->hash, seg->time, marks);
	if (slot < 0)
		return slot;
	flow = env_flow((u32)slot);
	if (!flow)
		return SLOT_BUSY;
	*flow = (struct flow){ 0 };
	flow->key = seg->key;
	flow->first_ns = seg->time;
	flow->flags = orientation(seg);
	if (restart) {
		flow->flags &= ~FLOW_BY_SYNACK;
		flow->end[flow_client(flow)].syn = 1;
	}
	if (marks) {
		COUNT(tally, adoptions_started);
	} else {
		COUNT(tally, handshakes_started);
		flow->service = service_syn(tally, &flow->key, flow_server(flow), 0);
	}
	return slot;
}

/*
 * Where a segment goes that fits no flow by its numbers: a handshake that has
 * its key, or a new one. A held slot, its fit in *fit; or FIND_...
 */
INLINE int find_other(struct segment *seg, int pending, int may_begin, u32 *fit)
{
	int slot = FIND_NOTHING;

	if (pending == FIND_KEY_ONLY && !is_plain_syn(seg)) {
		slot = find_pending(seg, FIT_NEAR);
		if (slot == FIND_KEY_ONLY) {
			*fit = FIT_KEY;
			slot = find_pending(seg, FIT_KEY);
		}
	}
	if (slot == FIND_NOTHING && may_begin) {
		*fit = FIT_NUMBERS;
		slot = new_pending(seg, 0);
		if (slot < 0)
			slot = FIND_BUSY;
	}
	return slot;
}

INLINE int find_and_step(struct segment *seg, struct tally *tally, int may_begin)
{
	int control = seg->flags & TCP_CONTROL;
	int slot = FIND_NOTHING, connection = FIND_NOTHING, result;
	u32 fit = FIT_NUMBERS;

	if (control || (seg->watched & BUCKET_P_MASK))
		slot = find_pending(seg, FIT_NUMBERS);
	if (slot < 0 && slot != FIND_BUSY && (control || (seg->watched & ~BUCKET_P_MASK)))
		connection = find_connection(seg, &slot);
	if (connection >= 0)
		return step_connection(seg, (u32)connection);
	if (connection == FIND_BUSY)
		return STEP_BUSY;
	/* nor does a FIN begin anything that its receiver has left behind */
	if (slot < 0 && slot != FIND_BUSY && may_begin && !(seg->flags & TCP_SYN) && !fin_takeable(seg)) {
		COUNT(tally, fin_ignored);
		may_begin = 0;
	}
	if (may_begin && (slot == FIND_NOTHING || (slot == FIND_KEY_ONLY && is_plain_syn(seg))) && fits_seed(seg)) {
		result = sow(seg);
		if (result != SOW_NOTHING)
			return result;
	}
	if (slot < 0 && slot != FIND_BUSY)
		slot = find_other(seg, slot, may_begin, &fit);
	if (slot == FIND_BUSY)
		return STEP_BUSY;
	if (slot < 0)
		return seg->flags & TCP_RST ? C_no_connection | BESIDE_STRAY_RST : C_no_connection;
	result = step_pending(seg, (u32)slot, fit);
	if (result == STEP_RESTART) {
		slot = new_pending(seg, 1);
		if (slot < 0)
			return STEP_BUSY;
		result = step_pending(seg, (u32)slot, FIT_NUMBERS);
	}
	return result == STEP_OPEN ? promote(seg, (u32)slot) : result;
}

/*
 * Begins to load where a seed will lie and where it would be found, side by side, before the
 * first atomic operation makes each wait for the one before. Nearly all FINs are those of a
 * connection, and begin nothing.
 */
INLINE void fetch_ground(const struct segment *seg)
{
	const struct seed_ends *ends = env_seed_ends();
	u32 place = ends ? seed_place(READ_ONCE(ends->head) + 1) : 0;

	fetch(env_seed_line(seed_line_of(seg->hash)));
	fetch(env_seed(place));
	fetch(env_seed_word(place));
}

/*
 * Finds the flow of a segment and steps it; seg->time and seg->hash are set.
 * Returns the counter that the packet is filed under, with BESIDE_..., or STEP_BUSY.
 */
INLINE int engine_step(struct segment *seg)
{
	struct tally *tally = env_tally();
	u32 *lock = 0;
	int result, may_begin, busy, place;

	if (!seg || !tally)
		return C_internal_error;
	may_begin = !(seg->flags & TCP_RST) && (seg->flags & (TCP_SYN | TCP_FIN));
	if (may_begin && CFG(seeds) && fits_seed(seg) &&
	    ((seg->flags & TCP_SYN) || !prints_of_key(seg->hash, TABLE_CONNECTIONS)))
		fetch_ground(seg);
	if (may_begin) {
		lock = insert_lock(seg->hash, &busy);
		if (busy)
			return STEP_BUSY;
	}
	/* a SYN has asked for the line of the index already */
	place = ((seg->flags & TCP_SYN) || pending_is_watched(seg->hash)) && seed_is_there(seg->hash) ? find_seed(seg)
												       : SEED_NONE;
	result = place >= 0 ? step_seed(seg, (u32)place) : place == SEED_NONE ? SEED_NONE : STEP_BUSY;
	if (result == SEED_OPENS)
		result = open_seed(seg, (u32)place);
	else if (result == SEED_NONE)
		result = find_and_step(seg, tally, may_begin);
	insert_unlock(lock);
	return result;
}

INLINE int port_wanted(const struct segment *seg)
{
	u32 ports = CFG(ports);

	for (u32 i = 0; i < FILTER_PORTS && i < ports; i++) {
		u16 first = CFG(port[i].first), last = CFG(port[i].last);

		if ((seg->key.port[0] >= first && seg->key.port[0] <= last) ||
		    (seg->key.port[1] >= first && seg->key.port[1] <= last))
			return 1;
	}
	return !ports;
}

INLINE int host_wanted(const struct segment *seg)
{
	u32 hosts = CFG(hosts);

	for (u32 i = 0; i < FILTER_HOSTS && i < hosts; i++) {
		u64 high = CFG(host[i].mask.word[0]), low = CFG(host[i].mask.word[1]);

		for (u32 end = 0; end < 2; end++) {
			if ((seg->key.addr[end].word[0] & high) == CFG(host[i].value.word[0]) &&
			    (seg->key.addr[end].word[1] & low) == CFG(host[i].value.word[1]))
				return 1;
		}
	}
	return !hosts;
}

INLINE int wanted(const struct segment *seg)
{
	if (CFG(no_ipv4) | CFG(no_ipv6)) {
		int v4 = address_is_v4(&seg->key.addr[0]);

		if (v4 ? CFG(no_ipv4) : CFG(no_ipv6))
			return 0;
	}
	return port_wanted(seg) && host_wanted(seg);
}

/* RST decides over SYN and FIN, SYN over FIN; SYN with either proves nothing. Nonzero: odd. */
INLINE int normalise_flags(struct segment *seg)
{
	if ((seg->flags & TCP_SYN) && (seg->flags & (TCP_RST | TCP_FIN)))
		return 1;
	if (seg->flags & TCP_RST)
		seg->flags &= ~TCP_FIN;
	return 0;
}

/*
 * The filter's bucket stands for many flows. Fingerprints tell nearly all of the
 * others from this one before a clock is read or a line touched, which is what
 * keeps data packets cheap while a flood fills the filter.
 */
INLINE u64 print_is_there(const struct segment *seg, u32 pending, u32 connections)
{
	u64 found = 0;

	if (pending)
		found |= prints_of_key(seg->hash, TABLE_PENDING);
	if (seg->watched & BUCKET_P_MASK)
		found |= seed_is_there(seg->hash);
	if (connections)
		found |= prints_of_key(seg->hash, TABLE_CONNECTIONS);
	return found;
}

#define ENGINE_GO_ON (-1)

/*
 * First half of what a parsed segment does: most end here. Returns its counter, with
 * BESIDE_..., or ENGINE_GO_ON.
 */
INLINE int engine_prepare(struct segment *seg)
{
	u32 *bucket;

	if (!wanted(seg))
		return C_filtered;
	if (normalise_flags(seg))
		return C_odd_flags;
	seg->hash = key_hash(&seg->key, &CFG(hash_keys));
	bucket = env_bucket(bucket_of_hash(seg->hash));
	seg->watched = bucket ? READ_ONCE(*bucket) : 0;
	if (seg->flags & TCP_RST)
		return print_is_there(seg, 1, 1) ? ENGINE_GO_ON : C_no_connection | BESIDE_STRAY_RST;
	if (seg->flags & TCP_CONTROL)
		return ENGINE_GO_ON;
	if (!seg->watched)
		return C_not_watched;
	return print_is_there(seg, seg->watched & BUCKET_P_MASK, seg->watched & ~BUCKET_P_MASK) ? ENGINE_GO_ON
													  : C_no_connection;
}

/* Is it worth asking the receiver's socket for its numbers? Only a FIN or RST of a connection is. */
INLINE int engine_wants_numbers(const struct segment *seg)
{
	return CFG(ask_sockets) && CFG(view) == VIEW_HOST && !(seg->place & HOOK_OUT) && !(seg->flags & TCP_SYN) &&
	       (seg->flags & (TCP_FIN | TCP_RST));
}

/*
 * Second half; seg->time is set. A segment whose flow is busy on another CPU is
 * put aside for the next tick; C_deferred says so. Else as engine_step().
 */
INLINE int engine_finish(struct segment *seg)
{
	int result = engine_step(seg);

	if (result != STEP_BUSY)
		return result;
	return env_defer(seg) ? C_contended : C_deferred;
}

#endif
