/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine where memory is denied. On a kernel with the plan's maps no look-up
 * fails; the verifier wants it asked all the same, and so each question is asked
 * here: nothing is written, nothing counted as done, no pointer followed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define TCPSHAKE_PLAIN
#define CFG(field) (config.field)

#include "config.h"

static struct config config;

#include "env.h"

/* What may be had of late; the rest is NULL. */
enum granted { LINES = 1, FLOWS = 2, TALLY = 4, LOCKS = 8 };
static u32 granted;

static u64 line[LINE_WORDS];
static struct flow record;
static struct tally counters;
static u32 lock;

INLINE u64 *env_line(u32 n) { (void)n; return granted & LINES ? line : NULL; }
static u64 print_of_no_tag = 0x0101010101010101ULL;
INLINE u64 *env_prints(u32 n) { (void)n; return granted & LINES ? &print_of_no_tag : NULL; }
INLINE struct flow *env_flow(u32 slot) { (void)slot; return granted & FLOWS ? &record : NULL; }
INLINE struct seed *env_seed(u32 place) { (void)place; return NULL; }
INLINE u64 *env_seed_word(u32 place) { (void)place; return NULL; }
INLINE struct answer *env_answer(u32 place) { (void)place; return NULL; }
INLINE struct seed_line *env_seed_line(u32 n) { (void)n; return NULL; }
INLINE struct seed_ends *env_seed_ends(void) { return NULL; }
INLINE struct flow *env_hatchling(u32 n) { (void)n; return NULL; }
INLINE struct service *env_service(u32 index) { (void)index; return NULL; }
INLINE struct sources *env_sources(u32 index) { (void)index; return NULL; }
INLINE u32 *env_bucket(u32 index) { (void)index; return NULL; }
INLINE u64 *env_pair_line(u32 index) { (void)index; return NULL; }
INLINE u32 *env_lock(u32 index) { (void)index; return granted & LOCKS ? &lock : NULL; }
INLINE u32 *env_probation(void) { return NULL; }
INLINE void env_note_due(u32 slot, u64 word) { (void)slot, (void)word; }
INLINE struct tally *env_tally(void) { return granted & TALLY ? &counters : NULL; }
INLINE void env_pause(void) {}
INLINE u64 env_clock(void) { return 0; }
INLINE struct event *env_event(int of_connection) { (void)of_connection; return NULL; }
INLINE void env_send(struct event *event) { (void)event; }
static int put_aside;
INLINE int env_defer(const struct segment *seg) { (void)seg; return put_aside ? 0 : -1; }

#include "engine.h"
#include "socket_table.h"
#include "sweep.h"

static void call_all(struct segment *seg, struct flow *flow)
{
	const struct address *address = flow ? &flow->key.addr[0] : NULL;

	assert_int_equal(service_find(address, 80), -1);
	assert_int_equal(service_find_or_make(address, 80, 1), -1);
	note_source(1, address);
	assert_int_equal(pair_add(flow, 1), PAIR_NOT_COUNTED);
	tomb_gone(flow, WORD_TIME_WAIT | WORD_TOMB, HOW_NONE, 0);
	if (!(granted & TALLY))
		assert_int_equal(bury(flow, WORD_TOMB, HOW_FIN, 0, 0), 0);
	line_inferred(0);
	assert_true(claim_free(0, EACH_BYTE << 7, WORD_BUSY) < 0 || granted & LINES);
	best_spare(0, 0, 0);
	evict(0, WORD_BUSY, 0);
	supersede(flow, 0, 0, 0);
	supersede_line(flow, 0, 0, 0, 0);
	tell_open(granted & FLOWS ? flow : NULL, 0, seg);
	move_flow(flow, 0, NULL);
	promote(NULL, 0);
	expire(NULL, 0, 0);
	expire_once(NULL, 0, 0);
	sweep_slot(0, 0);
	sweep_line(0, 0);
	conclude(NULL, 0, HOW_END_OF_RUN, 0);
	conclude_slot(0, HOW_END_OF_RUN, 0);
	conclude_line(0, HOW_END_OF_RUN, 0);
	step_pending(NULL, 0, FIT_NUMBERS);
	step_connection(NULL, 0);
	find_in_line(NULL, 0, FIT_NUMBERS);
	try_slot(NULL, 0, FIT_NUMBERS);
	new_pending(NULL, 0);
	find_key(NULL, 0);
	assert_int_equal(socket_alive(NULL), 0);
	assert_int_equal(adopt_socket(NULL, 0, 0, 0), 0);
}

/* Everything denied, then all but one thing, with and without arguments. */
static void nothing_is_followed(void **state)
{
	struct segment seg = { 0 };
	struct flow flow = { 0 };

	(void)state;
	for (granted = 0; granted < 16; granted++) {
		for (u32 i = 0; i < LINE_WORDS; i++)
			line[i] = 0;
		lock = 0;
		call_all(NULL, NULL);
		if (granted & LINES)
			continue;
		call_all(&seg, &flow);
		step_pending(&seg, 0, FIT_NUMBERS);
		step_connection(&seg, 0);
		find_in_line(&seg, 0, FIT_NUMBERS);
		try_slot(&seg, 0, FIT_NUMBERS);
		new_pending(&seg, 0);
		promote(&seg, 0);
		move_flow(&flow, 0, &seg);
		find_key(&seg, 0);
		assert_int_equal(socket_alive(&seg), 0);
		adopt_socket(&seg, 0, 0, 0);
	}
}

/* A word in somebody's hand that is not given back: looked at so many times, then put aside. */
static void busy_flow_is_put_aside(void **state)
{
	struct segment seg = { .flags = TCP_ACK, .watched = BUCKET_P | BUCKET_C };

	(void)state;
	granted = LINES | FLOWS | TALLY | LOCKS;
	lock = 0;
	for (u32 i = 0; i < LINE_WORDS; i++)
		line[i] = WORD_BUSY;
	for (put_aside = 0; put_aside < 2; put_aside++) {
		seg.flags = TCP_ACK;
		assert_int_equal(engine_finish(&seg), put_aside ? C_deferred : C_contended);
		seg.watched = BUCKET_C;
		assert_int_equal(engine_finish(&seg), put_aside ? C_deferred : C_contended);
		seg.flags = TCP_SYN;
		assert_int_equal(engine_finish(&seg), put_aside ? C_deferred : C_contended);
		lock = 1; /* the insertion of its key is another's */
		assert_int_equal(engine_finish(&seg), put_aside ? C_deferred : C_contended);
		lock = 0;
	}
	for (u32 i = 0; i < LINE_WORDS; i++)
		assert_true(line[i] == WORD_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_followed),
		cmocka_unit_test(busy_flow_is_put_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
