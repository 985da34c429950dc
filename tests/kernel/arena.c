/* SPDX-License-Identifier: GPL-2.0-only */
#include "arena.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_PORT 40000
#define CLIENT_ISN  1000u
#define SERVER_ISN  5000u

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

struct frame_spec arena_spec(u64 flow, enum way way, u8 flags)
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
struct shot arena_shot(const struct arena *arena, const struct frame_spec *spec)
{
	struct shot shot = {.program = spec->from_port == SERVER_PORT ? arena->tc : arena->xdp};

	shot.size = frame_make(shot.frame, spec);
	return shot;
}

struct shot arena_packet(const struct arena *arena, u64 flow, enum way way, u8 flags)
{
	struct frame_spec spec = arena_spec(flow, way, flags);

	return arena_shot(arena, &spec);
}

/* The last two of a close: each acknowledges the other's FIN. */
struct shot arena_last_ack(const struct arena *arena, u64 flow, enum way way)
{
	struct frame_spec spec = arena_spec(flow, way, TCP_ACK);

	spec.seq++;
	spec.ack++;
	return arena_shot(arena, &spec);
}

void arena_set_time(struct arena *arena, u64 time)
{
	arena->time = time;
	*arena->loaded.time = time;
}

void arena_play(struct arena *arena, u64 flow, enum way way, u8 flags)
{
	struct shot shot = arena_packet(arena, flow, way, flags);

	if (shot_run(&shot))
		find_fault(arena, "a packet could not be run");
}

void arena_race(struct arena *arena, struct shot here, struct shot there)
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

void arena_on_event(void *arg, const struct event *event)
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
void arena_step_aside(struct arena *arena)
{
	struct kernel *kernel = arena->loaded.kernel;

	if (kernel_tick(kernel, kernel->tick * TICK_NS))
		find_fault(arena, "what was put aside could not be stepped");
}

/* What was put aside is stepped, events are read, and all must balance. */
void arena_rest(struct arena *arena)
{
	const char *fault;

	arena_step_aside(arena);
	if (kernel_poll(arena->loaded.kernel) < 0)
		find_fault(arena, "events could not be read");
	fault = loader_fault(&arena->loaded);
	if (fault)
		find_fault(arena, "does not balance: %s", fault);
	if (arena->loaded.tally.count[C_contended] || arena->loaded.tally.count[C_events_lost_in_ring])
		find_fault(arena, "packets given up or events lost");
}

/* Of each `step`th flow one of two things was told, and nothing else. Counts which. */
void arena_expect_either(struct arena *arena, const char *when, u64 from, u64 step, struct outcome first,
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

void arena_expect(struct arena *arena, const char *when, u64 from, u64 step, struct outcome want)
{
	u64 won = arena->won;

	arena_expect_either(arena, when, from, step, want, want);
	arena->won = won;
}
