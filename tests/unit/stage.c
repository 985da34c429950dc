/* SPDX-License-Identifier: GPL-2.0-only */
#include "stage.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "balance.h"
#include "facts.h"
#include "names.h"

/* Some time after zero, so that "before" has a value, and on a tick. */
#define CURTAIN_NS (1000 * NSEC_PER_SEC)

/* What play_both_ways() goes through. */
static u32 stage_seeds = 16;

struct config stage_config(void)
{
	struct config config = {
		.seeds = stage_seeds,
		.secret = 0x0123456789abcdefULL,
		.events = (1u << EVENT_KINDS) - 1,
		.half_open_after = 3 * TICKS_PER_SEC,
		.give_up_after = 75 * TICKS_PER_SEC,
		.close_wait_after = 60 * TICKS_PER_SEC,
		.fin_wait_after = 90 * TICKS_PER_SEC,
		.view = VIEW_HOST,
	};

	stage_plan(&config, 4, 4);
	return config;
}

void stage_plan(struct config *config, u32 pending_rows, u32 connection_rows)
{
	config->row_bits = 0;
	config->table[TABLE_PENDING] = (struct table_plan){ 0, pending_rows };
	config->table[TABLE_CONNECTIONS] = (struct table_plan){ pending_rows, connection_rows };
	config->table[TABLE_SERVICES] = (struct table_plan){ pending_rows + connection_rows, 4 };
}

static void remember(void *arg, const struct event *event)
{
	struct stage *stage = arg;

	if (stage->events == STAGE_EVENTS)
		fail_msg("more than %d events", STAGE_EVENTS);
	stage->told[stage->events++] = *event;
	stage->closes += event->kind == EVENT_CLOSE;
}

void stage_open(struct stage *stage, const struct config *config)
{
	int mirrored = stage->mirrored;

	*stage = (struct stage){ .config = *config, .begin = CURTAIN_NS, .mirrored = mirrored,
				 .client_port = CLIENT_PORT };
	assert_int_equal(host_new(&stage->host, config, remember, stage), 0);
	stage->engine = (struct engine *)stage->host;
	host_clock(stage->host, stage->begin);
}

static u64 told_selected(const struct stage *stage)
{
	u64 n = 0;

	for (u32 i = 0; i < stage->events; i++)
		n += stage->told[i].kind < EVENT_KINDS;
	return n;
}

void stage_balance(struct stage *stage)
{
	const char *fault = balance_fault(stage->engine, told_selected(stage));

	if (fault)
		fail_msg("does not balance: %s", fault);
	assert_int_equal(counted(stage, internal_error), 0);
}

/* A stray SYN-ACK that nothing joined or proved was told as well: these cannot be counted from the tally. */
static void one_close_each(struct stage *stage)
{
	u64 sure = counted(stage, handshakes_started) + counted(stage, begun_by_adoption) +
		   counted(stage, adoptions_refused_table_full);

	if (!(stage->config.events & 1u << EVENT_CLOSE))
		return;
	/* in alarm a close may be among the suppressed */
	assert_in_range(stage->closes + counted(stage, events_suppressed), sure, UINT32_MAX);
	assert_in_range(stage->closes, 0, sure + counted(stage, adoptions_started));
	if (!counted(stage, adoptions_started) && !counted(stage, events_suppressed))
		assert_int_equal(stage->closes, sure);
}

void stage_close(struct stage *stage)
{
	if (!stage->host)
		return;
	stage_balance(stage);
	host_conclude(stage->host, HOW_END_OF_CAPTURE, stage->begin + 1000 * NSEC_PER_SEC);
	stage_balance(stage);
	one_close_each(stage);
	host_free(stage->host);
	stage->host = NULL;
}

void restage(struct stage *stage, const struct config *config)
{
	stage_close(stage);
	stage_open(stage, config);
}

static struct stage the_stage;

int raise_curtain(void **state)
{
	struct config config = stage_config();

	stage_open(&the_stage, &config);
	*state = &the_stage;
	return 0;
}

int lower_curtain(void **state)
{
	stage_close(*state);
	return 0;
}

int play_both_ways(const char *name, const struct CMUnitTest *tests, size_t count)
{
	int failed = 0;

	for (int way = 0; way < 4; way++) {
		the_stage.mirrored = way & 1;
		stage_seeds = way & 2 ? 0 : 16;
		failed += _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	}
	return failed;
}

/* --- the script --- */

static u64 ns_of(const char *seconds)
{
	return (u64)(strtod(seconds, NULL) * 1000000 + 0.5) * 1000;
}

static u8 flags_of(const char *letters)
{
	static const char letter[] = "FSRP.UEW";
	u8 flags = 0;

	for (; *letters; letters++) {
		const char *found = strchr(letter, *letters);

		if (found)
			flags |= 1u << (found - letter);
		else if (*letters != '-')
			fail_msg("flag '%c'", *letters);
	}
	return flags;
}

