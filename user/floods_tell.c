/* SPDX-License-Identifier: GPL-2.0-only */
/* A flood that is told: alarm on its rows, a description of its sources, and the events. */
#include <errno.h>
#include <string.h>

#include "floods_parts.h"
#include "sources_estimate.h"

#define MAPPED_BITS (128 - 32) /* of an IPv4 address before its own */

static struct told *told_of(struct floods *floods, u32 id)
{
	return &floods->told[floods->subject[id].told];
}

/* --- alarm --- */

static u32 alarm_of(const struct told *told) { return 1 + told->sources; }

_Static_assert(1 + SOURCES == ALARM_WITHOUT_SOURCES, "told.sources == SOURCES: none was free");

static void put_alarm(struct floods *floods, u32 id, u32 alarm)
{
	struct service *rows = floods->side.table.rows;

	for (u32 row = 0; row < floods->rows; row++) {
		if (row == id || (id >= floods->rows && floods->subject[row].attached && is_part_of(floods, row, id)))
			publish32(&rows[row].alarm, alarm);
	}
}

void mark_row(struct floods *floods, u32 row)
{
	u32 alarm = 0;

	for (u32 id = row; id != NOBODY; id = floods->subject[id].parent) {
		if (floods->subject[id].told != NOBODY)
			alarm = alarm_of(told_of(floods, id));
	}
	if (floods->side.table.rows[row].alarm != alarm)
		publish32(&floods->side.table.rows[row].alarm, alarm);
}

static u32 take_sources(struct floods *floods)
{
	for (u32 i = 0; i < SOURCES; i++) {
		if (floods->used_sources & 1u << i)
			continue;
		floods->used_sources |= 1u << i;
		memset(&floods->side.table.sources[i], 0, sizeof(floods->side.table.sources[i]));
		return i;
	}
	return SOURCES;
}

/* --- evidence --- */

int is_here(const struct floods *floods, const struct subject *subject)
{
	return floods->side.host && floods->side.host->has(floods->side.arg, &subject->addr);
}

static int read_netstat(struct floods *floods, u32 id, struct netstat *netstat)
{
	const struct subject *subject = &floods->subject[id];

	if (subject->prefix != SERVICE_WHOLE || !is_here(floods, subject))
		return -ENOTSUP;
	return floods->side.host->netstat(floods->side.arg, netstat);
}

static int netstat_of(struct floods *floods, const struct told *told, struct netstat *since)
{
	struct netstat now;

	if (!told->has_netstat || read_netstat(floods, told->subject, &now))
		return -ENOTSUP;
	*since = netstat_since(&now, &told->before);
	return 0;
}

const struct evidence *evidence_of(struct floods *floods, const struct subject *subject, u64 tick)
{
	struct sources_estimate estimate;
	struct netstat since;
	struct told *told;

	if (subject->told == NOBODY)
		return NULL;
	told = &floods->told[subject->told];
	if (tick < told->evidence_tick + TICKS_PER_SEC)
		return &told->evidence;
	told->evidence_tick = tick;
	if (told->sources < SOURCES) {
		sources_estimate(&floods->side.table.sources[told->sources], &estimate);
		told->evidence.noted = estimate.syns;
		told->evidence.sources = estimate.distinct;
	}
	if (!netstat_of(floods, told, &since) && since.listen_overflows != UNKNOWN)
		told->evidence.listen_overflows = since.listen_overflows;
	return &told->evidence;
}

static void report_sources(const struct floods *floods, const struct told *told, struct flood_report *report)
{
	struct sources_estimate estimate;

	if (told->sources == SOURCES)
		return;
	sources_estimate(&floods->side.table.sources[told->sources], &estimate);
	if (!estimate.syns)
		return;
	report->sources = estimate.distinct;
	report->tops = estimate.top_count;
	for (u32 i = 0; i < estimate.top_count; i++) {
		const struct top_source *top = &estimate.top[i];

		report->top[i] = (struct source_share){
			.addr = top->addr, .share = top->share,
			.prefix = address_is_v4(&top->addr) ? top->prefix - MAPPED_BITS : top->prefix,
		};
	}
}

/* --- events --- */

static u32 prefix_told(const struct subject *subject)
{
	if (subject->prefix == SERVICE_WHOLE)
		return WHOLE_ADDRESS;
	return address_is_v4(&subject->addr) ? subject->prefix - MAPPED_BITS : subject->prefix;
}

