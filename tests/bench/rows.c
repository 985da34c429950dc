/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows. Every figure is the median of interleaved rounds: a round measures
 * each program in turn, for as long as each other, so that what the machine
 * does meanwhile hits all alike.
 */
#include <regex.h>
#include <stdlib.h>

#include "parts.h"

#define MILLION	     (1u << 20)
#define DRIVER_NS    40	     /* what XDP and a good driver cost below us */

/* clang-format off */
static const struct row rows[] = {
	/* name, traffic, flows, tables, everywhere, view, most x parser, least x cheaper than the reference */
	{ "data, one flow",                     TRAFFIC_DATA,       1,       STATE_FEW,          1, NULL, 1.25, 0 },
	{ "data, 1M flows, few pending",        TRAFFIC_DATA,       MILLION, STATE_FEW,          1, NULL, 1.3,  8 },
	{ "ten-packet connection",              TRAFFIC_CONNECTION, 1,       STATE_FEW,          1, NULL, 3.2,  2 },
	{ "ten-packet connections, 16k at once", TRAFFIC_CONNECTION, 1 << 14, STATE_FEW,         0, NULL, 0,    2 },
	{ "data, 1M flows, pending full",       TRAFFIC_DATA,       MILLION, STATE_PENDING_FULL, 0, NULL, 2,    6 },
	{ "spoofed SYN, tables full",           TRAFFIC_SYN,        1,       STATE_FULL,         1, NULL, 4,    6 },
	{ "spoofed SYN, SYN-ACK, tables full",  TRAFFIC_ANSWERED,   1,       STATE_FULL,         0, NULL, 0,    6 },
	{ "SYN-ACK of no one, tables full",     TRAFFIC_SYN_ACK,    1,       STATE_FULL,         0, NULL, 3,    0 },
	{ "FIN of no one, tables full",         TRAFFIC_FIN,        1,       STATE_FULL,         0, NULL, 3,    0 },
	{ "RST of no one, tables full",         TRAFFIC_RST,        1,       STATE_FULL,         0, NULL, 3,    0 },
	{ "spoofed SYN, tables full, in alarm", TRAFFIC_SYN,        1,       STATE_ALARM,        1, NULL, 3,    6 },
	/* a host's own sockets are asked about these two */
	{ "FIN of no one, tables full, host",   TRAFFIC_FIN,        1,       STATE_FULL,         0, "host", 0,  0 },
	{ "RST of no one, tables full, host",   TRAFFIC_RST,        1,       STATE_FULL,         0, "host", 0,  0 },
};

