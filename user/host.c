/* SPDX-License-Identifier: GPL-2.0-only */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "env_host.h"
#include "levels.h"
#include "parse_counter.h"
#include "quiet_rows.h"
#include "sections.h"

struct host {
	struct engine engine;
	struct quiet_rows quiet;
	int started; /* the clock stands at the first packet */
	void (*on_tick)(void *arg, u64 tick);
	void *tick_arg;
};

static u32 flow_lines(const struct config *config)
{
	return config->table[TABLE_SERVICES].first_line;
}

static u32 service_slots(const struct config *config)
{
	return config->table[TABLE_SERVICES].rows * LINE_WORDS << config->row_bits;
}

static u32 blocks_of(const struct config *config)
{
	return (flow_lines(config) + BLOCK_LINES - 1) / BLOCK_LINES;
}

static int allocate(struct engine *e)
{
	const struct config *config = &e->config;
	u64 lines = (u64)flow_lines(config) + service_slots(config) / LINE_WORDS;

	/* calloc hands out pages that cost nothing until they are touched */
	if (posix_memalign((void **)&e->lines, 64, lines * 64))
		return -ENOMEM;
	memset(e->lines, 0, lines * 64);
	if (posix_memalign((void **)&e->seeds, 64, (config->seeds + 1) * sizeof(*e->seeds)) ||
	    posix_memalign((void **)&e->seed_lines, 64, (config->seeds / SEEDS_A_LINE + 1) * sizeof(*e->seed_lines)))
		return -ENOMEM;
	memset(e->seed_lines, 0, (config->seeds / SEEDS_A_LINE + 1) * sizeof(*e->seed_lines));
	e->prints = calloc(flow_lines(config), sizeof(*e->prints));
	e->flows = calloc((u64)flow_lines(config) * LINE_WORDS, sizeof(*e->flows));
	e->seed_answers = calloc(config->seeds + 1, sizeof(*e->seed_answers));
	e->seed_words = calloc(config->seeds + 1, sizeof(*e->seed_words));
	e->services = calloc(service_slots(config) + 1, sizeof(*e->services));
	e->touched = calloc(service_slots(config) / 64 + 1, sizeof(*e->touched));
	e->sources = calloc(SOURCES, sizeof(*e->sources));
	e->buckets = calloc(1u << (BUCKET_TAG_BITS + config->row_bits), sizeof(*e->buckets));
	e->pair_lines = calloc(PAIR_LINES * LINE_WORDS, sizeof(*e->pair_lines));
	e->block_due = malloc(blocks_of(config) * sizeof(*e->block_due));
	if (!e->prints || !e->flows || !e->seed_answers || !e->seed_words || !e->services || !e->touched || !e->sources || !e->buckets || !e->pair_lines ||
	    !e->block_due)
		return -ENOMEM;
	memset(e->block_due, 0xff, blocks_of(config) * sizeof(*e->block_due));
	return 0;
}

int host_new(struct host **out, const struct config *config, void (*emit)(void *, const struct event *),
	     void *arg)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return -ENOMEM;
	host->engine.config = *config;
	host->engine.config.replay = 1;
	host->engine.config.hash_keys = hash_keys_of(config->secret);
	host->engine.emit = emit;
	host->engine.arg = arg;
	if (allocate(&host->engine) || quiet_rows_open(&host->quiet, service_slots(config))) {
		host_free(host);
		return -ENOMEM;
	}
	*out = host;
	return 0;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	free(host->engine.lines);
	free(host->engine.prints);
	free(host->engine.flows);
	free(host->engine.seeds);
	free(host->engine.seed_answers);
	free(host->engine.seed_words);
	free(host->engine.seed_lines);
	free(host->engine.services);
	free(host->engine.touched);
	free(host->engine.sources);
	free(host->engine.buckets);
	free(host->engine.pair_lines);
	free(host->engine.block_due);
	quiet_rows_close(&host->quiet);
	free(host);
}

/* Sweeps one block and works out anew when it is due next. */
static void sweep_block(u32 block, u64 tick)
{
	u32 end = (block + 1) * BLOCK_LINES, last = flow_lines(&engine->config);

	engine->block_due[block] = ~0ULL;
	for (u32 line = block * BLOCK_LINES; line < end && line < last; line++) {
		const u64 *words = env_line(line);

		sweep_line(line, tick);
		for (u32 i = 0; i < LINE_WORDS; i++)
			env_note_due(line * LINE_WORDS + i, words[i]);
	}
}

static void sweep_section(u64 tick)
{
	struct line_range range = sweep_range(&engine->config, tick);

	for (u32 line = range.first; line < range.first + range.count; line += BLOCK_LINES) {
		if (engine->block_due[line / BLOCK_LINES] <= tick)
			sweep_block(line / BLOCK_LINES, tick);
	}
}

static void sweep_ring(u64 tick)
{
	while (sweep_stage(tick, STAGE_HALF_OPEN))
		;
	while (sweep_stage(tick, STAGE_GIVE_UP))
		;
}

/* Of the seed behind a position up to which the sweep has been. */
static u64 seed_due_behind(u64 position, u64 end)
{
	u32 place = seed_place(position + 1);

	if (position >= end)
		return ~0ULL;
	return engine->tick + (u64)(s32)(seed_due(env_seed(place), env_answer(place), *env_seed_word(place)) -
					 (u32)engine->tick);
}

static u64 seed_first_due(void)
{
	const struct seed_ends *ends = &engine->seed_ends;
	u64 half_open, give_up;

	sweep_ring(engine->tick); /* nothing is due; but those that are over are passed */
	half_open = seed_due_behind(ends->tail, ends->head);
	give_up = seed_due_behind(ends->last, ends->tail);
	return half_open < give_up ? half_open : give_up;
}

