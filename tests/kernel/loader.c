/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "balance.h"

#define RING_BYTES (4u << 20)

void enter_world(void)
{
	static int entered;

	if (entered)
		return;
	if (geteuid()) {
		print_message("not root: BPF programs cannot be loaded\n");
		skip();
	}
	/* a test run takes the loopback of the caller's namespace for its device */
	if (unshare(CLONE_NEWNET))
		fail_msg("no network namespace: %s", strerror(errno));
	entered = 1;
}

u64 number_from(const char *variable, u64 otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

void built(char *path, size_t size, const char *name)
{
	char here[4096] = "";
	ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);

	assert_true(length > 0);
	*strrchr(here, '/') = 0;
	assert_true((size_t)snprintf(path, size, "%s/../%s", here, name) < size);
}

struct config loader_config(u32 row_bits, u32 pending_rows, u32 connection_rows)
{
	return (struct config){
	    .secret = 0x0123456789abcdefULL,
	    .row_bits = row_bits,
	    .seeds = 16,
	    .table =
		{
		    [TABLE_PENDING] = {0, pending_rows},
		    [TABLE_CONNECTIONS] = {pending_rows << row_bits, connection_rows},
		    [TABLE_SERVICES] = {(pending_rows + connection_rows) << row_bits, 4},
		},
	    .events = (1u << EVENT_KINDS) - 1,
	    .half_open_after = 3 * TICKS_PER_SEC,
	    .give_up_after = 75 * TICKS_PER_SEC,
	    .close_wait_after = 60 * TICKS_PER_SEC,
	    .fin_wait_after = 90 * TICKS_PER_SEC,
	    .view = VIEW_HOST,
	};
}

static struct plan plan_of(const struct config *config)
{
	u32 pending = config->table[TABLE_CONNECTIONS].first_line;
	u32 flows = config->table[TABLE_SERVICES].first_line;
	u32 services = config->table[TABLE_SERVICES].rows << config->row_bits;

	return (struct plan){
	    .seeds = config->seeds,
	    .lines = flows + services,
	    .pending = pending * LINE_WORDS,
	    .connections = (flows - pending) * LINE_WORDS,
	    .services = services * LINE_WORDS,
	    .buckets = 1u << (BUCKET_TAG_BITS + config->row_bits),
	};
}

static void on_event(void *arg, const struct event *event)
{
	struct loaded *loaded = arg;

	loaded->told += event->kind < EVENT_KINDS;
	if (loaded->emit)
		loaded->emit(loaded->arg, event);
}

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *bytes;

	if (!file || fseek(file, 0, SEEK_END))
		fail_msg("%s: %s", path, strerror(errno));
	*size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *size, file), *size);
	fclose(file);
	return bytes;
}

static struct bpf_map *map_of(const struct loaded *loaded, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(loaded->kernel->object, name);

	assert_non_null(map);
	return map;
}

/* Where a global variable of the programs lies; it fails the test when there is none of this size. */
static void *variable(const struct loaded *loaded, const char *name, size_t size)
{
	const struct btf *btf = bpf_object__btf(loaded->kernel->object);
	const struct btf_type *section =
	    btf__type_by_id(btf, btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC));
	const struct btf_var_secinfo *each = btf_var_secinfos(section);

	for (u32 i = 0; i < btf_vlen(section); i++, each++) {
		const struct btf_type *type = btf__type_by_id(btf, each->type);

		if (!strcmp(btf__name_by_offset(btf, type->name_off), name) && each->size == size)
			return loaded->variables + each->offset;
	}
	fail_msg("the programs have no variable %s of %zu bytes", name, size);
	return NULL;
}

static void map_variables(struct loaded *loaded)
{
	const struct bpf_map *bss = map_of(loaded, ".bss");
	size_t page = (size_t)getpagesize();

	loaded->variables_size = (bpf_map__value_size(bss) + page - 1) & ~(page - 1);
	loaded->variables =
	    mmap(NULL, loaded->variables_size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bss), 0);
	assert_ptr_not_equal(loaded->variables, MAP_FAILED);
	loaded->time = variable(loaded, "replay_time", sizeof(u64));
}

