/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "parse.h"
#include "sections.h"

#define LOOPBACK    1	 /* the device of every test run */
#define SKIP_BEYOND 1000 /* ticks: fewer are run one by one, whatever is due */
#define TOLD_MAX    (1u << 20)

static const struct hook_program {
	const char *name;
	int copies; /* reads what lies beyond from a copy */
	enum link_first first;
	enum direction direction;
} programs[HOOKS] = {
    [XDP_ETHER] = {"xdp_ether", 0, LINK_ETHERNET, HOOK_IN},
    [XDP_FRAGS] = {"xdp_ether_frags", 1, LINK_ETHERNET, HOOK_IN},
    [XDP_IP] = {"xdp_ip", 0, LINK_IP, HOOK_IN},
    [TC_IN] = {"tc_in_ether", 1, LINK_ETHERNET, HOOK_IN},
    [TC_OUT] = {"tc_out_ether", 1, LINK_ETHERNET, HOOK_OUT},
};

static void remember(struct told *told, const struct event *event)
{
	assert_true(told->count < TOLD_MAX);
	told->event[told->count++] = *event;
}

static void kernel_told(void *arg, const struct event *event)
{
	remember(&((struct replay *)arg)->by_kernel, event);
}

static void host_told(void *arg, const struct event *event)
{
	remember(&((struct replay *)arg)->by_host, event);
}

void replay_open(struct replay *r, const struct config *config, const char *what)
{
	*r = (struct replay){.what = what};
	r->by_kernel.event = calloc(TOLD_MAX, sizeof(struct event));
	r->by_host.event = calloc(TOLD_MAX, sizeof(struct event));
	assert_true(r->by_kernel.event && r->by_host.event);
	loader_open(&r->loaded, config, NULL, kernel_told, r);
	assert_int_equal(host_new(&r->host, &r->loaded.kernel->config, host_told, r), 0);
}

void replay_close(struct replay *r)
{
	host_free(r->host);
	loader_close(&r->loaded);
	free(r->by_kernel.event);
	free(r->by_host.event);
}

/* --- differences --- */

static void print_event(const char *side, const struct event *event)
{
	const u8 *byte = (const u8 *)event;

	print_message(
	    "%s: kind %u detail %u/%u time %llu value %llu/%llu count %u word %016llx, ports %u %u\n ", side,
	    event->kind, event->detail, event->detail2, event->time, event->value, event->value2,
	    event->count, event->word, event->flow.key.port[0], event->flow.key.port[1]);
	for (size_t i = 0; i < sizeof(*event); i++)
		print_message(" %02x", byte[i]);
	print_message("\n");
}

static void fail_replay(const struct replay *r, const char *difference)
{
	if (r->compared < r->by_kernel.count)
		print_event("kernel", &r->by_kernel.event[r->compared]);
	if (r->compared < r->by_host.count)
		print_event("host", &r->by_host.event[r->compared]);
	fail_msg("%s, after packet %llu: %s", r->what, r->packets, difference);
}

static void compare_events(struct replay *r)
{
	while (r->compared < r->by_kernel.count && r->compared < r->by_host.count) {
		if (memcmp(&r->by_kernel.event[r->compared], &r->by_host.event[r->compared],
			   sizeof(struct event)))
			fail_replay(r, "the two tell different things");
		r->compared++;
	}
	if (r->by_kernel.count != r->by_host.count)
		fail_replay(r, r->by_kernel.count < r->by_host.count ? "told by the host only"
								     : "told by the kernel only");
	r->events += r->compared;
	r->compared = r->by_kernel.count = r->by_host.count = 0;
}

static const char *const counter_names[] = {
#define X(name, help) #name,
    TCPSHAKE_COUNTERS(X)
#undef X
};

static void compare_tallies(struct replay *r)
{
	const struct tally *host = host_tally(r->host);
	struct tally kernel;

	assert_int_equal(kernel_tally(r->loaded.kernel, &kernel), 0);
	for (u32 i = 0; i < COUNTERS; i++) {
		if (kernel.count[i] != host->count[i])
			fail_msg("%s: %s: kernel %llu, host %llu", r->what, counter_names[i], kernel.count[i],
				 host->count[i]);
	}
	if (memcmp(&kernel, host, sizeof(kernel)))
		fail_msg("%s: the histograms differ", r->what);
}