static void address_segment(const struct stage *stage, char end, struct segment *seg)
{
	struct address low = address_v4(htonl(0x0a000001)), high = address_v4(htonl(0x0a000002));
	struct address client = stage->mirrored ? high : low, server = stage->mirrored ? low : high;

	if (end == 'c')
		seg->sender = key_make(&seg->key, client, stage->client_port, server, SERVER_PORT);
	else if (end == 's')
		seg->sender = key_make(&seg->key, server, SERVER_PORT, client, stage->client_port);
	else
		fail_msg("end '%c'", end);
}

/* 1001 or 1001:1101(100), as tcpdump has it: the end says no more than the length. */
static void number_segment(const char *word, struct segment *seg)
{
	char *rest;
	u32 end;

	seg->seq = (u32)strtoul(word, &rest, 0);
	if (*rest != ':')
		return;
	end = (u32)strtoul(rest + 1, &rest, 0);
	seg->len = (u32)strtoul(rest + 1, NULL, 0);
	if (seg->seq + seg->len != end)
		fail_msg("%s: the length is another", word);
}

/* Returns whether the option takes a value. */
static int option_of(const char *word, u32 value, struct segment *seg)
{
	if (!strcmp(word, "own")) {
		seg->own = 1;
		return 0;
	}
	if (!strcmp(word, "no_socket")) {
		seg->numbers = NUMBERS_NO_SOCKET;
		return 0;
	}
	if (!strcmp(word, "ack")) {
		seg->ack = value;
	} else if (!strcmp(word, "wscale")) {
		seg->wscale = (u8)value;
		seg->offers |= OFFER_WSCALE;
	} else if (!strcmp(word, "at")) {
		seg->ifindex = value;
		seg->place = place_of(value, HOOK_IN);
	} else if (!strcmp(word, "rcv_nxt")) {
		seg->numbers = NUMBERS_KNOWN;
		seg->rcv_nxt = value;
	} else if (!strcmp(word, "rcv_wnd")) {
		seg->rcv_wnd = value;
	} else {
		fail_msg("option '%s'", word);
	}
	return 1;
}

u64 stage_segment(const struct stage *stage, const char *line, struct segment *seg)
{
	char copy[STAGE_LINE], *words[16] = { NULL }, *save = NULL;
	u32 n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word && n < 15; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	if (n < 4)
		fail_msg("line '%s'", line);
	*seg = (struct segment){ .ifindex = 1, .place = place_of(1, HOOK_IN) };
	address_segment(stage, *words[1], seg);
	seg->flags = flags_of(words[2]);
	number_segment(words[3], seg);
	for (u32 i = 4; i < n; i++)
		i += option_of(words[i], words[i + 1] ? (u32)strtoul(words[i + 1], NULL, 0) : 0, seg);
	return stage->begin + ns_of(words[0]);
}

void stage_packet(struct stage *stage, struct segment *seg, u64 time)
{
	host_packet(stage->host, PARSE_TCP, seg, time);
}

void play_lines(struct stage *stage, const char *const *lines)
{
	for (; *lines; lines++) {
		struct segment seg;
		u64 time = stage_segment(stage, *lines, &seg);

		stage_packet(stage, &seg, time);
	}
}

void wait_until(struct stage *stage, const char *seconds)
{
	host_clock(stage->host, stage->begin + ns_of(seconds));
}

/* --- what it told --- */

static void describe_open(const struct event *event, char *out, size_t size)
{
	const struct end *client = facts_of(event, SIDE_CLIENT), *server = facts_of(event, SIDE_SERVER);

	snprintf(out, size, "open %s %llu+%llu us %u SYN %u SYN-ACK%s", open_kind_name(facts_open_kind(event)),
		 event->value / 1000, event->value2 / 1000, client->syn, server->synack,
		 facts_inferred(event) ? " inferred" : "");
}

static void describe_close(const struct event *event, char *out, size_t size)
{
	enum side by = facts_closed_by(event);
	enum close_sequence sequence = facts_sequence(event);
	u32 inferred = facts_inferred(event);
	size_t n = (size_t)snprintf(out, size, "close %s", how_name(event->detail));

	if (by != SIDE_UNKNOWN)
		n += (size_t)snprintf(out + n, size - n, " by %s", side_name(by));
	if (sequence != SEQUENCE_NONE)
		n += (size_t)snprintf(out + n, size - n, " %s", sequence_name(sequence));
	n += (size_t)snprintf(out + n, size - n, " %s/%s", state_name(facts_state(event, SIDE_CLIENT)),
			      state_name(facts_state(event, SIDE_SERVER)));
	if (event->flow.flags & FLOW_ADOPTED)
		n += (size_t)snprintf(out + n, size - n, " adopted");
	else if (!(event->flow.flags & FLOW_OPENED))
		n += (size_t)snprintf(out + n, size - n, " not opened");
	for (u32 bit = 0; bit < INFERRED_BITS; bit++) {
		if (inferred & 1u << bit)
			n += (size_t)snprintf(out + n, size - n, " inferred %s", inferred_name(bit));
	}
}

