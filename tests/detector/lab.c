// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "lab.h"

#define WARM_TICKS (180 * TICKS_PER_SEC)
#define FLOOD_TICKS (30 * TICKS_PER_SEC)
#define AFTER_TICKS (30 * TICKS_PER_SEC)
#define HOSTS 50		/* of a flood from few hosts */
#define OPENS_PER_CLIENT 2	/* in the time of a flood */

static struct detect_config settings(u64 tick, u32 sum)
{
	return (struct detect_config){
		.sensitivity = DETECT_SENSITIVITY,
		.min_rate = DETECT_MIN_RATE,
		.sum = sum,
		.settling = tick < DETECT_SETTLING,
	};
}

struct day run_day(const struct pattern *pattern, u64 seed, u64 ticks, int met)
{
	static struct world world;
	struct pattern_state state = { 0 };
	struct detector detector = { 0 };
	struct finding finding;
	struct day day = { 0 };

	world_begin(&world, seed);
	pattern->begin(&world, &state);
	if (met) /* what happens now and then happens now */
		state.next = 1 + (u64)(uniform(&world.random) * 60 * TICKS_PER_SEC);
	for (u64 tick = 0; tick < ticks; tick++) {
		struct detect_config config = settings(tick + (met ? DETECT_SETTLING : 0), pattern->sum);
		struct bin bin;

		pattern->tick(&world, &state);
		bin = world_tick(&world);
		switch (detect(&detector, &bin, NULL, &config, &finding)) {
		case FOUND_FLOOD_START:
			day.alarms++;
			break;
		case FOUND_CROWD_START:
			day.crowds++;
			break;
		case FOUND_SILENT_START:
			day.silences++;
			break;
		default:
			break;
		}
	}
	return day;
}

/* What a description of the sources would hold: those of the flood, and the clients. */
static struct evidence sources_since(const struct world *world, u64 clients, u64 flood)
{
	u64 forged = world->flood_seen - flood, real = world->clients_seen - clients;

	if (world->flood.kind == FLOOD_FEW || world->flood.kind == FLOOD_STACKS)
		forged = forged < HOSTS ? forged : HOSTS;
	return (struct evidence){
		.noted = world->flood_seen - flood + real,
		.sources = forged + real / OPENS_PER_CLIENT,
	};
}

static void begin_attack(struct world *world, const struct attack *attack, u64 seed)
{
	world_begin(world, seed);
	world->server.cookies = attack->cookies;
	world->clients.lag = lag_of(between_log(&world->random, 20, 120), 0.7);
}

enum verdict true_verdict(const struct attack *attack)
{
	if (!attack->cookies || attack->dead || attack->kind == FLOOD_UNANSWERED)
		return VERDICT_SERVER_SILENT;
	return attack->kind == FLOOD_FEW || attack->kind == FLOOD_STACKS ? VERDICT_REAL_HOSTS : VERDICT_SPOOFED;
}

struct outcome run_attack(const struct attack *attack, u64 seed)
{
	static struct world world;
	struct detector detector = { 0 };
	struct outcome outcome = { .latency_s = -1, .verdict = -1 };
	u64 start, clients = 0, flood = 0, told = 0;
	double level = 0, phase;

	begin_attack(&world, attack, seed);
	start = (attack->warm_s ? attack->warm_s * TICKS_PER_SEC : WARM_TICKS) + random_u64(&world.random) % 100;
	phase = uniform(&world.random);
	for (u64 tick = 0; tick < start + FLOOD_TICKS + AFTER_TICKS; tick++) {
		const double keep = 1 - 1.0 / 100;
		struct detect_config config = settings(tick, (u32)attack->sum);
		struct evidence evidence;
		struct finding finding;
		struct bin bin;

		level = level * keep + 0.15 * sqrt(1 - keep * keep) * normal(&world.random);
		world.rate = attack->opens * exp(level);
		if (tick == start) {
			world.flood = (struct flood){
				.kind = attack->kind, .rate = attack->rate, .since = tick, .on_s = attack->on_s,
				.off_s = attack->off_s, .ramp_s = attack->ramp_s,
				/* it begins somewhere within the tick */
				.owed = -attack->rate / TICKS_PER_SEC * phase,
			};
		}
		if (tick == start + FLOOD_TICKS)
			world.flood.rate = 0;
		world.server.state = attack->dead && world.flood.rate > 0 ? SERVER_SILENT : SERVER_UP;
		bin = world_tick(&world);
		evidence = sources_since(&world, clients, flood);
		switch (detect(&detector, &bin, &evidence, &config, &finding)) {
		case FOUND_FLOOD_START:
			outcome.early += tick < start;
			outcome.starts++;
			clients = world.clients_seen;
			flood = world.flood_seen;
			told = tick;
			if (outcome.latency_s < 0 && tick >= start)
				outcome.latency_s = (double)(tick + 1 - start) / TICKS_PER_SEC -
						    phase / TICKS_PER_SEC;
			break;
		case FOUND_FLOOD_UPDATE:
			outcome.overtold += tick - told < TICKS_PER_SEC;
			told = tick;
			if (tick < start + FLOOD_TICKS)
				outcome.verdict = finding.verdict;
			break;
		case FOUND_FLOOD_END:
			outcome.ends++;
			outcome.end_s = ((double)tick - (double)(start + FLOOD_TICKS + FLOOD_CALM - 1)) / TICKS_PER_SEC;
			break;
		default:
			break;
		}
	}
	return outcome;
}
