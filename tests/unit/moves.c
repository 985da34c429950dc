/* SPDX-License-Identifier: GPL-2.0-only */
/* What can happen next in a world, and its happening. */
#include "world.h"

static void offer(struct moves *moves, enum move_kind kind, u32 which)
{
	if (moves->n < ARRAY_SIZE(moves->move))
		moves->move[moves->n++] = (struct move){ (u8)kind, (u8)which };
}

static int is_part_of(char c, u32 end)
{
	return end == CLIENT ? (c >= 'b' && c <= 'z') || c == 'O' : (c >= 'A' && c <= 'Z' && c != 'O') || c == 'a';
}

/* The next of an end's part; 0 when it is through. */
static char next_act(const struct world *w, u32 end)
{
	u32 n = w->played[end];

	for (const char *c = w->scenario->script; *c; c++) {
		if (is_part_of(*c, end) && n-- == 0)
			return *c;
	}
	return 0;
}

static int can_act(const struct world *w, u32 end)
{
	switch (next_act(w, end) | 0x20) {
	case 'a': /* a SYN that comes to one who has not sent his own is refused, or just answered */
		return w->end[end].state == STATE_CLOSED && w->end[PEER_OF(end)].state == STATE_SYN_SENT;
	case 'o':
		return w->end[end].state == STATE_CLOSED;
	case 'n':
		return w->end[end].state != STATE_CLOSED;
	case 'd':
		return oracle_can_send(&w->end[end]);
	case 'f':
	case 'l':
		return oracle_can_close(&w->end[end]);
	case 'r':
		return w->end[end].state != STATE_CLOSED;
	default:
		return 0;
	}
}

static void act(struct world *w, u32 end)
{
	struct endpoint *e = &w->end[end];
	char what = next_act(w, end);

	w->played[end]++;
	if (what == 'O')
		world_emit(w, end, oracle_open_with_data(e, 300));
	else if (what == 'o' || what == 'a')
		world_emit(w, end, oracle_open(e));
	else if (what == 'n')
		world_restart(w);
	else if (what == 'd' || what == 'D')
		world_emit(w, end, oracle_send(e, 1000));
	else if (what == 'r' || what == 'R')
		world_emit(w, end, oracle_abort(e));
	else
		world_emit(w, end, oracle_close(e, what == 'l' || what == 'L' ? 500 : 0));
	w->aborted |= what == 'r' || what == 'R';
}

/* Whose turn it is in the script as it is written, if he can; else the other's. */
static void offer_script(const struct world *w, struct moves *moves)
{
	u32 n[2] = { 0, 0 };

	for (const char *c = w->scenario->script; *c; c++) {
		u32 end = is_part_of(*c, CLIENT) ? CLIENT : SERVER;

		if (n[end]++ < w->played[end])
			continue;
		if (can_act(w, end))
			offer(moves, MOVE_ACT, end);
		else if (can_act(w, PEER_OF(end)))
			offer(moves, MOVE_ACT, PEER_OF(end));
		return;
	}
}

/* What a quiet network and patient ends would do next: nothing only at rest. */
static void offer_default(const struct world *w, struct moves *moves)
{
	const struct in_flight *oldest = NULL;

	for (u32 i = 0; i < FLIGHT_MAX; i++) {
		if (w->flight[i].used && (!oldest || w->flight[i].order < oldest->order))
			oldest = &w->flight[i];
	}
	if (oldest) {
		offer(moves, MOVE_ADVANCE, (u32)(oldest - w->flight));
		return;
	}
	for (u32 end = 0; end < 2 && !moves->n; end++) {
		if (oracle_owes_ack(&w->end[end]))
			offer(moves, MOVE_ACK, end);
	}
	/* in turn: two that repeat at the same moment would do so for ever */
	for (u32 i = 0; i < 2 && !moves->n; i++) {
		if (oracle_unacked(&w->end[(w->moves + i) & 1]))
			offer(moves, MOVE_REPEAT, (w->moves + i) & 1);
	}
	if (!moves->n)
		offer_script(w, moves);
}

static void offer_deviations(const struct world *w, struct moves *moves)
{
	for (u32 i = 0; i < FLIGHT_MAX; i++) {
		const struct in_flight *f = &w->flight[i];

		if (!f->used)
			continue;
		offer(moves, MOVE_ADVANCE, i);
		if (f->seen || w->scenario->lossy_before)
			offer(moves, MOVE_LOSE, i);
		offer(moves, MOVE_DOUBLE, i);
		if (!f->seen && w->scenario->blind)
			offer(moves, MOVE_BYPASS, i);
		if (!f->seen && !f->got && w->scenario->two_queues)
			offer(moves, MOVE_OVERTAKE, i);
	}
	for (u32 end = 0; end < 2; end++) {
		if (can_act(w, end))
			offer(moves, MOVE_ACT, end);
		if (oracle_owes_ack(&w->end[end]))
			offer(moves, MOVE_ACK, end);
		if (oracle_unacked(&w->end[end]))
			offer(moves, MOVE_REPEAT, end);
		if (oracle_unacked(&w->end[end]) && w->end[end].fin_sent)
			offer(moves, MOVE_REPEAT_FIN, end);
	}
}

void world_moves(const struct world *w, struct moves *moves)
{
	moves->n = 0;
	offer_default(w, moves);
	if (moves->n && w->chooser->budget)
		offer_deviations(w, moves);
}

void world_move(struct world *w, struct move move)
{
	struct in_flight *f = &w->flight[move.which % FLIGHT_MAX];

	switch ((enum move_kind)move.kind) {
	case MOVE_ADVANCE:
		world_advance(w, f);
		break;
	case MOVE_LOSE:
		world_drop(w, f);
		break;
	case MOVE_DOUBLE:
		world_put(w, f->sender, &f->packet, f->seen);
		break;
	case MOVE_BYPASS:
		w->bypassed = 1;
		world_deliver(w, f);
		break;
	case MOVE_OVERTAKE:
		world_overtake(w, f);
		break;
	case MOVE_ACK:
		world_emit(w, move.which, oracle_ack(&w->end[move.which]));
		break;
	case MOVE_ACT:
		act(w, move.which);
		break;
	case MOVE_REPEAT:
		world_emit(w, move.which, oracle_repeat(&w->end[move.which]));
		break;
	case MOVE_REPEAT_FIN:
		world_emit(w, move.which, oracle_repeat_fin(&w->end[move.which]));
		break;
	}
}
