/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two packets of one flow, or a packet and the sweep, at the same moment on two
 * CPUs: whoever comes first, each thing is told exactly once, all sums are
 * exact, and the watch filter is what the words say. The same programs with
 * their atomic operations made plain fail.
 *
 * TCPSHAKE_RACES=n: rounds of each of the nine pairs (500000 for 4.5 million in all); without it 20000, or as
 * many as a machine with other work can do in a minute.
 * TCPSHAKE_SEED=n: other moments. TCPSHAKE_PLAIN_OBJECT=file: the programs that have to fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arena.h"

#define ROUNDS 20000
#define ROUNDS_NS                                                                                            \
	(60 * NSEC_PER_SEC) /* on a machine with other work, two CPUs meet some thousand times slower */
#define ROUNDS_PLAIN 200000 /* within which the plain ones must have failed */
#define BEGIN_NS     (1000 * NSEC_PER_SEC)
#define CROWD_PORT   50000 /* of those that only take room */

/* --- the pairs --- */

/* Whichever comes first, one of the two opens it. The server's RST then clears the table. */
static void batch_of_opens(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;

		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_race(arena, arena_packet(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK),
			   arena_packet(arena, flow, OF_CLIENT, TCP_ACK));
	}
	arena_rest(arena);
	arena_expect(arena, "SYN-ACK against ACK", 0, 1, (struct outcome){.opens = 1});
	for (u64 n = 0; n < BATCH; n++)
		arena_play(arena, arena->flow + n, OF_SERVER, TCP_RST);
	arena_rest(arena);
	arena_expect(arena, "RST", 0, 1, (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET});
}

/* Two FINs, neither of which acknowledges the other, close nothing; of the last two ACKs one does. */
static void batch_of_closes(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;

		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		arena_play(arena, flow, OF_CLIENT, TCP_ACK);
		arena_race(arena, arena_packet(arena, flow, OF_SERVER, TCP_FIN | TCP_ACK),
			   arena_packet(arena, flow, OF_CLIENT, TCP_FIN | TCP_ACK));
	}
	arena_rest(arena);
	arena_expect(arena, "FIN against FIN", 0, 1, (struct outcome){.opens = 1});
	for (u64 n = 0; n < BATCH; n++)
		arena_race(arena, arena_last_ack(arena, arena->flow + n, OF_SERVER),
			   arena_last_ack(arena, arena->flow + n, OF_CLIENT));
	arena_rest(arena);
	arena_expect(arena, "the last two ACKs", 0, 1,
		     (struct outcome){.opens = 1, .closes = 1, .how = HOW_FIN});
}

/* The crowd's SYN of this flow gets its SYN-ACK: who was not answered goes first. */
static void answer(struct arena *arena, u64 flow)
{
	struct frame_spec spec = arena_spec(flow, OF_SERVER, TCP_SYN | TCP_ACK);
	struct shot shot;

	spec.to_port = CROWD_PORT;
	shot = arena_shot(arena, &spec);
	assert_int_equal(shot_run(&shot), 0);
}

/*
 * The pending table is one line, full of handshakes that were answered. The flow is
 * the oldest of them, so a SYN of the crowd evicts it; its ACK opens it. One of the two.
 */
static void batch_of_evictions(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n, now = arena->time;
		struct frame_spec crowd = arena_spec(flow, OF_CLIENT, TCP_SYN);

		crowd.from_port = CROWD_PORT;
		arena_set_time(arena, now - NSEC_PER_SEC);
		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		arena_set_time(arena, now);
		arena_race(arena, arena_shot(arena, &crowd), arena_packet(arena, flow, OF_CLIENT, TCP_ACK));
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
		answer(arena, flow);
	}
	arena_rest(arena);
	arena_expect_either(arena, "eviction against ACK", 0, 1,
			    (struct outcome){0}, /* evicted: counted, not told */
			    (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET});
}

