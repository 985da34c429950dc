/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two packets of one flow, or a packet and the sweep, at the same moment on two
 * CPUs: whoever comes first, each thing is told exactly once, all sums are
 * exact, and the watch filter is what the words say. The same programs with
 * their atomic operations made plain fail.
 *
 * TCPSHAKE_RACES=n: rounds of each of the four pairs (20000; 500000 for two million in all).
 * TCPSHAKE_SEED=n: other moments. TCPSHAKE_PLAIN_OBJECT=file: the programs that have to fail.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader.h"
#include "lockstep.h"

#define ROUNDS	     20000
#define ROUNDS_PLAIN 200000 /* within which the plain ones must have failed */
#define BATCH	     512
#define BEGIN_NS     (1000 * NSEC_PER_SEC)
#define SERVER_PORT  443
#define CLIENT_PORT  40000
#define CROWD_PORT   50000 /* of those that only take room */

#define CLIENT_ISN 1000u
#define SERVER_ISN 5000u

/* What was told of a flow. */
struct outcome {
	u8 opens, half_opens, closes, how;
};

struct arena {
	struct loaded loaded;
	struct lockstep *lockstep;
	int xdp, tc, sweep; /* programs */
	u64 flow;	    /* number of the batch's first; each has an address of its own */
	u64 time;	    /* ns */
	struct outcome outcome[BATCH];
	u64 won, lost; /* races that can go two ways: by the first of the pair; by the other */
	char fault[160];
};

/* Sets the fault unless there is one: the first tells most. */
__attribute__((format(printf, 2, 3))) static void find_fault(struct arena *arena, const char *format, ...)
{
	va_list args;

	if (*arena->fault)
		return;
	va_start(args, format);
	vsnprintf(arena->fault, sizeof(arena->fault), format, args);
	va_end(args);
}

/* --- packets --- */

/* Every other batch is IPv6. */
static struct address client_address(u64 flow)
{
	if (flow / BATCH % 2)
		return address_v6(0x20010db800000000ULL, flow);
	return address_v4(htobe32(0x0a000000 | (u32)flow));
}

static struct address server_address(u64 flow)
{
	return flow / BATCH % 2 ? address_v6(0x20010db8ffff0000ULL, 1) : address_v4(htobe32(0xc0000201));
}

enum way { OF_CLIENT, OF_SERVER };

static struct frame_spec spec_of(u64 flow, enum way way, u8 flags)
{
	struct frame_spec spec = {.from = client_address(flow),
				  .to = server_address(flow),
				  .from_port = CLIENT_PORT,
				  .to_port = SERVER_PORT,
				  .flags = flags};

	if (way == OF_SERVER) {
		spec.from = server_address(flow);
		spec.to = client_address(flow);
		spec.from_port = SERVER_PORT;
		spec.to_port = CLIENT_PORT;
	}
	spec.seq = (way == OF_CLIENT ? CLIENT_ISN : SERVER_ISN) + !(flags & TCP_SYN);
	if (flags & TCP_ACK)
		spec.ack = (way == OF_CLIENT ? SERVER_ISN : CLIENT_ISN) + 1;
	return spec;
}

/* The client's packets come in at XDP, the server's go out at tc. */
static struct shot shot_of(const struct arena *arena, const struct frame_spec *spec)
{
	struct shot shot = {.program = spec->from_port == SERVER_PORT ? arena->tc : arena->xdp};

	shot.size = frame_make(shot.frame, spec);
	return shot;
}

static struct shot packet(const struct arena *arena, u64 flow, enum way way, u8 flags)
{
	struct frame_spec spec = spec_of(flow, way, flags);

	return shot_of(arena, &spec);
}

/* The last two of a close: each acknowledges the other's FIN. */
static struct shot last_ack(const struct arena *arena, u64 flow, enum way way)
{
	struct frame_spec spec = spec_of(flow, way, TCP_ACK);

	spec.seq++;
	spec.ack++;
	return shot_of(arena, &spec);
}

static void set_time(struct arena *arena, u64 time)
{
	arena->time = time;
	*arena->loaded.time = time;
}

static void play(struct arena *arena, u64 flow, enum way way, u8 flags)
{
	struct shot shot = packet(arena, flow, way, flags);

	if (shot_run(&shot))
		find_fault(arena, "a packet could not be run");
}