static void open_mirror(struct loaded *loaded)
{
	struct engine *mirror = calloc(1, sizeof(*mirror));

	assert_non_null(mirror);
	loaded->mirror = mirror;
	mirror->config = loaded->kernel->config;
	mirror->lines = loaded->kernel->lines;
	mirror->buckets = loaded->kernel->buckets;
	mirror->services = loaded->kernel->services;
	mirror->flows =
	    calloc((size_t)mirror->config.table[TABLE_SERVICES].first_line * LINE_WORDS, sizeof(struct flow));
	mirror->prints = calloc(mirror->config.table[TABLE_SERVICES].first_line, sizeof(*mirror->prints));
	mirror->seed_words = loaded->kernel->seed_words;
	mirror->seeds = calloc(mirror->config.seeds + 1, sizeof(*mirror->seeds));
	mirror->seed_answers = calloc(mirror->config.seeds + 1, sizeof(*mirror->seed_answers));
	mirror->seed_lines = calloc(mirror->config.seeds / SEEDS_A_LINE + 1, sizeof(*mirror->seed_lines));
	assert_non_null(mirror->seeds);
	assert_non_null(mirror->seed_answers);
	assert_non_null(mirror->seed_lines);
	assert_non_null(mirror->flows);
	assert_non_null(mirror->prints);
}

void loader_open(struct loaded *loaded, const struct config *config, const char *object, kernel_event_fn emit,
		 void *arg)
{
	struct plan plan = plan_of(config);
	struct kernel *kernel;
	u8 ask = config->ask_sockets;
	void *elf = NULL;

	*loaded = (struct loaded){.emit = emit, .arg = arg};
	assert_int_equal(kernel_prepare(&kernel, config, &plan, NEED_ALL, RING_BYTES, on_event, loaded), 0);
	loaded->kernel = kernel;
	kernel->config.secret = config->secret;
	kernel->config.replay = 1;
	kernel->config.ask_sockets = ask;
	if (object)
		kernel->elf = elf = read_file(object, &kernel->elf_size);
	if (kernel_load(kernel))
		fail_msg("%s", kernel_error(kernel));
	free(elf);
	map_variables(loaded);
	open_mirror(loaded);
}

void loader_close(struct loaded *loaded)
{
	free(loaded->mirror->flows);
	free(loaded->mirror->prints);
	free(loaded->mirror->seeds);
	free(loaded->mirror->seed_answers);
	free(loaded->mirror->seed_lines);
	free(loaded->mirror);
	munmap(loaded->variables, loaded->variables_size);
	kernel_close(loaded->kernel);
}

int loader_program(const struct loaded *loaded, const char *name)
{
	int fd = kernel_program(loaded->kernel, name);

	if (fd < 0)
		fail_msg("no program %s", name);
	return fd;
}

int loader_run(int program, const void *frame, u32 size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .repeat = 1);

	return bpf_prog_test_run_opts(program, &opts) ? -errno : 0;
}

void loader_settle(struct loaded *loaded)
{
	struct kernel *kernel = loaded->kernel;

	/* the tick that was swept last once more: nothing but what was put aside */
	assert_int_equal(kernel_tick(kernel, kernel->tick * TICK_NS), 0);
	assert_true(kernel_poll(kernel) >= 0);
}

void loader_sweep(struct loaded *loaded, u64 tick)
{
	struct kernel *kernel = loaded->kernel;

	kernel->tick = tick - SWEEP_SECTIONS;
	assert_int_equal(kernel_tick(kernel, tick * TICK_NS), 0);
	assert_true(kernel_poll(kernel) >= 0);
}

static void read_map(struct loaded *loaded, const char *name, u32 count, void *values)
{
	u32 *keys = malloc(count * sizeof(*keys)), batch;

	assert_non_null(keys);
	assert_int_equal(bpf_map_lookup_batch(bpf_map__fd(map_of(loaded, name)), NULL, &batch, keys, values, &count,
					      NULL),
			 0);
	free(keys);
}

/* What user space does not map. */
static void read_flows(struct loaded *loaded)
{
	u32 lines = loaded->mirror->config.table[TABLE_SERVICES].first_line;

	read_map(loaded, "flows", lines * LINE_WORDS, loaded->mirror->flows);
	read_map(loaded, "prints", lines, loaded->mirror->prints);
	if (!loaded->mirror->config.seeds)
		return;
	read_map(loaded, "seeds", loaded->mirror->config.seeds, loaded->mirror->seeds);
	read_map(loaded, "seed_answers", loaded->mirror->config.seeds, loaded->mirror->seed_answers);
	read_map(loaded, "seed_lines", loaded->mirror->config.seeds / SEEDS_A_LINE, loaded->mirror->seed_lines);
}