static u64 first_due(void)
{
	u64 due = seed_first_due();

	for (u32 block = 0; block < blocks_of(&engine->config); block++) {
		if (engine->block_due[block] < due)
			due = engine->block_due[block];
	}
	return due;
}

static void tell_tick(const struct host *host, u64 tick)
{
	if (host->on_tick)
		host->on_tick(host->tick_arg, tick);
}

/* Lets the clock stand at a tick. What is skipped has nothing due. */
static void advance(struct host *host, u64 tick)
{
	struct service_table table;

	host_service_table(host, &table);
	host->engine.tick = tick;
	quiet_rows_tick(&host->quiet, &table, tick);
}

/*
 * All ticks up to `last`. Each sweeps its tenth; a stretch in which no deadline
 * lies is skipped whole, so a gap of hours costs nothing.
 */
static void run_ticks(struct host *host, u64 last)
{
	while (engine->tick < last) {
		u64 due = last - engine->tick > SWEEP_SECTIONS ? first_due() : 0;

		if (due > engine->tick + 1) {
			tell_tick(host, engine->tick + 1); /* packets may have come before it */
			advance(host, due > last ? last - 1 : due - 1);
		}
		advance(host, engine->tick + 1);
		sweep_ring(engine->tick);
		sweep_section(engine->tick);
		tell_tick(host, engine->tick);
	}
}

void host_on_tick(struct host *host, void (*on_tick)(void *arg, u64 tick), void *arg)
{
	host->on_tick = on_tick;
	host->tick_arg = arg;
}

void host_clock(struct host *host, u64 time)
{
	engine = &host->engine;
	if (!host->started) {
		host->started = 1;
		advance(host, tick_of(time));
	}
	if (tick_of(time) > engine->tick)
		run_ticks(host, tick_of(time));
}

void host_expect(struct host *host, const struct segment *seg)
{
	u64 hash;

	engine = &host->engine;
	hash = key_hash(&seg->key, &CFG(hash_keys));
	__builtin_prefetch(env_bucket(bucket_of_hash(hash)));
	if (!(seg->flags & TCP_CONTROL))
		return;
	for (u32 n = 0; n < 2; n++) {
		__builtin_prefetch(env_prints(candidate_line(hash, TABLE_PENDING, n)));
		__builtin_prefetch(env_prints(candidate_line(hash, TABLE_CONNECTIONS, n)));
	}
	if (CFG(seeds))
		__builtin_prefetch(env_seed_line(seed_line_of(hash)));
}

void host_packet(struct host *host, enum parse_result result, struct segment *seg, u64 time)
{
	struct tally *tally = &host->engine.tally;
	int counter;

	host_clock(host, time);
	tally->count[C_packets]++;
	if (result == PARSE_TCP) {
		seg->time = time;
		counter = engine_prepare(seg);
		if (counter == ENGINE_GO_ON)
			counter = engine_finish(seg);
		counter = file_beside(tally, counter, 1);
	} else {
		counter = counter_of(result);
	}
	tally->count[counter]++;
}

/* Of all that stands, flows before seeds: a slot, or behind those a seed's place. */
static u64 first_ns_of(u32 n)
{
	u32 slots = flow_lines(&engine->config) * LINE_WORDS;

	return n < slots ? env_flow(n)->first_ns : env_seed(n - slots)->first_ns;
}

static int by_first_packet(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	u64 tx = first_ns_of(x), ty = first_ns_of(y);

	if (tx != ty)
		return tx < ty ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Of the slots and, behind them, the seeds: does a flow stand there that has not ended? */
static int stands(u32 place, u32 slots)
{
	if (place < slots)
		return engine->lines[place] && !(engine->lines[place] & WORD_TOMB);
	return !!(engine->seed_words[place - slots] & SEED_LIVE);
}

static void conclude_place(u32 place, u32 slots, u32 how, u64 time)
{
	if (place < slots)
		conclude_slot(place, how, time);
	else
		conclude_seed(place - slots, how, time);
}

void host_conclude(struct host *host, u32 how, u64 time)
{
	u32 slots = flow_lines(&host->engine.config) * LINE_WORDS, places = slots + host->engine.config.seeds, n = 0;
	u32 *order = malloc((u64)places * sizeof(*order) + 1);

	engine = &host->engine;
	for (u32 place = 0; place < places; place++) {
		if (!stands(place, slots))
			continue;
		if (order)
			order[n++] = place;
		else /* no memory to sort them: as they stand */
			conclude_place(place, slots, how, time);
	}
	if (n)
		qsort(order, n, sizeof(*order), by_first_packet);
	for (u32 i = 0; i < n; i++)
		conclude_place(order[i], slots, how, time);
	free(order);
}

const struct tally *host_tally(const struct host *host)
{
	return &host->engine.tally;
}

void host_levels(const struct host *host, struct levels *levels)
{
	const struct engine *e = &host->engine;

	levels_count(&e->config, e->lines, e->seed_words, e->buckets, levels);
}

void host_states(const struct host *host, u64 states[TCP_STATES])
{
	levels_states(&host->engine.config, host->engine.lines, host->engine.seed_words, states);
}

u32 host_services(const struct host *host, const struct service **rows)
{
	*rows = host->engine.services;
	return service_slots(&host->engine.config) + 1;
}

void host_service_table(struct host *host, struct service_table *table)
{
	const struct engine *e = &host->engine;

	*table = (struct service_table){
		.words = e->lines + (u64)flow_lines(&e->config) * LINE_WORDS,
		.rows = e->services,
		.sources = e->sources,
		.touched = e->touched,
		.count = service_slots(&e->config) + 1,
	};
}