static void describe_linger(const struct event *event, char *out, size_t size)
{
	struct linger_facts linger = facts_linger(event, NULL);

	snprintf(out, size, "linger %s %s %s %s", phase_name(event->detail), scope_name(linger.scope),
		 state_name(event->detail2), side_name(linger.holder));
}

static void describe(const struct stage *stage, const struct event *event, char *out, size_t size)
{
	u64 us = (event->time - stage->begin) / 1000;
	size_t n = (size_t)snprintf(out, size, "%llu.%03llu ", us / 1000000, us / 1000 % 1000);

	switch ((u32)event->kind) {
	case EVENT_OPEN:
		describe_open(event, out + n, size - n);
		break;
	case EVENT_HALF_OPEN:
		snprintf(out + n, size - n, "half_open %s", waiting_name(event->detail));
		break;
	case EVENT_CLOSE:
		describe_close(event, out + n, size - n);
		break;
	case EVENT_LINGER:
		describe_linger(event, out + n, size - n);
		break;
	default:
		snprintf(out + n, size - n, event->kind == EVENT_SUSPECT ? "suspect" : "event %u", event->kind);
		break;
	}
}

void expect_lines(struct stage *stage, const char *const *lines)
{
	char line[STAGE_LINE];

	for (; *lines; lines++) {
		if (stage->read == stage->events)
			fail_msg("not told: %s", *lines);
		describe(stage, &stage->told[stage->read++], line, sizeof(line));
		if (strcmp(line, *lines))
			fail_msg("told:     %s\nexpected: %s", line, *lines);
	}
	if (stage->read != stage->events) {
		describe(stage, &stage->told[stage->read], line, sizeof(line));
		fail_msg("told beyond what was expected: %s", line);
	}
}

const struct event *last_event(const struct stage *stage)
{
	assert_true(stage->events > 0);
	return &stage->told[stage->events - 1];
}

/* --- what stands --- */

static const char *watch_word(u64 word)
{
	static const char *const names[] = { "", "", " accept", " fin", " reset", " probation", " one_sided", " half" };

	return names[word_watch(word)];
}

enum standing { PENDING, CONNECTION, TOMB, STANDINGS };

static enum standing standing_of(const struct stage *stage, u32 slot)
{
	if (stage->engine->lines[slot] & WORD_TOMB)
		return TOMB;
	return slot < stage->config.table[TABLE_CONNECTIONS].first_line * LINE_WORDS ? PENDING : CONNECTION;
}

/* Appends what stands there with this key, of this kind. */
static size_t list_slot(const struct stage *stage, u32 slot, enum standing kind, char *out, size_t n)
{
	static const char *const kinds[STANDINGS] = { "pending", "connection", "tomb" };
	const struct flow *flow = &stage->engine->flows[slot];
	u64 word = stage->engine->lines[slot];
	u32 client = flow_client(flow);
	struct segment seg;

	stage_segment(stage, "0 c S 0", &seg);
	if (!word || standing_of(stage, slot) != kind || !key_equal(&flow->key, &seg.key))
		return 0;
	return (size_t)snprintf(out + n, STAGE_LINE - n, "%s%s %s/%s%s", n ? ", " : "", kinds[kind],
				state_name(word_end_state(word, client)),
				state_name(word_end_state(word, PEER_OF(client))), watch_word(word));
}

/* The same of a seed, which is as good as pending. */
static size_t list_seed(const struct stage *stage, u32 place, char *out, size_t n)
{
	const struct seed *seed = &stage->engine->seeds[place];
	u64 state = stage->engine->seed_words[place], word = word_of_seed(seed, &stage->engine->seed_answers[place], state);
	u32 client = seed_client(seed, state);
	struct segment seg;

	stage_segment(stage, "0 c S 0", &seg);
	if (!(state & SEED_LIVE) || !seed_has_key(seed, &seg.key))
		return 0;
	return (size_t)snprintf(out + n, STAGE_LINE - n, "%spending %s/%s", n ? ", " : "",
				state_name(word_end_state(word, client)), state_name(word_end_state(word, PEER_OF(client))));
}

void expect_standing(struct stage *stage, const char *standing)
{
	u32 slots = stage->config.table[TABLE_SERVICES].first_line * LINE_WORDS;
	char seen[STAGE_LINE] = "";
	size_t n = 0;

	engine = stage->engine;
	for (u32 place = 0; place < stage->config.seeds; place++)
		n += list_seed(stage, place, seen, n);
	for (u32 kind = 0; kind < STANDINGS; kind++) {
		for (u32 slot = 0; slot < slots; slot++)
			n += list_slot(stage, slot, kind, seen, n);
	}
	if (strcmp(n ? seen : "nothing", standing))
		fail_msg("stands:   %s\nexpected: %s", n ? seen : "nothing", standing);
}
