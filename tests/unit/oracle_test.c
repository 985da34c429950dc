/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine in the middle of two endpoints that keep to RFC 9293, against what
 * these know of themselves: all histories with few deviations from the quiet
 * course of a scenario, then longer ones drawn at random.
 *
 * TCPSHAKE_LONG=1 goes one deviation deeper and draws many times more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "balance.h"
#include "names.h"
#include "world.h"

#define BIT(state) (1u << (state))

static struct world world;
static u32 proofs_seen[2];  /* of this history, by the key's ends */
static struct tally begun;   /* what was counted before it */

/* --- what must hold after each packet --- */

/*
 * What a monitor in passing cannot know: that an end has got the other's FIN
 * already, before its ACK comes by; that it has closed before it was opened,
 * while its FIN is on the way.
 */
static u32 indistinguishable(u32 states)
{
	if ((states & BIT(STATE_SYN_RCVD)) && (states & BIT(STATE_FIN_WAIT_1)))
		states |= BIT(STATE_ESTABLISHED);
	if (states & (BIT(STATE_CLOSING) | BIT(STATE_TIME_WAIT)))
		states |= BIT(STATE_FIN_WAIT_2) | BIT(STATE_CLOSE_WAIT);
	return states;
}

/* A copy of a FIN that never passed, or not yet: who closed second may be told wrong. */
static u32 order_unknown(u32 states)
{
	if (states & (BIT(STATE_CLOSING) | BIT(STATE_LAST_ACK)))
		states |= BIT(STATE_CLOSING) | BIT(STATE_LAST_ACK);
	if (states & (BIT(STATE_CLOSED) | BIT(STATE_TIME_WAIT)))
		states |= BIT(STATE_CLOSED) | BIT(STATE_TIME_WAIT);
	return states;
}

static void fault(struct world *w, const char *what)
{
	if (!w->fault)
		w->fault = what;
}

static void check_proofs_grow(struct world *w, const struct shown *view)
{
	for (u32 e = 0; e < 2; e++) {
		u32 proofs = word_proofs(view->word, e);

		if (proofs_seen[e] & ~proofs)
			fault(w, "a proof was taken back");
		proofs_seen[e] = proofs;
	}
}

static int reset_happened(const struct world *w)
{
	/* the RST of an end that is through may be seen before the ACK that it got, and be believed */
	return w->aborted || w->lives > 1 || w->end[CLIENT].was_reset || w->end[SERVER].was_reset ||
	       (w->scenario->two_queues && w->rst_seen);
}

static int fins_on_the_way(const struct world *w)
{
	for (u32 i = 0; i < FLIGHT_MAX; i++) {
		if (w->flight[i].used && !w->flight[i].seen && (w->flight[i].packet.flags & TCP_FIN))
			return 1;
	}
	return 0;
}

static void after_packet(struct world *w)
{
	struct shown view = world_shown(w);
	const u64 *count = w->engine->tally.count;

	if (count[C_internal_error])
		fault(w, "internal error");
	if (w->lives < 2 && count[C_fin_disproved] != begun.count[C_fin_disproved])
		fault(w, "a true FIN was disproved");
	/* a RST that overtook what was sent before it is no lie either; but only time will tell */
	if (!reset_happened(w) && count[C_rst_disproved] != begun.count[C_rst_disproved])
		fault(w, "a RST was disproved that was none");
	/* a refused handshake may be answered yet, and unseen packets make two of one */
	if (!reset_happened(w) && !w->bypassed && (w->opens > 1 || w->closes > 1))
		fault(w, "opened or closed twice");
	if (!view.found)
		return;
	/* what came first may have been taken for another connection's */
	if (!w->bypassed && !reset_happened(w))
		check_proofs_grow(w, &view);
	/* of two queues it knows in passing what came through both */
	for (u32 e = 0; e < 2 && !reset_happened(w) && !w->bypassed && !w->scenario->two_queues; e++) {
		u32 allowed = indistinguishable(w->end[e].visited | w->could[e]);

		if (w->lost_unseen || fins_on_the_way(w))
			allowed = order_unknown(allowed);
		if (!(allowed & BIT(view.state[e])))
			fault(w, e == CLIENT ? "the client never was in that state" : "the server never was in that state");
	}
}

/* At the monitor's own end nothing is under way: it is exact at any time, up to the reset of what it had. */
static void after_move(struct world *w)
{
	u32 end = w->scenario->stand == STAND_AT_CLIENT ? CLIENT : SERVER;
	struct shown view = world_shown(w);

	if (w->scenario->stand == STAND_BETWEEN || w->lives > 1 || w->end[end].was_reset || oracle_owes_ack(&w->end[end]) || !view.found)
		return;
	if (view.state[end] != w->end[end].state)
		fault(w, "the state of its own end is not exact");
}

