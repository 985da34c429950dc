// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bins do not say whose a count is. Looked at from the end, each answer is given to
 * the latest SYN that came before it, and each end to the latest answer: then
 * none waits for longer than it did in the model, and the order of the SYNs is that of
 * the answers and of the ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "packets.h"

/* A flow without a sign for 75 s is given up by the monitor. */
#define OPEN_TICKS (70 * TICKS_PER_SEC)

static u32 answers_of(const struct bin *bin, u32 left)
{
	return left < bin->refused ? PACKET_REFUSAL : PACKET_SYNACK;
}

static u32 ends_of(const struct bin *bin, u32 left)
{
	if (left < bin->completed)
		return PACKET_ACK;
	return left < bin->completed + bin->reset ? PACKET_SERVER_RST : PACKET_CLIENT_RST;
}

static int take_answer(struct handshake *h, u32 tick, u32 packet)
{
	if (h->begun > tick)
		return 0;
	h->answered = tick;
	h->answer = (u8)packet;
	return 1;
}

static int take_end(struct handshake *h, u32 tick, u32 packet)
{
	if (h->answered > tick || h->answer != PACKET_SYNACK)
		return 0;
	h->over = tick;
	h->end = (u8)packet;
	return 1;
}

struct stage {
	u32 (*packet)(const struct bin *bin, u32 left);
	int (*take)(struct handshake *h, u32 tick, u32 packet);
	u32 next; /* handshakes below it are free */
};

static void give(struct plan *plan, struct stage *stage, u32 tick, u32 count)
{
	for (u32 left = count; left--;) {
		const u32 packet = stage->packet(&plan->bins[tick], left);

		while (stage->next && !stage->take(&plan->handshakes[stage->next - 1], tick, packet))
			stage->next--;
		if (stage->next)
			stage->next--;
		else
			plan->unmet++;
	}
}

static void begin_all(struct plan *plan)
{
	struct handshake *h = plan->handshakes;

	for (u32 tick = 0; tick < plan->ticks; tick++)
		for (u32 i = 0; i < plan->bins[tick].syn; i++)
			*h++ = (struct handshake){ .begun = tick, .answered = NEVER, .over = NEVER, .last_syn = tick };
}

int plan_make(struct plan *plan, const struct bin *bins, u32 ticks)
{
	struct stage answers = { answers_of, take_answer, 0 }, ends = { ends_of, take_end, 0 };

	*plan = (struct plan){ .bins = bins, .ticks = ticks };
	for (u32 tick = 0; tick < ticks; tick++)
		plan->count += bins[tick].syn;
	plan->handshakes = calloc(plan->count + 1, sizeof(*plan->handshakes));
	if (!plan->handshakes)
		return -ENOMEM;
	begin_all(plan);
	answers.next = ends.next = plan->count;
	for (u32 tick = ticks; tick--;)
		give(plan, &answers, tick, bins[tick].refused + bins[tick].synack);
	for (u32 tick = ticks; tick--;)
		give(plan, &ends, tick, bins[tick].completed + bins[tick].reset + bins[tick].aborted);
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->handshakes);
}

struct writer {
	struct plan *plan;
	FILE *out;
	u64 time_ns, step_ns;
	u32 tick;
	u32 begun, answered, over; /* handshakes done with */
	u32 *waiting;		   /* who may send its SYN again, in the order of the last ones; a ring */
	u32 head, tail;
	int forged;
};

static void put(struct writer *w, u32 handshake, enum packet packet)
{
	wire_packet(w->out, w->time_ns, handshake, packet);
	w->time_ns += w->step_ns;
	w->plan->packets++;
}

static void wait_on(struct writer *w, u32 handshake)
{
	w->waiting[w->tail++ % w->plan->count] = handshake;
}

static void begin(struct writer *w)
{
	for (u32 i = 0; i < w->plan->bins[w->tick].syn; i++) {
		put(w, w->begun, PACKET_SYN);
		if (w->forged)
			put(w, w->begun, PACKET_FORGED_ACK);
		wait_on(w, w->begun++);
	}
}

static int is_open(const struct handshake *h, u32 tick)
{
	u32 sign = h->last_syn;

	if (h->answered < tick && h->answer == PACKET_REFUSAL)
		return 0;
	if (h->answered < tick && h->answered > sign)
		sign = h->answered;
	return h->over >= tick && tick - sign < OPEN_TICKS;
}

static void repeat(struct writer *w)
{
	for (u32 left = w->plan->bins[w->tick].syn_repeated; left;) {
		struct handshake *h;
		u32 handshake;

		if (w->head == w->tail) {
			w->plan->unmet += left;
			return;
		}
		handshake = w->waiting[w->head++ % w->plan->count];
		h = &w->plan->handshakes[handshake];
		if (!is_open(h, w->tick))
			continue;
		put(w, handshake, PACKET_SYN);
		/* the server says again what it said: that is no first SYN-ACK */
		if (h->answered < w->tick)
			put(w, handshake, PACKET_SYNACK);
		h->last_syn = w->tick;
		wait_on(w, handshake);
		left--;
	}
}

static void answer(struct writer *w)
{
	for (; w->answered < w->begun; w->answered++) {
		const struct handshake *h = &w->plan->handshakes[w->answered];

		if (h->answered == NEVER)
			continue;
		if (h->answered > w->tick)
			return;
		put(w, w->answered, h->answer);
	}
}

static void end(struct writer *w)
{
	for (; w->over < w->begun; w->over++) {
		const struct handshake *h = &w->plan->handshakes[w->over];

		if (h->over == NEVER)
			continue;
		if (h->over > w->tick)
			return;
		put(w, w->over, h->end);
	}
}

/* At most: not every SYN that is repeated is answered. */
static u32 packets_of(const struct bin *bin, int forged)
{
	return bin->syn * (forged ? 2 : 1) + bin->syn_repeated * 2 + bin->synack + bin->completed + bin->refused +
	       bin->reset + bin->aborted;
}

int plan_write(struct plan *plan, FILE *out, u64 start_ns, int forged)
{
	struct writer w = { .plan = plan, .out = out, .forged = forged };

	w.waiting = calloc(plan->count + 1, sizeof(*w.waiting));
	if (!w.waiting)
		return -ENOMEM;
	wire_head(out);
	for (; w.tick < plan->ticks; w.tick++) {
		const u32 packets = packets_of(&plan->bins[w.tick], forged);

		w.time_ns = start_ns + w.tick * TICK_NS;
		w.step_ns = packets ? TICK_NS / packets : 0;
		begin(&w);
		repeat(&w);
		answer(&w);
		end(&w);
	}
	free(w.waiting);
	return 0;
}