static void race(struct arena *arena, struct shot here, struct shot there)
{
	if (lockstep_run(arena->lockstep, &here, &there))
		find_fault(arena, "a program could not be run");
}

/* --- what is told --- */

static u64 flow_of(const struct flow *flow, u32 client)
{
	const struct address *address = &flow->key.addr[client];

	return address_is_v4(address) ? be32toh(v4_of_low(address->word[1])) & 0xffffff
				      : be64toh(address->word[1]);
}

static void on_event(void *arg, const struct event *event)
{
	struct arena *arena = arg;
	u32 client = event->flow.key.port[0] == SERVER_PORT;
	struct outcome *outcome;
	u64 n;

	if (event->kind >= EVENT_KINDS || event->flow.key.port[client] != CLIENT_PORT)
		return;
	n = flow_of(&event->flow, client) - arena->flow;
	if (n >= BATCH) {
		find_fault(arena, "an event of kind %u about a flow of long ago", event->kind);
		return;
	}
	outcome = &arena->outcome[n];
	outcome->opens += event->kind == EVENT_OPEN;
	outcome->half_opens += event->kind == EVENT_HALF_OPEN;
	if (event->kind == EVENT_CLOSE) {
		outcome->closes++;
		outcome->how = event->detail;
	}
}

/* A packet that met a busy flow is stepped before the next of its flow comes. */
static void step_aside(struct arena *arena)
{
	struct kernel *kernel = arena->loaded.kernel;

	if (kernel_tick(kernel, kernel->tick * TICK_NS))
		find_fault(arena, "what was put aside could not be stepped");
}

/* What was put aside is stepped, events are read, and all must balance. */
static void come_to_rest(struct arena *arena)
{
	const char *fault;

	step_aside(arena);
	if (kernel_poll(arena->loaded.kernel) < 0)
		find_fault(arena, "events could not be read");
	fault = loader_fault(&arena->loaded);
	if (fault)
		find_fault(arena, "does not balance: %s", fault);
	if (arena->loaded.tally.count[C_contended] || arena->loaded.tally.count[C_events_lost_in_ring])
		find_fault(arena, "packets given up or events lost");
}

/* Of each `step`th flow one of two things was told, and nothing else. Counts which. */
static void expect_either(struct arena *arena, const char *when, u64 from, u64 step, struct outcome first,
			  struct outcome second)
{
	for (u64 n = from; n < BATCH; n += step) {
		struct outcome *seen = &arena->outcome[n];
		int is_first = !memcmp(seen, &first, sizeof(first));

		arena->won += is_first;
		arena->lost += !is_first;
		if (!is_first && memcmp(seen, &second, sizeof(second)))
			find_fault(arena, "%s: flow %llu: %u opens, %u half_opens, %u closes, last how %u",
				   when, n, seen->opens, seen->half_opens, seen->closes, seen->how);
	}
}

static void expect_each(struct arena *arena, const char *when, u64 from, u64 step, struct outcome want)
{
	u64 won = arena->won;

	expect_either(arena, when, from, step, want, want);
	arena->won = won;
}

/* --- the pairs --- */

/* Whichever comes first, one of the two opens it. The server's RST then clears the table. */
static void batch_of_opens(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;

		play(arena, flow, OF_CLIENT, TCP_SYN);
		race(arena, packet(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK),
		     packet(arena, flow, OF_CLIENT, TCP_ACK));
	}
	come_to_rest(arena);
	expect_each(arena, "SYN-ACK against ACK", 0, 1, (struct outcome){.opens = 1});
	for (u64 n = 0; n < BATCH; n++)
		play(arena, arena->flow + n, OF_SERVER, TCP_RST);
	come_to_rest(arena);
	expect_each(arena, "RST", 0, 1, (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET});
}