const char *loader_fault(struct loaded *loaded)
{
	struct engine *mirror = loaded->mirror;
	struct levels levels;

	kernel_levels(loaded->kernel, &levels);
	if (levels.deferred)
		return "segments that remain put aside";
	if (kernel_tally(loaded->kernel, &loaded->tally))
		return "the counters cannot be read";
	mirror->tally = loaded->tally;
	if (mirror->tally.count[C_internal_error])
		return "internal_error";
	read_flows(loaded);
	memcpy(mirror->locks, variable(loaded, "insert_locks", sizeof(mirror->locks)), sizeof(mirror->locks));
	memcpy(&mirror->seed_ends, variable(loaded, "seed_ends", sizeof(mirror->seed_ends)), sizeof(mirror->seed_ends));
	memcpy(&mirror->probation, variable(loaded, "probation", sizeof(u32)), sizeof(u32));
	return balance_fault(mirror, loaded->told);
}

/* The host does not push deadlines ahead of which nothing comes: of those the time may differ, no more. */
static int same_words(const struct engine *a, const struct engine *b)
{
	u32 slots = a->config.table[TABLE_SERVICES].first_line * LINE_WORDS;

	engine = (struct engine *)a;
	for (u32 slot = 0; slot < slots; slot++) {
		u64 difference = a->lines[slot] ^ b->lines[slot];

		if (!deadline_matters(a->lines[slot]))
			difference &= ~WORD_DUE_MASK;
		if (difference)
			return 0;
	}
	return 1;
}

/* A slot that is empty keeps what stood there; nobody looks. */
static int same_records(const struct engine *a, const struct engine *b)
{
	u32 slots = a->config.table[TABLE_SERVICES].first_line * LINE_WORDS;

	for (u32 slot = 0; slot < slots; slot++) {
		if (a->lines[slot] && memcmp(&a->flows[slot], &b->flows[slot], sizeof(struct flow)))
			return 0;
	}
	return 1;
}

static int same_seeds(const struct engine *a, const struct engine *b)
{
	u32 seeds = a->config.seeds;

	for (u32 place = 0; place < seeds; place++) {
		u64 word = a->seed_words[place];

		if ((word & SEED_LIVE) && memcmp(&a->seeds[place], &b->seeds[place], sizeof(struct seed)))
			return 0;
		if ((word & SEED_LIVE) && (word & SEED_KIND) == SEED_ANSWERED &&
		    memcmp(&a->seed_answers[place], &b->seed_answers[place], sizeof(struct answer)))
			return 0;
	}
	return a->seed_ends.head == b->seed_ends.head && !memcmp(a->seed_words, b->seed_words, seeds * sizeof(u64)) &&
	       !memcmp(a->seed_lines, b->seed_lines, seeds / SEEDS_A_LINE * sizeof(*a->seed_lines));
}

static int same_pairs(const struct loaded *loaded, const struct engine *host)
{
	int pairs = bpf_map__fd(map_of(loaded, "pairs"));

	for (u32 line = 0; line < PAIR_LINES; line++) {
		u64 words[LINE_WORDS];

		assert_int_equal(bpf_map_lookup_elem(pairs, &line, words), 0);
		if (memcmp(words, host->pair_lines + (size_t)line * LINE_WORDS, sizeof(words)))
			return 0;
	}
	return 1;
}

const char *loader_difference(const struct loaded *loaded, const struct host *host)
{
	const struct engine *kernel = loaded->mirror, *other = (const struct engine *)host;
	size_t buckets = loaded->kernel->plan.buckets;

	if (!same_words(kernel, other))
		return "words";
	if (!same_records(kernel, other))
		return "records";
	if (!same_seeds(kernel, other))
		return "seeds";
	if (memcmp(kernel->buckets, other->buckets, buckets * sizeof(u32)))
		return "the watch filter";
	if (kernel->probation != other->probation)
		return "the level of probation";
	return same_pairs(loaded, other) ? NULL : "TIME_WAIT pairs";
}
