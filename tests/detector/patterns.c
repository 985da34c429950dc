// SPDX-License-Identifier: GPL-2.0-only
#include "patterns.h"

#define SECOND TICKS_PER_SEC
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* Traffic that wanders by some per cent within seconds. */
static void wander(struct world *world, struct pattern_state *state, double spread, double seconds)
{
	double keep = 1 - 1 / (seconds * SECOND);

	state->level = state->level * keep + spread * sqrt(1 - keep * keep) * normal(&world->random);
	world->rate = state->base * exp(state->level);
}

/* Whether an episode begins now; they come every `mean` ticks or so, and last as long as is drawn. */
static int begins(struct world *world, struct pattern_state *state, double mean, double least, double most)
{
	if (!state->next)
		state->next = world->now + (u64)(mean * uniform(&world->random));
	if (world->now < state->next)
		return 0;
	state->from = world->now;
	state->until = world->now + (u64)between_log(&world->random, least, most);
	state->next = state->until + (u64)(mean * -log(1 - uniform(&world->random)));
	return 1;
}

static int lasts(const struct world *world, const struct pattern_state *state)
{
	return world->now < state->until;
}

static void diurnal_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 100, 5000);
}

static void diurnal(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.1, 20);
	world->rate *= 1 - 0.9 * cos(2 * M_PI * (double)(world->now % DAY) / DAY);
}

static void bursts_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 5, 500);
}

static void bursts(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.3, 5);
	if (begins(world, state, 2 * MINUTE, 1, 10 * SECOND))
		state->height = between_log(&world->random, 2, 20);
	if (lasts(world, state))
		world->rate *= state->height;
}

static void crowds_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 5, 1000);
	world->clients.lag = lag_of(between_log(&world->random, 20, 120), 0.7);
}

static void crowds(struct world *world, struct pattern_state *state)
{
	double rise;

	wander(world, state, 0.15, 10);
	if (begins(world, state, HOUR, MINUTE, 30 * MINUTE)) {
		state->height = between_log(&world->random, 4, 60);
		/* in one step, or over half a minute */
		state->scan_until = world->now + (u64)between_log(&world->random, 1, 30 * SECOND);
	}
	if (!lasts(world, state))
		return;
	rise = world->now >= state->scan_until ? 1 : (double)(world->now - state->from) /
						     (double)(state->scan_until - state->from);
	world->rate *= 1 + (state->height - 1) * rise;
}

static void slow_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 20, 1000);
	world->server.lag = lag_of(between_log(&world->random, 50, 500), 0.5);
}

/* An answer takes its time, and now and then the path to the clients stands still. */
static void slow(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.2, 10);
	if (begins(world, state, 3 * MINUTE, 2, 3 * SECOND))
		world->stalled_until = state->until;
}

static void lossy_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 20, 2000);
	world->clients.loss = between(&world->random, 0.03, 0.15);
	world->clients.fail = between(&world->random, 0.01, 0.05);
}

static void lossy(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.2, 10);
	if (begins(world, state, HOUR, MINUTE, 20 * MINUTE))
		state->height = between_log(&world->random, 2, 8);
	if (lasts(world, state))
		world->rate *= state->height;
}

static void scans_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 0.1, 20);
	world->clients.fail = 0.01;
}

/* A scanner of the whole network that comes by here: SYN, and RST to the SYN-ACK. */
static void scans(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.2, 10);
	if (begins(world, state, 10 * MINUTE, 1, MINUTE))
		state->height = between_log(&world->random, 0.1, 10);
	if (lasts(world, state))
		world->probes[world->now % AHEAD] += poisson(&world->random, state->height / TICKS_PER_SEC);
}

/* All ports of an address, most of them closed, seen as one. */
static void sweep_begin(struct world *world, struct pattern_state *state)
{
	(void)state;
	world->server.state = SERVER_REFUSES;
	world->again = 0;
}

static void sweep(struct world *world, struct pattern_state *state)
{
	if (begins(world, state, 20 * MINUTE, 10 * SECOND, 5 * MINUTE))
		state->height = between_log(&world->random, 10, 1000);
	world->rate = lasts(world, state) ? state->height : 0;
}

static void restart_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 5, 2000);
}

/* Some seconds of RSTs or of nothing at all; the clients come again. */
static void restart(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.2, 10);
	if (begins(world, state, 30 * MINUTE, SECOND, 15 * SECOND))
		world->server.state = chance(&world->random, 0.5) ? SERVER_REFUSES : SERVER_SILENT;
	if (!lasts(world, state))
		world->server.state = SERVER_UP;
}

