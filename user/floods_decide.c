/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One flood, one alarm. A flood at one service raises the sums over its address
 * and its prefix too; a sweep raises many services at once. So whoever is in alarm
 * is told only when no one else stands for it:
 *
 *  - a part, when most of what fails to complete in its sum is its own;
 *  - a sum, when that is so of none of its parts, or when floods were told of
 *    several of its parts since it is in alarm: one that wanders;
 *  - whoever outlasts those that stood for it.
 */
#include "floods_parts.h"

#define PART_WAIT  (1 * TICKS_PER_SEC) /* for a sum in which a part is lost */
#define SUM_WAIT   2		       /* ticks for the part that has most of it */
#define GRACE	   (5 * TICKS_PER_SEC) /* an alarm that outlives its cover by this is one of its own */
#define SCATTERED  (1 * TICKS_PER_SEC) /* what was told is the lesser half for so long: the sum takes over */
#define SIGNS_WITHIN (1 * TICKS_PER_SEC) /* an alarm without a sign for so long is only waiting for its end */
#define BELOW_MOST 2		       /* floods told of parts; with one more the sum takes over */

/*
 * A leaking sum over some eight ticks. Without the completions' lag it is rough,
 * and good enough to say who has the most in a flood.
 */
u64 recent_fail(const struct subject *subject, u64 tick)
{
	u64 fail = subject->fail, gap = tick - subject->taken;

	if (gap > 10 * TICKS_PER_SEC)
		return 0;
	while (gap--)
		fail -= fail / 8;
	return fail;
}

void note_fail(struct subject *subject, const struct bin *bin, u64 tick)
{
	u32 failed = bin->syn > bin->completed ? bin->syn - bin->completed : 0;

	subject->fail = recent_fail(subject, tick) + 16ULL * failed;
	subject->taken = tick;
}

void alarm_begin(struct floods *floods, u32 id)
{
	struct subject *subject = &floods->subject[id];

	if (subject->alarmed)
		return;
	floods->alarmed[floods->alarms++] = id;
	subject->alarmed = floods->alarms;
	subject->waited = subject->below = subject->scattered = subject->covered = 0;
}

void alarm_end(struct floods *floods, u32 id)
{
	struct subject *subject = &floods->subject[id];
	u32 last;

	if (!subject->alarmed)
		return;
	last = floods->alarmed[--floods->alarms];
	floods->alarmed[subject->alarmed - 1] = last;
	floods->subject[last].alarmed = subject->alarmed;
	subject->alarmed = 0;
}

/* --- what the detector found --- */

/* A row of one service: not of what an address or prefix has beside its services. */
static int is_service(const struct floods *floods, u32 id)
{
	return id < floods->rows && floods->subject[id].port;
}

/* In a flood of its address, a port that does not answer is nothing of its own. */
static int in_alarm_above(const struct floods *floods, u32 id)
{
	for (id = floods->subject[id].parent; id != NOBODY; id = floods->subject[id].parent) {
		if (floods->subject[id].alarmed)
			return 1;
	}
	return 0;
}

static void take_silence(struct floods *floods, u32 id, enum phase phase, const struct finding *finding, u64 tick)
{
	struct subject *subject = &floods->subject[id];

	if (phase == PHASE_START ? !is_service(floods, id) || floods->config.one_sided || subject->silent ||
					   in_alarm_above(floods, id) || queues_explain(floods, id, tick)
				 : !subject->silent || subject->overflows)
		return;
	subject->silence = *finding;
	/* that it answers some is a full queue's sign; where the queue can be asked and has room, it is a firewall's */
	if (finding->silent == SILENT_OVERFLOW && is_here(floods, subject))
		subject->silence.silent = SILENT_NO_ANSWER;
	if (phase == PHASE_START)
		subject->silent_tick = tick;
	tell_silent(floods, id, phase, tick);
}

static void take_crowd(struct floods *floods, u32 id, enum phase phase, u64 tick)
{
	if (!floods->config.crowds || !is_service(floods, id) ||
	    floods->subject[id].crowd == (phase == PHASE_START))
		return;
	tell_crowd(floods, id, phase, tick);
}

void take_finding(struct floods *floods, u32 id, enum found found, const struct finding *finding, u64 tick)
{
	struct subject *subject = &floods->subject[id];

	if (found == FOUND_SILENT_START || found == FOUND_SILENT_END) {
		take_silence(floods, id, found == FOUND_SILENT_START ? PHASE_START : PHASE_END, finding, tick);
		return;
	}
	subject->found = *finding;
	switch (found) {
	case FOUND_FLOOD_START:
		queues_interrupt(floods, id, tick);
		alarm_begin(floods, id);
		break;
	case FOUND_FLOOD_UPDATE:
		if (subject->told != NOBODY)
			tell_update(floods, id, tick);
		break;
	case FOUND_FLOOD_END:
		if (subject->told != NOBODY)
			tell_end(floods, id, tick);
		alarm_end(floods, id);
		break;
	case FOUND_CROWD_START:
		take_crowd(floods, id, PHASE_START, tick);
		break;
	case FOUND_CROWD_END:
		take_crowd(floods, id, PHASE_END, tick);
		break;
	default:
		break;
	}
}