/* --- what must hold at rest --- */

/*
 * A settled connection is not watched: the ACK of a FIN that passes before the
 * FIN does is not looked at. What is shown then, until an ACK comes again.
 */
static const u32 unacknowledged[TCP_STATES] = {
	[STATE_CLOSED] = BIT(STATE_LAST_ACK),
	[STATE_CLOSE_WAIT] = BIT(STATE_ESTABLISHED),
	[STATE_FIN_WAIT_2] = BIT(STATE_FIN_WAIT_1),
	[STATE_TIME_WAIT] = BIT(STATE_FIN_WAIT_2) | BIT(STATE_CLOSING),
};

static void check_rest(struct world *w)
{
	struct shown view = world_shown(w);

	if (w->aborted || w->end[CLIENT].was_reset || w->end[SERVER].was_reset || !view.found ||
	    (w->scenario->two_queues && (w->rst_seen || w->lives > 1)))
		return;
	if (w->stale || (w->lives > 1 && w->end[SERVER].listening))
		return;
	for (u32 e = 0; e < 2; e++) {
		u32 exact = BIT(w->end[e].state);

		if (w->bypassed)
			continue;
		if (w->lost_unseen)
			exact = order_unknown(exact);
		if (w->ack_first)
			exact |= unacknowledged[w->end[e].state];
		if (!(exact & BIT(view.state[e])))
			fault(w, e == CLIENT ? "at rest the client's state is not exact"
					     : "at rest the server's state is not exact");
	}
}

/* A SYN that comes last of all, after the ACK of the SYN-ACK, finds the connection adopted. */
static void check_opened(struct world *w)
{
	u64 adopted = w->engine->tally.count[C_begun_by_adoption] - begun.count[C_begun_by_adoption];
	int synchronised = oracle_unacked(&w->end[CLIENT]) || !w->end[CLIENT].synchronised ||
			   !w->end[SERVER].synchronised ? 0 : 1;

	if (reset_happened(w) || w->bypassed)
		return;
	if (w->opens + adopted != (u64)synchronised)
		fault(w, synchronised ? "an open was not told" : "an open was told that was none");
}

/* What began has ended, once each; a stray SYN-ACK that nothing came of is told as well. */
static void check_closed(struct world *w)
{
	const u64 *count = w->engine->tally.count;
	u64 began = count[C_handshakes_started] - begun.count[C_handshakes_started] +
		    count[C_begun_by_adoption] - begun.count[C_begun_by_adoption];
	u64 strays = count[C_adoptions_expired] - begun.count[C_adoptions_expired];

	for (u32 slot = 0; slot < w->engine->config.table[TABLE_SERVICES].first_line * LINE_WORDS; slot++) {
		if (w->engine->lines[slot])
			fault(w, "something stands for ever");
	}
	if (w->closes < began || w->closes > began + strays)
		fault(w, "not exactly one close each");
	if (w->bypassed || reset_happened(w))
		return;
	if (w->closes != 1)
		fault(w, "not exactly one close");
	if ((w->end[CLIENT].fin_sent && w->end[SERVER].fin_sent) != (w->close.detail == HOW_FIN))
		fault(w, "closed, but how?");
}

static void check_balance(struct world *w)
{
	const char *what = balance_fault_quick(w->engine, w->events);

	if (what)
		fault(w, what);
}

static void print_history(const struct world *w, const struct chooser *chooser)
{
	struct shown view = world_shown((struct world *)w);

	print_error("%s, scenario %s, choices", w->fault, w->scenario->name);
	for (u32 i = 0; i < chooser->at; i++)
		print_error(" %u", chooser->path[i]);
	fprintf(stderr, "\n");
	world_print_diary(w, stderr);
	print_error("shown %s/%s, true %s/%s, %u opens, %u closes (%s)\n", state_name(view.state[CLIENT]),
		    state_name(view.state[SERVER]), state_name(w->end[CLIENT].state),
		    state_name(w->end[SERVER].state), w->opens, w->closes, how_name(w->close.detail));
}

static void one_history(const struct scenario *scenario, struct chooser *chooser)
{
	struct world *w = &world;

	proofs_seen[0] = proofs_seen[1] = 0;
	begun = w->engine->tally;
	world_play(w, scenario, chooser);
	if (!w->fault)
		check_rest(w);
	if (!w->fault)
		check_opened(w);
	if (!w->fault) {
		world_end(w);
		check_closed(w);
		check_balance(w);
	}
	if (!w->fault)
		return;
	print_history(w, chooser);
	fail();
}