/* Flat, but for cache misses. */
static const struct row curve[] = {
	{ "data, 1k flows",   TRAFFIC_DATA, 1 << 10, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 4k flows",   TRAFFIC_DATA, 1 << 12, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 16k flows",  TRAFFIC_DATA, 1 << 14, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 64k flows",  TRAFFIC_DATA, 1 << 16, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 256k flows", TRAFFIC_DATA, 1 << 18, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 1M flows",   TRAFFIC_DATA, 1 << 20, STATE_FEW, 0, NULL, 0, 0 },
	{ "data, 4M flows",   TRAFFIC_DATA, 1 << 22, STATE_FEW, 0, NULL, 0, 0 },
};
/* clang-format on */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return n & 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double lost_share(const struct figures *f)
{
	double made = f->counted[C_events_made];

	return made > 0 ? f->counted[C_events_lost_in_ring] / made : 0;
}

double to_parse(const struct figures *f)
{
	return f->ns[TARGET_TCPSHAKE] / f->ns[TARGET_PARSE];
}

static double net(const struct figures *f, enum target target)
{
	double ns = f->ns[target] - f->ns[TARGET_EMPTY];

	return ns > 1 ? ns : 1; /* the clock's own step */
}

double to_reference(const struct figures *f)
{
	return f->ns[TARGET_REFERENCE] ? net(f, TARGET_REFERENCE) / net(f, TARGET_TCPSHAKE) : 0;
}

double packets_a_second(const struct figures *f)
{
	return 1000 / (net(f, TARGET_TCPSHAKE) + DRIVER_NS);
}

/* The reference is measured as it is after an hour: its flows are there, or its map has been full for long. */
static void warm_reference(struct bench *bench, const struct options_of_bench *options,
			   const struct figures *f)
{
	const struct row *row = f->row;

	if (!options->warm)
		return;
	if (row->traffic == TRAFFIC_DATA) {
		drive(bench, f->hook, f->family, 0, TARGET_REFERENCE, row->traffic, row->flows, row->flows * 2);
	} else if (bench->reference_filled < 2 * MILLION) {
		drive(bench, f->hook, f->family, 0, TARGET_REFERENCE, TRAFFIC_SYN, 1, 2 * MILLION);
		bench->reference_filled = 2 * MILLION;
	}
}

u32 packets_for(const struct row *row, double ns, int run_ms)
{
	return (u32)whole_turns(row->traffic, row->flows, (u64)(run_ms * 1e6 / (ns > 1 ? ns : 1)) + 1);
}

static void measure_row(struct bench *bench, const struct options_of_bench *options, struct figures *f)
{
	static double ns[TARGETS][ROUNDS_MAX];
	const struct row *row = f->row;
	struct tally before, after;
	u32 packets[TARGETS] = {};

	for (u32 target = 0; target < TARGETS; target++) {
		if (target == TARGET_REFERENCE) {
			if (!options->reference)
				continue;
			warm_reference(bench, options, f);
		}
		packets[target] = packets_for(row, drive(bench, f->hook, f->family, 0, target, row->traffic, row->flows,
							 (u32)whole_turns(row->traffic, row->flows, PROBE)), options->run_ms);
		drive(bench, f->hook, f->family, 0, target, row->traffic, row->flows, (u32)whole_turns(row->traffic, row->flows, packets[target] / 4));
	}
	kernel_tally(bench->kernel, &before);
	for (int round = 0; round < options->rounds; round++) {
		for (u32 target = 0; target < TARGETS; target++) {
			if (packets[target])
				ns[target][round] = drive(bench, f->hook, f->family, 0, target, row->traffic,
							  row->flows, packets[target]);
		}
	}
	kernel_tally(bench->kernel, &after);
	for (u32 i = 0; i < COUNTERS; i++)
		f->counted[i] = (double)(after.count[i] - before.count[i]) / packets[TARGET_TCPSHAKE] / options->rounds;
	for (u32 target = 0; target < TARGETS; target++)
		f->ns[target] = packets[target] ? median(ns[target], options->rounds) : 0;
	f->fill[0] = bench->fill[0];
	f->fill[1] = bench->fill[1];
	bench->dirty |= options->warm && row->traffic == TRAFFIC_CONNECTION;
}

int selected(const struct options_of_bench *options, const char *name)
{
	regex_t pattern;
	int found;

	if (!options->rows)
		return 1;
	if (regcomp(&pattern, options->rows, REG_EXTENDED | REG_ICASE | REG_NOSUB)) {
		fprintf(stderr, "bench: not a regular expression: %s\n", options->rows);
		exit(EXIT_USAGE);
	}
	found = !regexec(&pattern, name, 0, NULL, 0);
	regfree(&pattern);
	return found;
}

static int wanted(const struct options_of_bench *options, const struct figures *f)
{
	char name[128];

	snprintf(name, sizeof(name), "%s %s %s", hook_name(f->hook), family_name(f->family), f->row->name);
	return selected(options, name);
}

static void measure_and_tell(struct bench *bench, const struct options_of_bench *options, struct figures f,
			     struct results *results)
{
	if (!wanted(options, &f) || results->count == ROWS_MAX)
		return;
	setup_state(bench, f.row->state, f.memory, f.row->view ? f.row->view : options->view);
	measure_row(bench, options, &f);
	report_row(&f);
	results->rows[results->count++] = f;
}

static void measure_all(struct bench *bench, const struct options_of_bench *options, const char *memory,
			struct results *results)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		for (u32 place = 0; place < (rows[i].everywhere ? 4 : 1); place++)
			measure_and_tell(bench, options, (struct figures){ .row = &rows[i], .memory = memory,
					 .hook = place & 1, .family = place >> 1 }, results);
	}
}

void rows_measure(struct bench *bench, const struct options_of_bench *options, struct results *results)
{
	for (int i = 0; i < options->memories; i++)
		measure_all(bench, options, options->memory[i], results);
	for (u32 i = 0; i < ARRAY_SIZE(curve); i++)
		measure_and_tell(bench, options, (struct figures){ .row = &curve[i], .memory = options->memory[0],
				 .hook = XDP, .family = V4 }, results);
}
