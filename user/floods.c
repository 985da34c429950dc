/* SPDX-License-Identifier: GPL-2.0-only */
#include "floods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "floods_parts.h"

/* Who was stopped for longer than a minute is told of a minute at the same rates. */
#define LATE_MOST (60 * TICKS_PER_SEC)

/* A detector is idle some minutes after its last count; in a capture of decades none keeps the clock from going on. */
#define QUIET_MOST (60 * 60 * TICKS_PER_SEC)

int floods_new(struct floods **out, const struct floods_config *config, const struct floods_side *side, u64 tick)
{
	struct floods *floods = calloc(1, sizeof(*floods));

	if (!floods)
		return -ENOMEM;
	floods->config = *config;
	floods->side = *side;
	floods->tick = tick;
	floods->settled = tick ? tick + DETECT_SETTLING : 0;
	floods->rows = side->table.count;
	floods->subjects = 3 * floods->rows;
	floods->sums = calloc(floods->rows, sizeof(*floods->sums));
	floods->born = calloc(floods->rows, sizeof(*floods->born));
	floods->seen = calloc(floods->rows, sizeof(*floods->seen));
	floods->subject = calloc(floods->subjects, sizeof(*floods->subject));
	floods->run = calloc(floods->subjects, sizeof(*floods->run));
	floods->alarmed = calloc(floods->subjects, sizeof(*floods->alarmed));
	if (!floods->sums || !floods->born || !floods->seen || !floods->subject || !floods->run ||
	    !floods->alarmed || groups_new(floods)) {
		floods_free(floods);
		return -ENOMEM;
	}
	for (u32 i = 0; i < ARRAY_SIZE(floods->told); i++)
		floods->told[i].subject = NOBODY;
	bins_open(floods);
	*out = floods;
	return 0;
}

void floods_free(struct floods *floods)
{
	if (!floods)
		return;
	if (floods->bins)
		fclose(floods->bins);
	free(floods->sums);
	free(floods->born);
	free(floods->seen);
	free(floods->subject);
	free(floods->run);
	free(floods->alarmed);
	free(floods->chains);
	queues_free(floods);
	free(floods);
}

static void ask(struct floods *floods, u32 id, const struct bin *bin, u64 tick)
{
	struct subject *subject = &floods->subject[id];
	const struct detect_config config = {
		.sensitivity = floods->config.sensitivity,
		.min_rate = floods->config.min_rate,
		.sum = id >= floods->rows,
		.settling = tick <= floods->settled,
	};
	struct finding finding;
	enum found found;

	found = detect(&subject->detector, bin, evidence_of(floods, subject, tick), &config, &finding);
	if (found != FOUND_NOTHING)
		take_finding(floods, id, found, &finding, tick);
}

/* The i-th of n ticks since the last call. */
static void run_tick(struct floods *floods, u64 tick, u32 i, u32 n)
{
	for (u32 at = 0; at < floods->runs; at++) {
		u32 id = floods->run[at];
		struct subject *subject = &floods->subject[id];
		struct bin bin = bins_part(subject->fresh, i, n);

		note_fail(subject, &bin, tick);
		if (floods->bins && subject->attached)
			bins_print(floods, subject, &bin, tick);
		if (subject->running)
			ask(floods, id, &bin, tick);
	}
	if (floods->alarms)
		decide(floods, tick);
	floods->counts.ns += floods->counts.now * TICK_NS;
}

/* Who has to be asked in the next tick, whatever comes. */
static void keep_restless(struct floods *floods)
{
	u32 kept = 0;

	for (u32 at = 0; at < floods->runs; at++) {
		u32 id = floods->run[at];
		struct subject *subject = &floods->subject[id];

		memset(subject->fresh, 0, sizeof(subject->fresh));
		subject->listed = subject->running && !detect_idle(&subject->detector);
		if (subject->listed)
			floods->run[kept++] = id;
	}
	floods->runs = kept;
}

static void pass_quietly(struct floods *floods, u64 until)
{
	for (u32 n = 0; n < QUIET_MOST && floods->tick < until && floods->runs; n++) {
		floods->tick++;
		run_tick(floods, floods->tick, 0, 1);
		keep_restless(floods);
	}
	floods->tick = until;
}

void floods_tick(struct floods *floods, u64 tick, enum floods_gap gap)
{
	u64 late;

	if (!floods->tick)
		floods->tick = tick - 1;
	if (tick <= floods->tick)
		return;
	if (gap == FLOODS_QUIET)
		pass_quietly(floods, tick - 1);
	late = tick - floods->tick;
	if (late > LATE_MOST)
		late = LATE_MOST;
	bins_collect(floods, tick);
	for (u32 i = 0; i < late; i++)
		run_tick(floods, tick - late + 1 + i, i, (u32)late);
	keep_restless(floods);
	queues_tick(floods, tick);
	floods->tick = tick;
}

void floods_conclude(struct floods *floods, u64 time)
{
	for (u32 i = 0; i < ARRAY_SIZE(floods->told); i++) {
		if (floods->told[i].subject != NOBODY)
			tell_end(floods, floods->told[i].subject, time / TICK_NS);
	}
	for (u32 row = 0; row < floods->rows; row++)
		groups_detach(floods, row, time / TICK_NS);
}

const struct floods_counts *floods_counts(const struct floods *floods)
{
	return &floods->counts;
}