static struct flood_report report_of(const struct subject *subject, enum phase phase)
{
	const struct finding *found = &subject->found;

	return (struct flood_report){
		.phase = phase,
		.verdict = found->verdict,
		.addr = subject->addr,
		.port = subject->port,
		.prefix = prefix_told(subject),
		.syn_rate = found->syn_rate,
		.usual_rate = found->usual_rate,
		.peak_syn_rate = phase == PHASE_END ? found->peak_rate : UNKNOWN,
		.syn_total = phase == PHASE_END ? found->syn_total : UNKNOWN,
		.completion_ratio = found->completion_ratio,
		.half_open = found->half_open,
		.sources = UNKNOWN,
		.duration_ns = found->ticks * TICK_NS,
		.cookies_sent = UNKNOWN,
		.cookies_failed = UNKNOWN,
		.listen_overflows = UNKNOWN,
	};
}

static void send(struct floods *floods, const struct report *report, u64 tick)
{
	floods->side.tell(floods->side.arg, report, tick * TICK_NS);
}

static void tell_flood(struct floods *floods, u32 id, enum phase phase, u64 tick)
{
	struct flood_report flood = report_of(&floods->subject[id], phase);
	struct netstat since;

	if (phase != PHASE_START) {
		report_sources(floods, told_of(floods, id), &flood);
		if (!netstat_of(floods, told_of(floods, id), &since)) {
			flood.cookies_sent = since.cookies_sent;
			flood.cookies_failed = since.cookies_failed;
			flood.listen_overflows = since.listen_overflows;
		}
	}
	send(floods, &(struct report){ .flood = &flood }, tick);
}

int tell_start(struct floods *floods, u32 id, u64 tick)
{
	struct told *told = floods->told;

	while (told < floods->told + TOLD_MOST && told->subject != NOBODY)
		told++;
	if (told == floods->told + TOLD_MOST)
		return -ENOSPC;
	*told = (struct told){ .subject = id, .sources = take_sources(floods), .evidence_tick = tick };
	told->has_netstat = !read_netstat(floods, id, &told->before);
	floods->subject[id].told = (u32)(told - floods->told);
	floods->counts.now++;
	put_alarm(floods, id, alarm_of(told));
	tell_flood(floods, id, PHASE_START, tick);
	return 0;
}

void tell_update(struct floods *floods, u32 id, u64 tick)
{
	tell_flood(floods, id, PHASE_UPDATE, tick);
}

void tell_end(struct floods *floods, u32 id, u64 tick)
{
	struct told *told = told_of(floods, id);
	struct subject *subject = &floods->subject[id];

	/* another takes over, or the run ends: all of it, where the last that was found is of a second */
	if (subject->detector.mode == MODE_FLOOD)
		find(&subject->detector, &subject->found);
	tell_flood(floods, id, PHASE_END, tick);
	put_alarm(floods, id, 0);
	if (told->sources < SOURCES)
		floods->used_sources &= ~(1u << told->sources);
	floods->counts.now--;
	floods->counts.total[floods->subject[id].found.verdict]++;
	told->subject = NOBODY;
	floods->subject[id].told = NOBODY;
}

void tell_crowd(struct floods *floods, u32 id, enum phase phase, u64 tick)
{
	struct flood_report crowd = report_of(&floods->subject[id], phase);

	floods->subject[id].crowd = phase == PHASE_START;
	crowd.verdict = VERDICT_FLASH_CROWD;
	send(floods, &(struct report){ .flood = &crowd }, tick);
}

void tell_silent(struct floods *floods, u32 id, enum phase phase, u64 tick)
{
	struct subject *subject = &floods->subject[id];
	const struct silent_report silent = {
		.phase = phase,
		.kind = phase == PHASE_START ? subject->silence.silent : subject->silent - 1u,
		.addr = subject->addr,
		.port = subject->port,
		.syn_rate = subject->silence.syn_rate,
		.duration_ns = subject->silence.ticks * TICK_NS,
	};

	if (phase == PHASE_START) {
		floods->counts.silent_now++;
		floods->counts.silent_total[silent.kind]++;
		subject->silent = (u8)(silent.kind + 1);
	} else {
		floods->counts.silent_now--;
		subject->silent = 0;
	}
	send(floods, &(struct report){ .silent = &silent }, tick);
}