void replay_alarm(struct replay *r, u32 alarm)
{
	struct service_table kernel, host;

	kernel_service_table(r->loaded.kernel, &kernel);
	host_service_table(r->host, &host);
	for (u32 i = 0; i < kernel.count; i++)
		kernel.rows[i].alarm = host.rows[i].alarm = alarm;
}

static void compare_sources(struct replay *r)
{
	struct service_table kernel, host;

	kernel_service_table(r->loaded.kernel, &kernel);
	host_service_table(r->host, &host);
	for (u32 i = 0; i < SOURCES; i++) {
		if (memcmp(&kernel.sources[i], &host.sources[i], sizeof(struct sources)))
			fail_msg("%s: sources %u: the kernel noted %llu, the host %llu", r->what, i,
				 sources_syns(&kernel.sources[i]), sources_syns(&host.sources[i]));
	}
	if (memcmp(kernel.words, host.words, (kernel.count - 1) * sizeof(u64)))
		fail_msg("%s: the rows in use differ", r->what);
}

static void compare_services(struct replay *r)
{
	const struct service *kernel, *host;
	u32 rows = kernel_services(r->loaded.kernel, &kernel);

	assert_int_equal(host_services(r->host, &host), rows);
	if (memcmp(kernel, host, rows * sizeof(*host)))
		fail_msg("%s: the services differ", r->what);
	compare_sources(r);
}

void replay_compare(struct replay *r)
{
	const char *fault = loader_fault(&r->loaded), *difference = loader_difference(&r->loaded, r->host);

	if (fault)
		fail_msg("%s: kernel side: %s", r->what, fault);
	if (difference)
		fail_msg("%s: not the same: %s", r->what, difference);
	compare_tallies(r);
	compare_services(r);
}

/* --- the clock --- */

/* The earliest of all seeds, in ticks. */
static u64 first_seed_due(const struct kernel *kernel)
{
	int seeds = bpf_map__fd(bpf_object__find_map_by_name(kernel->object, "seeds"));
	int answers = bpf_map__fd(bpf_object__find_map_by_name(kernel->object, "seed_answers"));
	u64 first = ~0ULL;

	for (u32 place = 0; place < kernel->config.seeds; place++) {
		u64 word = kernel->seed_words[place], last, due;
		struct answer answer;
		struct seed seed;

		if (!(word & SEED_LIVE))
			continue;
		assert_int_equal(bpf_map_lookup_elem(seeds, &place, &seed), 0);
		assert_int_equal(bpf_map_lookup_elem(answers, &place, &answer), 0);
		last = seed.first_ns + ((word & SEED_KIND) == SEED_ANSWERED ? answer.after_ns : 0);
		due = (seed.first_ns + TICK_NS - 1) / TICK_NS + kernel->config.half_open_after;
		if ((word & SEED_TOLD) || seed_is_candidate(word))
			due = last / TICK_NS + 1 + kernel->config.give_up_after;
		if (due < first)
			first = due;
	}
	return first;
}

/* The earliest deadline of all words, in ticks. */
static u64 first_due_of(const struct kernel *kernel)
{
	u32 slots = kernel->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
	u64 first = first_seed_due(kernel);

	for (u32 slot = 0; slot < slots; slot++) {
		u64 word = kernel->lines[slot], due;

		due = kernel->tick + (u64)(s64)ticks_between((u32)kernel->tick, word_due(word));
		if (word && due < first)
			first = due;
	}
	return first;
}

/* All ticks up to this time, each with its tenth; through a long silence from deadline to deadline. */
static void run_clock(struct replay *r, u64 time)
{
	struct kernel *kernel = r->loaded.kernel;
	u64 last = time / TICK_NS;

	if (!r->started)
		kernel->tick = last;
	r->started = 1;
	kernel_quiet(kernel, kernel->tick);
	while (kernel->tick < last) {
		if (last - kernel->tick > SKIP_BEYOND) {
			u64 due = first_due_of(kernel);

			if (due > kernel->tick + 1)
				kernel->tick = due > last ? last : due - 1;
			kernel_quiet(kernel, kernel->tick);
			if (kernel->tick == last)
				break;
		}
		assert_int_equal(kernel_tick(kernel, (kernel->tick + 1) * TICK_NS), 0);
		r->ticks++;
	}
	host_clock(r->host, time);
}

