/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's environment in a plain program: one thread, memory from the
 * heap, events into a callback. `engine` is whichever instance is at work.
 */
#ifndef TCPSHAKE_ENV_HOST_H
#define TCPSHAKE_ENV_HOST_H

#define TCPSHAKE_PLAIN
#define CFG(field) (engine->config.field)

#include <string.h>
#include "config.h"

struct engine;
static __thread struct engine *engine __attribute__((unused));

#include "env.h"

struct engine {
	struct config config;
	u64 *lines;
	u64 *prints; /* of the flow tables' lines */
	struct flow *flows;
	struct seed *seeds;
	struct answer *seed_answers;
	u64 *seed_words;
	struct seed_line *seed_lines;
	struct seed_ends seed_ends;
	struct flow hatchlings[2];
	struct service *services; /* one more than the table has: "other" */
	u64 *touched;		  /* a bit for each of them: asked for since someone looked */
	struct sources *sources; /* SOURCES of them, or NULL */
	u32 *buckets;
	u64 *pair_lines;
	u32 locks[INSERT_LOCKS];
	u32 probation;
	struct tally tally;
	u64 *block_due; /* earliest deadline in a block of lines, ticks; ~0: none */
	u64 tick;	/* the last tick that was swept */
	struct event event;
	void (*emit)(void *arg, const struct event *event);
	void *arg;
};

INLINE u64 *env_line(u32 line) { return engine->lines + (u64)line * LINE_WORDS; }
INLINE u64 *env_prints(u32 line) { return engine->prints + line; }
INLINE struct flow *env_flow(u32 slot) { return engine->flows + slot; }
INLINE struct seed *env_seed(u32 place) { return engine->seeds + place; }
INLINE struct answer *env_answer(u32 place) { return engine->seed_answers + place; }
INLINE u64 *env_seed_word(u32 place) { return engine->seed_words + place; }
INLINE struct seed_line *env_seed_line(u32 line) { return engine->seed_lines + line; }
INLINE struct seed_ends *env_seed_ends(void) { return &engine->seed_ends; }
INLINE struct flow *env_hatchling(u32 n) { return &engine->hatchlings[n]; }
INLINE struct service *env_service(u32 index)
{
	engine->touched[index / 64] |= 1ULL << index % 64;
	return engine->services + index;
}

INLINE struct sources *env_sources(u32 index)
{
	return engine->sources && index < SOURCES ? engine->sources + index : NULL;
}
INLINE u32 *env_bucket(u32 index) { return engine->buckets + index; }
INLINE u64 *env_pair_line(u32 index) { return engine->pair_lines + (u64)index * LINE_WORDS; }
INLINE u32 *env_lock(u32 index) { return engine->locks + index; }
INLINE u32 *env_probation(void) { return &engine->probation; }
INLINE struct tally *env_tally(void) { return &engine->tally; }
INLINE void env_pause(void) {}
INLINE u64 env_clock(void) { return engine->tick * TICK_NS; }
INLINE struct event *env_event(int of_connection) { (void)of_connection; return &engine->event; }
INLINE void env_send(struct event *event) { engine->emit(engine->arg, event); }
INLINE int env_defer(const struct segment *seg) { (void)seg; return -1; }

#include "sections.h"

#include "engine.h"

/*
 * A deadline that does not matter is not noted: a capture whose clock jumps by
 * decades (a machine that starts in 1970) would push it ahead a hundred thousand
 * times.
 */
INLINE void env_note_due(u32 slot, u64 word)
{
	u64 *due = &engine->block_due[slot / (BLOCK_LINES * LINE_WORDS)];
	u64 at = engine->tick + (s64)ticks_between((u32)engine->tick, word_due(word));

	if (word && at < *due && deadline_matters(word))
		*due = at;
}

#include "sweep.h"

#endif
