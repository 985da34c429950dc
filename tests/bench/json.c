/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures for programs, with the machine they come from. */
#include <errno.h>

#include "parts.h"

static void put_ns(FILE *out, const char *name, const double ns[TARGETS])
{
	fprintf(out, "\"%s\": {\"empty\": %.2f, \"parse\": %.2f, \"reference\": %.2f, \"tcpshake\": %.2f}", name,
		ns[TARGET_EMPTY], ns[TARGET_PARSE], ns[TARGET_REFERENCE], ns[TARGET_TCPSHAKE]);
}

/* What our program did, so that one can see that it did what the row says. */
static void put_counted(FILE *out, const double counted[COUNTERS])
{
	static const char *const names[COUNTERS] = {
#define X(name, text) #name,
		TCPSHAKE_COUNTERS(X)
#undef X
	};
	const char *comma = "";

	fprintf(out, "\"counted_a_packet\": {");
	for (u32 i = 0; i < COUNTERS; i++) {
		if (counted[i] <= 0)
			continue;
		fprintf(out, "%s\"%s\": %.4f", comma, names[i], counted[i]);
		comma = ", ";
	}
	fprintf(out, "}");
}

static void put_row(FILE *out, const struct figures *f)
{
	fprintf(out, "{\"row\": \"%s\", \"memory\": \"%s\", \"hook\": \"%s\", \"family\": \"%s\", \"flows\": %u, ",
		f->row->name, f->memory, hook_name(f->hook), family_name(f->family), f->row->flows);
	put_ns(out, "ns", f->ns);
	fprintf(out, ", \"to_parse\": %.3f, \"target_to_parse\": %g, ", to_parse(f), f->row->times_parse);
	fprintf(out, "\"under_reference\": %.3f, \"target_under_reference\": %g, ", to_reference(f),
		f->row->under_reference);
	fprintf(out, "\"mpps_with_driver\": %.2f, \"events_lost_share\": %.4f, ", packets_a_second(f), lost_share(f));
	fprintf(out, "\"pending_used\": %.4f, \"connections_used\": %.4f, ", f->fill[0], f->fill[1]);
	put_counted(out, f->counted);
	fprintf(out, "}");
}

static void put_both(FILE *out, const struct both *both)
{
	fprintf(out, "{\"row\": \"%s\", ", both->name);
	put_ns(out, "alone_ns", both->alone);
	fprintf(out, ", ");
	put_ns(out, "together_ns", both->together);
	fprintf(out, ", \"events_made\": %llu, \"events_lost\": %llu}", both->made, both->lost);
}

static void put_machine(FILE *out, const struct options_of_bench *options, const struct machine *machine)
{
	fprintf(out, "{\"kernel\": \"%s\", \"cpu\": \"%s\", \"cache\": \"%s\", \"cpus\": %ld, \"compiler\": \"%s\", ",
		machine->kernel, machine->cpu, machine->cache, machine->cpus, machine->compiler);
	fprintf(out, "\"load_before\": %.2f, \"day\": \"%s\", \"view\": \"%s\", \"rounds\": %d, \"run_ms\": %d}",
		machine->load, machine->day, options->view, options->rounds, options->run_ms);
}

static void put_sweep(FILE *out, const struct sweep_figures *sweep)
{
	fprintf(out, "{\"flows\": %u, \"slices\": %u, \"slice_lines\": %u, \"whole_ms\": %.3f, \"slice_us\": %.1f, ",
		sweep->flows, sweep->slices, sweep->slice_lines, sweep->whole_ms, sweep->slice_us);
	fprintf(out, "\"longest_us\": %.1f, \"due_whole_ms\": %.3f, \"due_longest_us\": %.1f}", sweep->longest_us,
		sweep->due_whole_ms, sweep->due_longest_us);
}

static void put_usage(FILE *out, const struct usage *usage)
{
	fprintf(out, "{\"memory\": \"%s\", \"seeds\": %u, \"bytes_a_seed\": %zu, \"pending_slots\": %u, \"connection_slots\": %u, \"bytes_a_slot\": %.2f}",
		usage->memory, usage->seeds, PLAN_SEED_BYTES, usage->pending, usage->connections, usage->slot_bytes);
}

void json_write(const char *path, const struct options_of_bench *options, const struct results *results)
{
	FILE *out = fopen(path, "w");

	if (!out)
		die(path, errno);
	fprintf(out, "{\"machine\": ");
	put_machine(out, options, &results->machine);
	fprintf(out, ",\n\"noise\": \"%s\",\n\"rows\": [", results->noise);
	for (u32 i = 0; i < results->count; i++) {
		fprintf(out, "%s\n ", i ? "," : "");
		put_row(out, &results->rows[i]);
	}
	fprintf(out, "],\n\"both_cpus\": [");
	for (u32 i = 0; i < results->boths; i++) {
		fprintf(out, "%s\n ", i ? "," : "");
		put_both(out, &results->both[i]);
	}
	fprintf(out, "],\n\"sweep\": ");
	put_sweep(out, &results->sweep);
	fprintf(out, ",\n\"memory\": [");
	for (u32 i = 0; i < results->usages; i++) {
		fprintf(out, "%s\n ", i ? "," : "");
		put_usage(out, &results->usage[i]);
	}
	fprintf(out, "],\n\"events_delivered\": %llu}\n", results->events);
	if (fclose(out))
		die(path, errno);
}