static void checks_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 0.5, 200);
	state->checkers = (u32)between_log(&world->random, 2, 200);
	state->height = chance(&world->random, 0.5); /* all at once, or evenly */
}

/* Each checker asks every two seconds, and once in an hour up to a fifth are added or taken away. */
static void checks(struct world *world, struct pattern_state *state)
{
	const u64 period = 2 * SECOND;

	wander(world, state, 0.2, 10);
	if (begins(world, state, HOUR, 1, 2))
		state->checkers = (u32)(between(&world->random, 0.8, 1.2) * (state->checkers < 180 ? state->checkers : 180)) + 1;
	if (state->height > 0) {
		if (world->now % period == 0)
			world->probes[world->now % AHEAD] += state->checkers;
		return;
	}
	world->probes[world->now % AHEAD] += (u32)(state->checkers * (world->now % period + 1) / period -
						   state->checkers * (world->now % period) / period);
}

static void nat_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 5, 500);
	world->clients.lag = lag_of(between_log(&world->random, 20, 150), 0.3);
}

/* Many clients behind one address: they come in waves, and lose their way together, and a wave follows. */
static void nat(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.4, 5);
	if (begins(world, state, 10 * MINUTE, 3 * SECOND, 8 * SECOND)) {
		state->height = between_log(&world->random, 1, 5);
		if (chance(&world->random, 0.5))
			world->stalled_until = world->now + (u64)between_log(&world->random, 1, 2 * SECOND);
	}
	if (lasts(world, state) && world->now >= world->stalled_until)
		world->rate *= state->height;
}

static void quiet_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 0.005, 2);
	world->clients.lag = lag_of(between_log(&world->random, 10, 150), 0.5);
}

/* Almost nothing, and now and then the connections of a page. */
static void quiet(struct world *world, struct pattern_state *state)
{
	world->rate = state->base;
	if (begins(world, state, 5 * MINUTE, 1, SECOND))
		state->height = between_log(&world->random, 5, 60);
	if (lasts(world, state))
		world->rate += state->height;
}

static void far_begin(struct world *world, struct pattern_state *state)
{
	state->base = between_log(&world->random, 5, 1000);
	world->clients.lag = lag_of(between_log(&world->random, 250, 600), 0.4);
	world->clients.loss = 0.03;
}

/* Phones and satellites: round trips of half a second, in waves. */
static void far_away(struct world *world, struct pattern_state *state)
{
	wander(world, state, 0.2, 10);
	if (begins(world, state, 20 * MINUTE, 5 * SECOND, 5 * MINUTE))
		state->height = between_log(&world->random, 2, 10);
	if (lasts(world, state))
		world->rate *= state->height;
}

const struct pattern patterns[] = {
	{ "diurnal", "100 to 5,000 opens a second at noon, a tenth at night", diurnal_begin, diurnal, 0 },
	{ "bursts", "2 to 20 times as many for up to 10 s", bursts_begin, bursts, 0 },
	{ "flash crowds", "4 to 60 times as many for minutes, at once or within half a minute", crowds_begin, crowds, 0 },
	{ "slow server", "SYN-ACKs after 50 to 500 ms, ACKs held for up to 3 s", slow_begin, slow, 0 },
	{ "lossy clients", "3 to 15 % of SYN-ACKs lost, 1 to 5 % of clients vanish, crowds", lossy_begin, lossy, 0 },
	{ "port scans", "scanners that come by, up to 10 SYN/s", scans_begin, scans, 0 },
	{ "sweeps", "a scan of all ports of an address, up to 1,000 SYN/s, refused", sweep_begin, sweep, 1 },
	{ "server restart", "1 to 15 s of RSTs or of nothing, clients come again", restart_begin, restart, 0 },
	{ "health checks", "2 to 200 checkers every 2 s: SYN, SYN-ACK, RST", checks_begin, checks, 0 },
	{ "NAT gateway", "waves of clients behind one address, stalled together", nat_begin, nat, 0 },
	{ "quiet", "an open a second or less, and pages of up to 60", quiet_begin, quiet, 0 },
	{ "far clients", "round trips of 250 to 600 ms, in waves", far_begin, far_away, 0 },
};

const u32 pattern_count = ARRAY_SIZE(patterns);