/* Two FINs, neither of which acknowledges the other, close nothing; of the last two ACKs one does. */
static void batch_of_closes(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;

		play(arena, flow, OF_CLIENT, TCP_SYN);
		play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		play(arena, flow, OF_CLIENT, TCP_ACK);
		race(arena, packet(arena, flow, OF_SERVER, TCP_FIN | TCP_ACK),
		     packet(arena, flow, OF_CLIENT, TCP_FIN | TCP_ACK));
	}
	come_to_rest(arena);
	expect_each(arena, "FIN against FIN", 0, 1, (struct outcome){.opens = 1});
	for (u64 n = 0; n < BATCH; n++)
		race(arena, last_ack(arena, arena->flow + n, OF_SERVER),
		     last_ack(arena, arena->flow + n, OF_CLIENT));
	come_to_rest(arena);
	expect_each(arena, "the last two ACKs", 0, 1,
		    (struct outcome){.opens = 1, .closes = 1, .how = HOW_FIN});
}

/*
 * The pending table is one line. The flow is older than all that stand there,
 * so a SYN of the crowd evicts it; its ACK opens it. One of the two.
 */
static void batch_of_evictions(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n, now = arena->time;
		struct frame_spec crowd = spec_of(flow, OF_CLIENT, TCP_SYN);

		crowd.from_port = CROWD_PORT;
		set_time(arena, now - NSEC_PER_SEC);
		play(arena, flow, OF_CLIENT, TCP_SYN);
		play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		set_time(arena, now);
		race(arena, shot_of(arena, &crowd), packet(arena, flow, OF_CLIENT, TCP_ACK));
		step_aside(arena);
		play(arena, flow, OF_SERVER, TCP_RST);
	}
	come_to_rest(arena);
	expect_either(arena, "eviction against ACK", 0, 1, (struct outcome){.closes = 1, .how = HOW_EVICTED},
		      (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET});
}

static struct shot sweep_at(const struct arena *arena, u64 time)
{
	return (struct shot){
	    .program = arena->sweep,
	    .is_sweep = 1,
	    .sweep = {.lines = arena->loaded.kernel->config.table[TABLE_SERVICES].first_line,
		      .tick = time / TICK_NS},
	};
}

/*
 * Its half_open is due: the sweep tells it, or the ACK on its way; once. Every
 * other flow is due to be given up at the sweep's tick and not yet at the ACK's:
 * it times out or it opens.
 */
static void batch_of_sweeps(struct arena *arena)
{
	const struct outcome opened = {.opens = 1, .half_opens = 1, .closes = 1, .how = HOW_RESET};
	const struct outcome timed_out = {.half_opens = 1, .closes = 1, .how = HOW_TIMEOUT};

	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n, begin = arena->time + 200 * NSEC_PER_SEC;
		u64 sweep = begin + (n % 2 ? 80 : 4) * NSEC_PER_SEC;

		set_time(arena, begin);
		play(arena, flow, OF_CLIENT, TCP_SYN);
		play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		set_time(arena, begin + (n % 2 ? 70 : 4) * NSEC_PER_SEC);
		race(arena, sweep_at(arena, sweep), packet(arena, flow, OF_CLIENT, TCP_ACK));
		step_aside(arena);
		play(arena, flow, OF_SERVER, TCP_RST);
	}
	come_to_rest(arena);
	expect_each(arena, "sweep against ACK", 0, 2, opened);
	expect_either(arena, "sweep that gives up against ACK", 1, 2, timed_out, opened);
}

static const struct pair {
	const char *name;
	u32 pending_rows, connection_rows; /* of four lines */
	u32 row_bits;
	void (*batch)(struct arena *arena);
} pairs[] = {
    {"SYN-ACK against ACK", 64, 64, 2, batch_of_opens},
    {"FIN against FIN", 64, 64, 2, batch_of_closes},
    {"eviction against ACK", 1, 8, 0, batch_of_evictions},
    {"sweep against ACK", 4, 8, 0, batch_of_sweeps},
};

/* --- running them --- */

/* Between batches all that ended goes: tables are as at the start. */
static void clear_tables(struct arena *arena)
{
	set_time(arena, arena->time + 200 * NSEC_PER_SEC);
	for (u32 n = 0; n < 2; n++)
		loader_sweep(&arena->loaded, arena->time / TICK_NS);
}