/* --- one packet --- */

/* The host's own way through the hook: in place, then from a copy. */
static enum parse_result parse_at(const struct hook_program *hook, const struct piece *piece,
				  struct segment *seg)
{
	struct frame f = {.base = piece->frame, .end = piece->frame + piece->first, .wire_len = piece->size};
	struct frame_copy copy = {.wire_len = piece->size, .first = hook->first};
	enum parse_result result;

	if (hook->copies)
		f.reach = piece->size < PARSE_BUFFER ? piece->size : PARSE_BUFFER;
	if (hook->first == LINK_ETHERNET)
		result = parse_packet(&f, FRAME_PACKET, LINK_ETHERNET, seg);
	else
		result = parse_packet(&f, FRAME_PACKET, LINK_IP, seg);
	if (result != PARSE_BEYOND)
		return result;
	copy.reach = f.reach;
	memcpy(copy.byte, piece->frame, copy.reach);
	return (enum parse_result)parse_copy(&copy, seg);
}

static int run_piece(int program, const struct piece *piece)
{
	struct xdp_md part = {.data_end = piece->first};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = piece->frame, .data_size_in = piece->size,
		    .repeat = 1);

	if (piece->first < piece->size) {
		opts.ctx_in = &part;
		opts.ctx_size_in = sizeof(part);
	}
	return bpf_prog_test_run_opts(program, &opts) ? -errno : 0;
}

/* Before Linux 6.18 a test run cannot split a short frame: then it goes whole. */
static int run_kernel(const struct replay *r, const struct hook_program *hook, struct piece *piece)
{
	int program = kernel_program(r->loaded.kernel, hook->name), error = run_piece(program, piece);

	if (error == -EINVAL && piece->first < piece->size) {
		piece->first = piece->size;
		error = run_piece(program, piece);
	}
	return error;
}

void replay_packet(struct replay *r, enum hook at, struct piece piece, u64 time)
{
	const struct hook_program *hook = &programs[at];
	struct segment seg = {.ifindex = LOOPBACK,
			      .place = place_of(LOOPBACK, hook->direction),
			      .own = hook->direction == HOOK_OUT};
	enum parse_result result;
	int error;

	run_clock(r, time);
	*r->loaded.time = time;
	error = run_kernel(r, hook, &piece);
	if (!error) {
		result = parse_at(hook, &piece, &seg);
		host_packet(r->host, result, &seg, time);
		r->packets++;
	} else {
		assert_int_equal(error, -EINVAL);
	}
	assert_true(kernel_poll(r->loaded.kernel) >= 0);
	compare_events(r);
}

/* --- the end --- */

/* Each side concludes in an order of its own; which flow a count of a pair is told with follows from it. */
static void forget_order(struct told *told)
{
	for (u32 i = 0; i < told->count; i++) {
		struct event *event = &told->event[i];

		if (event->kind != EVENT_LINGER || event->value2 != SCOPE_PAIR)
			continue;
		memset(&event->flow, 0, sizeof(event->flow));
		event->word = 0;
	}
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct event));
}

void replay_conclude(struct replay *r, u64 time)
{
	replay_compare(r);
	assert_int_equal(kernel_conclude(r->loaded.kernel, HOW_END_OF_CAPTURE, time), 0);
	host_conclude(r->host, HOW_END_OF_CAPTURE, time);
	forget_order(&r->by_kernel);
	forget_order(&r->by_host);
	qsort(r->by_kernel.event, r->by_kernel.count, sizeof(struct event), by_bytes);
	qsort(r->by_host.event, r->by_host.count, sizeof(struct event), by_bytes);
	compare_events(r);
	compare_tallies(r);
	print_message("%s: %llu packets, %llu ticks, %llu events: the same\n", r->what, r->packets, r->ticks,
		      r->events);
}
