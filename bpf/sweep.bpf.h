/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs without a packet: the tick and what user space hands in. They run in
 * process context and may be interrupted by packets on the same CPU, so all
 * they count is added atomically.
 */
#ifndef TCPSHAKE_SWEEP_BPF_H
#define TCPSHAKE_SWEEP_BPF_H

#include "calls.h"
#include "socket_table.h"

SEC("syscall")
int call_sweep(struct sweep_call *call)
{
	u32 first = call->first, lines = call->count, how = call->how, due = 0, i;
	u64 tick = call->tick, time = call->time;

	for (i = 0; i < SWEEP_CALL_LINES; i++) {
		if (i >= lines || first + i >= sweep_lines() || due >= SWEEP_CALL_DUE)
			break;
		if (how)
			conclude_line(first + i, how, time);
		else
			due += (u32)sweep_line(first + i, tick);
	}
	return (int)i;
}

SEC("syscall")
int call_seeds(struct sweep_call *call)
{
	u32 first = call->first, count = call->count, how = call->how;
	u64 time = call->time;

	if (!how && first == STAGE_GIVE_UP)
		return sweep_stage(call->tick, STAGE_GIVE_UP);
	if (!how)
		return sweep_stage(call->tick, STAGE_HALF_OPEN);
	for (u32 i = 0; i < SWEEP_CALL_SEEDS && i < count && first + i < CFG(seeds); i++)
		conclude_seed(first + i, how, time);
	return 0;
}

/* Not on the stack: the way to an evicted flow's service is 8 frames deep. One caller at a time. */
struct segment given;

/*
 * A segment that met a busy flow, taken from the queue by user space. Returns 1
 * when the flow is still busy: it goes back into the queue, which a program of
 * this kind may not touch before Linux 6.4.
 */
SEC("syscall")
int call_step(struct segment *call)
{
	struct tally *tally = env_tally();
	int counter;

	__builtin_memcpy(&given, call, sizeof(given));
	given.watched = BUCKET_P | BUCKET_C;
	given.aside = 1;
	counter = engine_step(&given);
	if (counter == STEP_BUSY)
		return 1;
	if (tally)
		counter = file_beside(tally, counter, 0);
	if (tally && (u32)counter < COUNTERS)
		add64(&tally->count[counter], 1);
	return 0;
}

SEC("syscall")
int call_socket(struct socket_call *call)
{
	__builtin_memcpy(&given, &call->seg, sizeof(given));
	if (call->verdict == SOCKET_ADOPT)
		call->result = adopt_socket(&given, call->proofs[0], call->proofs[1], call->client);
	else
		call->result = socket_alive(&given);
	return 0;
}

#endif