static void open_arena(struct arena *arena, const struct pair *pair, const char *object)
{
	struct config config = loader_config(pair->row_bits, pair->pending_rows, pair->connection_rows);

	config.view = VIEW_HOST;
	memset(arena, 0, sizeof(*arena));
	arena->lockstep = lockstep_new(number_from("TCPSHAKE_SEED", 1));
	if (!arena->lockstep) {
		print_message("one CPU only: nothing can race\n");
		skip();
	}
	loader_open(&arena->loaded, &config, object, on_event, arena);
	arena->xdp = loader_program(&arena->loaded, "xdp_ether");
	arena->tc = loader_program(&arena->loaded, "tc_out_ether");
	arena->sweep = loader_program(&arena->loaded, "call_sweep");
	set_time(arena, BEGIN_NS);
}

static void close_arena(struct arena *arena)
{
	loader_close(&arena->loaded);
	lockstep_free(arena->lockstep);
}

/* Returns the rounds that were run, up to the batch in which a fault was found. */
static u64 run_pair(struct arena *arena, const struct pair *pair, u64 rounds)
{
	u64 n;

	for (n = 0; n < rounds && !*arena->fault; n += BATCH) {
		memset(arena->outcome, 0, sizeof(arena->outcome));
		arena->flow = n;
		pair->batch(arena);
		if (!*arena->fault)
			clear_tables(arena);
	}
	return n;
}

/* One service, so none of its counts can have gone to another. */
static void check_services(struct arena *arena)
{
	const struct service *rows;
	const u64 *count = arena->loaded.tally.count;
	u64 seen[SERVICE_COUNTS] = {0};

	assert_int_equal(kernel_tally(arena->loaded.kernel, &arena->loaded.tally), 0);
	for (u32 n = kernel_services(arena->loaded.kernel, &rows); n; n--, rows++) {
		for (u32 i = 0; i < SERVICE_COUNTS; i++)
			seen[i] += rows->count[i];
	}
	assert_int_equal(seen[SERVICE_SYN], count[C_handshakes_started]);
	assert_int_equal(seen[SERVICE_COMPLETED], count[C_handshakes_completed]);
	assert_int_equal(seen[SERVICE_TIMED_OUT], count[C_handshakes_timed_out]);
	assert_int_equal(seen[SERVICE_EVICTED], count[C_handshakes_evicted]);
}

static struct arena arena;

static void told_once(const struct pair *pair)
{
	u64 rounds;

	enter_world();
	open_arena(&arena, pair, NULL);
	rounds = run_pair(&arena, pair, number_from("TCPSHAKE_RACES", ROUNDS));
	if (*arena.fault)
		fail_msg("%s, within round %llu: %s", pair->name, rounds, arena.fault);
	print_message("%s: %llu rounds, %llu packets met a busy flow", pair->name, rounds,
		      arena.loaded.tally.count[C_deferred]);
	if (arena.won + arena.lost)
		print_message("; the first won %llu, the other %llu", arena.won, arena.lost);
	print_message("\n");
	check_services(&arena);
	close_arena(&arena);
}

static void syn_ack_against_ack(void **state)
{
	(void)state;
	told_once(&pairs[0]);
}

static void fin_against_fin(void **state)
{
	(void)state;
	told_once(&pairs[1]);
}

static void eviction_against_ack(void **state)
{
	(void)state;
	told_once(&pairs[2]);
}

static void sweep_against_ack(void **state)
{
	(void)state;
	told_once(&pairs[3]);
}

static void plain_operations_are_caught(void **state)
{
	const char *named = getenv("TCPSHAKE_PLAIN_OBJECT");
	char object[4000];

	(void)state;
	enter_world();
	built(object, sizeof(object), "tcpshake_plain.bpf.o");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		u64 rounds;

		open_arena(&arena, &pairs[i], named ? named : object);
		rounds = run_pair(&arena, &pairs[i], ROUNDS_PLAIN);
		print_message("plain, %s: within %llu rounds: %s\n", pairs[i].name, rounds, arena.fault);
		assert_true(*arena.fault);
		close_arena(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(syn_ack_against_ack),	   cmocka_unit_test(fin_against_fin),
	    cmocka_unit_test(eviction_against_ack),	   cmocka_unit_test(sweep_against_ack),
	    cmocka_unit_test(plain_operations_are_caught),
	};

	return cmocka_run_group_tests_name("race_test", tests, NULL, NULL);
}
