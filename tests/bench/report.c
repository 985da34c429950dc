/* SPDX-License-Identifier: GPL-2.0-only */
/* The table for a person. */
#include "parts.h"

#define SLICE_US 20 /* what a sweep may take at once */

const char *hook_name(enum hook hook)
{
	return hook == TC ? "tc" : "xdp";
}

const char *family_name(enum family family)
{
	return family == V6 ? "v6" : "v4";
}

void report_head(const struct options_of_bench *options, const struct machine *machine)
{
	printf("%s, %ld CPUs, %s of cache; Linux %s; %s; load %.1f before; %s; --view %s\n", machine->cpu, machine->cpus,
	       machine->cache, machine->kernel, machine->compiler, machine->load, machine->day, options->view);
	printf("ns a packet, medians of %d rounds, harness included; M/s: of one core with a 40 ns driver below\n",
	       options->rounds);
	printf("%-6s %-6s %-35s %6s %6s %6s %6s  %-23s %-22s %5s\n", "memory", "hook", "packet", "empty", "parse",
	       "refer.", "ours", "to parse (target)", "under refer. (target)", "M/s");
}

/* "1.22 x (1.25: met)" */
static void put_goal(char *text, size_t size, double value, double goal, int met)
{
	int n = snprintf(text, size, "%.*f x", value < 9.995 ? 2 : 1, value);

	if (goal > 0 && n > 0)
		snprintf(text + n, size - (size_t)n, " (%g: %s)", goal, met ? "met" : "NOT MET");
}

void report_row(const struct figures *f)
{
	char parse[64], reference[64] = "-";

	put_goal(parse, sizeof(parse), to_parse(f), f->row->times_parse, to_parse(f) <= f->row->times_parse);
	if (f->ns[TARGET_REFERENCE])
		put_goal(reference, sizeof(reference), to_reference(f), f->row->under_reference,
			 to_reference(f) >= f->row->under_reference);
	printf("%-6s %-3s %s %-35s %6.1f %6.1f %6.1f %6.1f  %-23s %-22s %5.1f", f->memory, hook_name(f->hook),
	       family_name(f->family), f->row->name, f->ns[TARGET_EMPTY], f->ns[TARGET_PARSE],
	       f->ns[TARGET_REFERENCE], f->ns[TARGET_TCPSHAKE], parse, reference, packets_a_second(f));
	if (lost_share(f) > 0)
		printf("  %.1f %% of the events LOST", 100 * lost_share(f));
	putchar('\n');
	fflush(stdout);
}

static void put_both(const struct both *both)
{
	printf("%-42s %6.1f %6.1f   %6.1f %6.1f   %6.1f %6.1f   %6.1f", both->name, both->alone[TARGET_PARSE],
	       both->together[TARGET_PARSE], both->alone[TARGET_REFERENCE], both->together[TARGET_REFERENCE],
	       both->alone[TARGET_TCPSHAKE], both->together[TARGET_TCPSHAKE],
	       both->together[TARGET_TCPSHAKE] / LANES);
	if (both->lost)
		printf("  %llu of %llu events LOST", both->lost, both->made);
	putchar('\n');
}

static void put_sweep(const struct sweep_figures *sweep)
{
	printf("\nsweep of %u flows: %.2f ms for all of them, nothing due; %u slices of %u lines, %.0f us each, the longest %.0f us (%d: %s)\n",
	       sweep->flows, sweep->whole_ms, sweep->slices, sweep->slice_lines, sweep->slice_us, sweep->longest_us,
	       SLICE_US, sweep->longest_us <= SLICE_US ? "met" : "NOT MET");
	printf("  when every handshake is due at once: %.0f ms, the longest slice %.0f us\n", sweep->due_whole_ms,
	       sweep->due_longest_us);
}

void report_rest(const struct results *results)
{
	if (results->boths)
		printf("\nns a packet on a CPU: alone, then with the other one at the same service; ours, both together: a packet every\n%-42s %13s   %13s   %13s\n",
		       "", "parse", "reference", "ours");
	for (u32 i = 0; i < results->boths; i++)
		put_both(&results->both[i]);
	if (results->sweep.slices)
		put_sweep(&results->sweep);
	for (u32 i = 0; i < results->usages; i++) {
		const struct usage *usage = &results->usage[i];

		printf("%s: %zu bytes a seed, %.1f a slot, %.1f a flow at 75 %% load; %u seeds, %u slots pending, %u for connections\n",
		       usage->memory, PLAN_SEED_BYTES, usage->slot_bytes, usage->slot_bytes / 0.75, usage->seeds,
		       usage->pending, usage->connections);
	}
	printf("events delivered: %llu\n", results->events);
}