/* --- who is told --- */

int is_told_above(const struct floods *floods, u32 id)
{
	for (id = floods->subject[id].parent; id != NOBODY; id = floods->subject[id].parent) {
		if (floods->subject[id].told != NOBODY)
			return 1;
	}
	return 0;
}

/* What of a sum's failures those of its parts have that were told; 0: none was. */
static u64 told_below(const struct floods *floods, u32 sum, u64 tick)
{
	u64 fail = 0;

	for (u32 i = 0; i < TOLD_MOST; i++) {
		u32 id = floods->told[i].subject;

		if (id != NOBODY && is_part_of(floods, id, sum))
			fail += recent_fail(&floods->subject[id], tick) + 1;
	}
	return fail;
}

/* The sum is told in place of its parts. */
static void take_over(struct floods *floods, u32 sum, u64 tick)
{
	for (u32 i = 0; i < TOLD_MOST; i++) {
		u32 id = floods->told[i].subject;

		if (id != NOBODY && is_part_of(floods, id, sum))
			tell_end(floods, id, tick);
	}
	tell_start(floods, sum, tick);
}

static void tell_own(struct floods *floods, u32 id, u64 tick)
{
	u32 above = floods->subject[id].parent;

	for (; above != NOBODY; above = floods->subject[above].parent) {
		if (floods->subject[above].alarmed && ++floods->subject[above].below > BELOW_MOST) {
			take_over(floods, above, tick);
			return;
		}
	}
	tell_start(floods, id, tick);
}

static int has_most_of(const struct floods *floods, u32 part, u32 sum, u64 tick)
{
	return recent_fail(&floods->subject[part], tick) * 2 > recent_fail(&floods->subject[sum], tick);
}

static int has_most_above(const struct floods *floods, u32 id, u64 tick)
{
	for (u32 above = floods->subject[id].parent; above != NOBODY; above = floods->subject[above].parent) {
		if (!has_most_of(floods, id, above, tick))
			return 0;
	}
	return 1;
}

static int has_main_part(const struct floods *floods, u32 sum, u64 tick)
{
	for (u32 at = 0; at < floods->runs; at++) {
		u32 id = floods->run[at];

		if (floods->subject[id].parent == sum && has_most_of(floods, id, sum, tick))
			return 1;
	}
	return 0;
}

/* The row of all others takes what a sweep over too many services has no rows for. */
static int is_overspill(const struct floods *floods, u32 id)
{
	if (floods->subject[id].prefix)
		return 0;
	for (u32 i = 0; i < TOLD_MOST; i++) {
		if (floods->told[i].subject != NOBODY && floods->told[i].subject >= floods->rows)
			return 1;
	}
	return 0;
}

/* Another stands for the alarm, or did until just now. */
static int is_covered(struct floods *floods, u32 id, u64 tick)
{
	struct subject *subject = &floods->subject[id];
	u64 below = id >= floods->rows ? told_below(floods, id, tick) : 0;

	if (below && below * 2 < recent_fail(subject, tick)) {
		if (++subject->scattered >= SCATTERED) {
			take_over(floods, id, tick);
			return 1;
		}
	} else {
		subject->scattered = 0;
	}
	if (below || is_told_above(floods, id) || is_overspill(floods, id)) {
		subject->covered = 1;
		subject->covered_at = tick;
		return 1;
	}
	return subject->covered && tick - subject->covered_at < GRACE;
}

static void consider(struct floods *floods, u32 id, u64 tick)
{
	struct subject *subject = &floods->subject[id];

	/* in its quiet seconds there is nothing of it that another could stand for, or fail to */
	if (subject->told != NOBODY || subject->detector.calm >= SIGNS_WITHIN || is_covered(floods, id, tick))
		return;
	subject->waited++;
	if (!has_most_above(floods, id, tick) && subject->waited < PART_WAIT)
		return;
	if (id >= floods->rows && subject->waited <= SUM_WAIT && has_main_part(floods, id, tick))
		return;
	tell_own(floods, id, tick);
}

/* From the outside in, so that a sum that is told stands for its parts in the same tick. */
void decide(struct floods *floods, u64 tick)
{
	for (enum span span = SPAN_PREFIX; span < SPANS; span++) {
		for (u32 i = 0; i < floods->alarms; i++) {
			u32 id = floods->alarmed[i];

			if (floods->subject[id].span == span)
				consider(floods, id, tick);
		}
	}
}