/* --- scenarios --- */

static const struct scenario scenarios[] = {
	{ .name = "client closes first", .script = "odDdfF" },
	{ .name = "server closes first", .script = "odDFf" },
	{ .name = "three way close", .script = "ofF" },
	{ .name = "data with the FINs", .script = "oldL" },
	{ .name = "half close", .script = "ofDDDF" },
	{ .name = "never closed", .script = "odDd" },
	{ .name = "opened and no more", .script = "o" },
	{ .name = "opened with data and no more", .script = "od" },
	{ .name = "the server closes and no more", .script = "oF" },
	{ .name = "one end never closes", .script = "odf" },
	{ .name = "server closes in SYN_RCVD", .script = "oFf" },
	{ .name = "simultaneous open", .script = "oafF" },
	{ .name = "fast open", .script = "ODfF" },
	{ .name = "client aborts", .script = "odDr" },
	{ .name = "server aborts", .script = "odDR" },
	{ .name = "client restarts", .script = "odnDdfF" },
	{ .name = "client restarts while closing", .script = "ofDnFD" },
	{ .name = "client restarts in the handshake", .script = "ondDF" },
	{ .name = "client restarts twice", .script = "onnFf" },
	{ .name = "abort while closing", .script = "ofdR" },
};

/* The same, in each of these surroundings. */
static const struct scenario surroundings[] = {
	{ .name = "between", .stand = STAND_BETWEEN },
	{ .name = "between, with losses in front of it", .stand = STAND_BETWEEN, .lossy_before = 1 },
	{ .name = "between, some unseen", .stand = STAND_BETWEEN, .lossy_before = 1, .blind = 1 },
	{ .name = "in two queues", .stand = STAND_BETWEEN, .two_queues = 1 },
	{ .name = "at the client", .stand = STAND_AT_CLIENT, .lossy_before = 1 },
	{ .name = "at the server", .stand = STAND_AT_SERVER, .lossy_before = 1 },
};

static struct scenario placed(u32 i, const struct scenario *where)
{
	struct scenario scenario = *where;

	scenario.name = scenarios[i].name;
	scenario.script = scenarios[i].script;
	return scenario;
}

static int long_run(void)
{
	return getenv("TCPSHAKE_LONG") != NULL;
}

static u32 walk(const struct scenario *scenario, u32 budget)
{
	struct chooser chooser = { .budget = budget };
	u32 n = 0;

	do {
		one_history(scenario, &chooser);
		n++;
	} while (chooser_next(&chooser, budget));
	return n;
}

static u32 drawn(const struct scenario *scenario, u64 seed, u32 histories)
{
	u32 n;

	for (n = 0; n < histories; n++) {
		struct chooser chooser = { .budget = 8 + n % 25, .random = (seed << 32 | (n + 1)) * HASH_MULTIPLIER | 1,
					   .odds = 24 + n % 160 };

		one_history(scenario, &chooser);
	}
	return n;
}

static void in_surroundings(const struct scenario *where)
{
	u32 walked = 0, draws = 0;

	for (u32 i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct scenario scenario = placed(i, where);

		/* those with a second life are twice as long: in the default run in one place */
		walked += walk(&scenario, long_run() ? 3 : strchr(scenario.script, 'n') && where != surroundings ? 1 : 2);
		draws += drawn(&scenario, i + 1, long_run() ? 200000 : 1500);
	}
	print_message("%s: %u histories in order, %u drawn\n", where->name, walked, draws);
}

static void between(void **state)
{
	(void)state;
	in_surroundings(&surroundings[0]);
}

static void lossy(void **state)
{
	(void)state;
	in_surroundings(&surroundings[1]);
}

static void blind(void **state)
{
	(void)state;
	in_surroundings(&surroundings[2]);
}

static void two_queues(void **state)
{
	(void)state;
	in_surroundings(&surroundings[3]);
}

static void at_client(void **state)
{
	(void)state;
	in_surroundings(&surroundings[4]);
}

static void at_server(void **state)
{
	(void)state;
	in_surroundings(&surroundings[5]);
}

static int open_world(void **state)
{
	(void)state;
	world_seen = after_packet;
	world_moved = after_move;
	return world_new(&world);
}

static int close_world(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(between, open_world, close_world),
		cmocka_unit_test_setup_teardown(lossy, open_world, close_world),
		cmocka_unit_test_setup_teardown(blind, open_world, close_world),
		cmocka_unit_test_setup_teardown(two_queues, open_world, close_world),
		cmocka_unit_test_setup_teardown(at_client, open_world, close_world),
		cmocka_unit_test_setup_teardown(at_server, open_world, close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
