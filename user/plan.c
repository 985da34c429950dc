/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the memory is for, in this order: the services, few and always wanted;
 * the watch filter, whose size follows from the number of flows; the ring of
 * seeds, which is what a flood fills: it has to keep a SYN, answered or not, for at
 * least a second at PLAN_SYN_RATE, or true clients are evicted before they complete.
 * What is left is halved: for connections, and for handshakes that showed more than a
 * SYN and its answer, or wait for so long that they were told of.
 */
#include "plan.h"

#include <errno.h>

#include "sources.h"

#define SLOT_BYTES    (sizeof(u64) + sizeof(u8) + sizeof(struct flow)) /* word, fingerprint, record */
#define SERVICE_BYTES (sizeof(u64) + sizeof(struct service))
#define SERVICES_MOST  4096u
#define SERVICES_LEAST 512u
#define ROWS_LEAST     4u /* two candidate rows that often differ */
#define ROW_BITS_MOST  8

/* TIME_WAIT pairs, what is described of floods, and locks with what else is of fixed size. */
#define FIXED_BYTES (4096 * sizeof(u64) + SOURCES * sizeof(struct sources) + (64 << 10))

/* More than the seeds of a second; what is left beyond that goes to connections. */
#define PENDING_MOST (2u << 18)

/* Slots come in whole rows of 2^row_bits lines. */
static u32 row_slots(u32 row_bits)
{
	return LINE_WORDS << row_bits;
}

static u32 at_least_rows(u64 slots, u32 row_bits)
{
	u64 rows = slots / row_slots(row_bits);

	return rows < ROWS_LEAST ? ROWS_LEAST : (u32)rows;
}

static u32 service_rows(u64 bytes, u32 row_bits)
{
	u32 services = SERVICES_MOST;

	while (services > SERVICES_LEAST && services * SERVICE_BYTES > bytes / 8)
		services /= 2;
	return at_least_rows(services, row_bits);
}

static u64 fixed_bytes(u64 bytes, u32 row_bits)
{
	u64 services = (u64)service_rows(bytes, row_bits) * row_slots(row_bits);

	return FIXED_BYTES + services * SERVICE_BYTES + (sizeof(u32) << (BUCKET_TAG_BITS + row_bits));
}

/*
 * As many as half of the rest has room for, up to a second's; then a few
 * more with the memory: the longer the ring, the less of its index is in the cache.
 */
static u32 seeds_of(u64 bytes, u32 row_bits)
{
	u64 most = (bytes - fixed_bytes(bytes, row_bits)) / 2 / PLAN_SEED_BYTES;
	u32 seeds = SEEDS_LEAST;

	while (seeds * 2ULL <= most && seeds < SEEDS_MOST &&
	       (seeds < PLAN_SYN_RATE || seeds * 2ULL <= bytes >> 12))
		seeds *= 2;
	return seeds;
}

/* Slots of both flow tables. */
static u64 flow_slots(u64 bytes, u32 row_bits)
{
	return (bytes - fixed_bytes(bytes, row_bits) - seeds_of(bytes, row_bits) * PLAN_SEED_BYTES) / SLOT_BYTES;
}

/* A bucket for 32 flows: the filter remains in the cache, and the fingerprints behind it know better. */
static u32 choose_row_bits(u64 bytes)
{
	u32 row_bits = 0;

	while (row_bits < ROW_BITS_MOST &&
	       (flow_slots(bytes, row_bits) + seeds_of(bytes, row_bits)) / 32 > 1ULL << (BUCKET_TAG_BITS + row_bits))
		row_bits++;
	return row_bits;
}

static u32 pending_rows(u64 slots, u32 row_bits)
{
	u64 share = slots / 2;

	return at_least_rows(share < PENDING_MOST ? share : PENDING_MOST, row_bits);
}

static struct table_plan place_table(u32 *line, u32 rows, u32 row_bits)
{
	struct table_plan table = { .first_line = *line, .rows = rows };

	*line += rows << row_bits;
	return table;
}

int plan_memory(u64 bytes, struct config *config, struct plan *plan)
{
	u32 row_bits, pending, connections, services, line = 0;
	u64 slots;

	if (bytes < MEMORY_MIN || bytes > MEMORY_MAX)
		return -EINVAL;
	row_bits = choose_row_bits(bytes);
	slots = flow_slots(bytes, row_bits);
	pending = pending_rows(slots, row_bits);
	connections = at_least_rows(slots - (u64)pending * row_slots(row_bits), row_bits);
	services = service_rows(bytes, row_bits);

	config->row_bits = row_bits;
	config->seeds = seeds_of(bytes, row_bits);
	config->table[TABLE_PENDING] = place_table(&line, pending, row_bits);
	config->table[TABLE_CONNECTIONS] = place_table(&line, connections, row_bits);
	config->table[TABLE_SERVICES] = place_table(&line, services, row_bits);
	*plan = (struct plan){
		.asked = bytes,
		.seeds = config->seeds,
		.lines = line,
		.pending = pending * row_slots(row_bits),
		.connections = connections * row_slots(row_bits),
		.services = services * row_slots(row_bits),
		.buckets = 1u << (BUCKET_TAG_BITS + row_bits),
	};
	plan->used = fixed_bytes(bytes, row_bits) + plan->seeds * PLAN_SEED_BYTES + ((u64)plan->pending + plan->connections) * SLOT_BYTES;
	return 0;
}

static u64 loaded(u64 slots)
{
	return slots * PLAN_LOAD_PERCENT / 100;
}

void plan_print(const struct plan *plan, FILE *out)
{
	u64 ms = plan->seeds * 1000ULL / PLAN_SYN_RATE;

	fprintf(out, "memory: %.1f of %.1f MiB, %u lines of %d words\n", (double)plan->used / (1 << 20),
		(double)plan->asked / (1 << 20), plan->lines, LINE_WORDS);
	fprintf(out, "  seeds        %9u for a SYN or a stray each, %.1f MiB: %llu.%03llu s of %d SYN/s\n", plan->seeds,
		(double)plan->seeds * PLAN_SEED_BYTES / (1 << 20), ms / 1000, ms % 1000, PLAN_SYN_RATE);
	fprintf(out, "  pending      %9u slots, %9llu flows at %d %%, %.1f MiB\n", plan->pending,
		loaded(plan->pending), PLAN_LOAD_PERCENT, (double)plan->pending * SLOT_BYTES / (1 << 20));
	fprintf(out, "  connections  %9u slots, %9llu flows at %d %%, %.1f MiB\n", plan->connections,
		loaded(plan->connections), PLAN_LOAD_PERCENT,
		(double)plan->connections * SLOT_BYTES / (1 << 20));
	fprintf(out, "  services     %9u slots, %.1f MiB\n", plan->services,
		(double)plan->services * SERVICE_BYTES / (1 << 20));
	fprintf(out, "  watch filter %9u buckets, %.2f MiB\n", plan->buckets,
		(double)plan->buckets * sizeof(u32) / (1 << 20));
}