static struct shot sweep_at(const struct arena *arena, u64 time)
{
	return (struct shot){
	    .program = arena->sweep,
	    .is_sweep = 1,
	    .sweep = {.count = arena->loaded.kernel->config.table[TABLE_SERVICES].first_line,
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

		arena_set_time(arena, begin);
		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		arena_set_time(arena, begin + (n % 2 ? 70 : 4) * NSEC_PER_SEC);
		arena_race(arena, sweep_at(arena, sweep), arena_packet(arena, flow, OF_CLIENT, TCP_ACK));
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect(arena, "sweep against ACK", 0, 2, opened);
	arena_expect_either(arena, "sweep that gives up against ACK", 1, 2, timed_out, opened);
}

/*
 * The ring is full, the flow's seed its oldest: a SYN of the crowd takes its place,
 * unless the SYN-ACK hatches it first. Then that begins a candidate, and is told of
 * no less; a RST ends either.
 */
static void batch_of_rounds(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;
		struct frame_spec crowd = arena_spec(flow, OF_CLIENT, TCP_SYN);

		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		for (u32 i = 1; i <= SEEDS_LEAST; i++) {
			struct shot shot;

			crowd.from_port = (u16)(CROWD_PORT + i);
			shot = arena_shot(arena, &crowd);
			if (i < SEEDS_LEAST)
				assert_int_equal(shot_run(&shot), 0);
			else
				arena_race(arena, shot, arena_packet(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK));
		}
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect(arena, "SYN-ACK against another round", 0, 1, (struct outcome){.closes = 1, .how = HOW_RESET});
}

/* The seed's half_open is due: the sweep hatches it, or the SYN-ACK; it is told once, and the ACK opens it. */
static void batch_of_hatches(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n, begin = arena->time + 200 * NSEC_PER_SEC;
		struct shot sweep = sweep_at(arena, begin + 4 * NSEC_PER_SEC);

		sweep.program = arena->seeds;
		arena_set_time(arena, begin);
		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_set_time(arena, begin + 4 * NSEC_PER_SEC);
		arena_race(arena, sweep, arena_packet(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK));
		arena_step_aside(arena);
		arena_play(arena, flow, OF_CLIENT, TCP_ACK);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect(arena, "sweep of seeds against SYN-ACK", 0, 1,
		     (struct outcome){.opens = 1, .half_opens = 1, .closes = 1, .how = HOW_RESET});
}

/* The same of the ACK: it opens before the half_open is told, or after. */
static void batch_of_late_opens(struct arena *arena)
{
	const struct outcome opened = {.opens = 1, .closes = 1, .how = HOW_RESET};
	const struct outcome told = {.opens = 1, .half_opens = 1, .closes = 1, .how = HOW_RESET};

	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n, begin = arena->time + 200 * NSEC_PER_SEC;
		struct shot sweep = sweep_at(arena, begin + 4 * NSEC_PER_SEC);

		sweep.program = arena->seeds;
		arena_set_time(arena, begin);
		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		/* its own time is before the deadline that the sweep sees passed */
		arena_set_time(arena, begin + 2 * NSEC_PER_SEC);
		arena_race(arena, sweep, arena_packet(arena, flow, OF_CLIENT, TCP_ACK));
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect_either(arena, "sweep of seeds against ACK", 0, 1, opened, told);
}

/* As with the SYN-ACK: the place is taken, and the answered seed moves on; or the ACK opens it. */
static void batch_of_late_rounds(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;
		struct frame_spec crowd = arena_spec(flow, OF_CLIENT, TCP_SYN);

		arena_play(arena, flow, OF_CLIENT, TCP_SYN);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		for (u32 i = 1; i <= SEEDS_LEAST; i++) {
			struct shot shot;

			crowd.from_port = (u16)(CROWD_PORT + i);
			shot = arena_shot(arena, &crowd);
			if (i < SEEDS_LEAST)
				assert_int_equal(shot_run(&shot), 0);
			else
				arena_race(arena, shot, arena_packet(arena, flow, OF_CLIENT, TCP_ACK));
		}
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect_either(arena, "ACK against another round", 0, 1,
			    (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET},
			    (struct outcome){.closes = 1, .how = HOW_RESET});
}

/* Two SYNs of different pairs, whose seeds lie in one line of the index: both are found again. */
static void batch_of_sowings(struct arena *arena)
{
	for (u64 n = 0; n < BATCH; n++) {
		u64 flow = arena->flow + n;
		struct frame_spec crowd = arena_spec(flow, OF_CLIENT, TCP_SYN);

		crowd.from_port = CROWD_PORT;
		if (n % 2)
			arena_race(arena, arena_packet(arena, flow, OF_CLIENT, TCP_SYN), arena_shot(arena, &crowd));
		else
			arena_race(arena, arena_shot(arena, &crowd), arena_packet(arena, flow, OF_CLIENT, TCP_SYN));
		arena_step_aside(arena);
		arena_play(arena, flow, OF_SERVER, TCP_SYN | TCP_ACK);
		arena_play(arena, flow, OF_CLIENT, TCP_ACK);
		arena_play(arena, flow, OF_SERVER, TCP_RST);
	}
	arena_rest(arena);
	arena_expect(arena, "SYN against SYN", 0, 1, (struct outcome){.opens = 1, .closes = 1, .how = HOW_RESET});
}

static const struct pair {
	const char *name;
	u32 pending_rows, connection_rows; /* of four lines */
	u32 row_bits, seeds;
	void (*batch)(struct arena *arena);
} pairs[] = {
    {"SYN-ACK against ACK", 64, 64, 2, 64, batch_of_opens},
    {"FIN against FIN", 64, 64, 2, 64, batch_of_closes},
    {"eviction against ACK", 1, 8, 0, 0, batch_of_evictions},
    {"sweep against ACK", 4, 8, 0, 0, batch_of_sweeps},
    {"SYN-ACK against another round", 64, 64, 2, SEEDS_LEAST, batch_of_rounds},
    {"sweep of seeds against SYN-ACK", 16, 16, 0, 64, batch_of_hatches},
    {"sweep of seeds against ACK", 16, 16, 0, 64, batch_of_late_opens},
    {"ACK against another round", 64, 64, 2, SEEDS_LEAST, batch_of_late_rounds},
    {"SYN against SYN in one line", 64, 64, 2, SEEDS_LEAST, batch_of_sowings},
};

/* --- running them --- */

/* Between batches all that ended goes: tables are as at the start. */
static void clear_tables(struct arena *arena)
{
	arena_set_time(arena, arena->time + 200 * NSEC_PER_SEC);
	for (u32 n = 0; n < 2; n++)
		loader_sweep(&arena->loaded, arena->time / TICK_NS);
}

static void open_arena(struct arena *arena, const struct pair *pair, const char *object)
{
	struct config config = loader_config(pair->row_bits, pair->pending_rows, pair->connection_rows);

	config.view = VIEW_HOST;
	config.seeds = pair->seeds;
	memset(arena, 0, sizeof(*arena));
	arena->lockstep = lockstep_new(number_from("TCPSHAKE_SEED", 1));
	if (!arena->lockstep) {
		print_message("one CPU only: nothing can race\n");
		skip();
	}
	loader_open(&arena->loaded, &config, object, arena_on_event, arena);
	arena->xdp = loader_program(&arena->loaded, "xdp_ether");
	arena->tc = loader_program(&arena->loaded, "tc_out_ether");
	arena->sweep = loader_program(&arena->loaded, "call_sweep");
	arena->seeds = loader_program(&arena->loaded, "call_seeds");
	arena_set_time(arena, BEGIN_NS);
}

static void close_arena(struct arena *arena)
{
	loader_close(&arena->loaded);
	lockstep_free(arena->lockstep);
}

static u64 now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

/* Returns the rounds that were run, up to the batch in which a fault was found or the time was over. */
static u64 run_pair(struct arena *arena, const struct pair *pair, u64 rounds, u64 budget_ns)
{
	u64 n, begin = now();

	for (n = 0; n < rounds && !*arena->fault && now() - begin < budget_ns; n += BATCH) {
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
	rounds = run_pair(&arena, pair, number_from("TCPSHAKE_RACES", ROUNDS),
			  getenv("TCPSHAKE_RACES") ? ~0ULL : ROUNDS_NS);
	if (*arena.fault)
		fail_msg("%s, within round %llu: %s", pair->name, rounds, arena.fault);
	print_message("%s: %llu rounds, %llu packets met a busy flow", pair->name, rounds,
		      arena.loaded.tally.count[C_deferred]);
	if (arena.won + arena.lost)
		print_message("; the first won %llu, the other %llu", arena.won, arena.lost);
	print_message("\n");
	/* a service that never completes a handshake loses its row when it was quiet for long */
	if (arena.loaded.tally.count[C_handshakes_completed])
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

static void round_against_syn_ack(void **state)
{
	(void)state;
	told_once(&pairs[4]);
}

static void seeds_sweep_against_syn_ack(void **state)
{
	(void)state;
	told_once(&pairs[5]);
}

static void seeds_sweep_against_ack(void **state)
{
	(void)state;
	told_once(&pairs[6]);
}

static void round_against_ack(void **state)
{
	(void)state;
	told_once(&pairs[7]);
}

static void syn_against_syn(void **state)
{
	(void)state;
	told_once(&pairs[8]);
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
		rounds = run_pair(&arena, &pairs[i], ROUNDS_PLAIN, ~0ULL);
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
	    cmocka_unit_test(round_against_syn_ack),	   cmocka_unit_test(seeds_sweep_against_syn_ack),
	    cmocka_unit_test(seeds_sweep_against_ack),	   cmocka_unit_test(round_against_ack),
	    cmocka_unit_test(syn_against_syn),		   cmocka_unit_test(plain_operations_are_caught),
	};

	return cmocka_run_group_tests_name("race_test", tests, NULL, NULL);
}
