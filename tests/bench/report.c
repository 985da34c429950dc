/* SPDX-License-Identifier: GPL-2.0-only */
/* The table for a person. */
#include <errno.h>

#include "parts.h"

void report_head(const struct options_of_bench *options)
{
	printf("ns a packet, medians of %d rounds, harness included; M/s: of one core with a 40 ns driver below\n",
	       options->rounds);
	printf("%-6s %-6s %-35s %6s %6s %6s %6s  %-21s %-22s %5s\n", "memory", "hook", "packet", "empty", "parse",
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
	printf("%-6s %s %-3s %-35s %6.0f %6.0f %6.0f %6.0f  %-21s %-22s %5.1f", f->memory,
	       f->family == V6 ? "v6" : "v4", f->hook == TC ? "tc" : "xdp", f->row->name, f->ns[TARGET_EMPTY],
	       f->ns[TARGET_PARSE], f->ns[TARGET_REFERENCE], f->ns[TARGET_TCPSHAKE], parse, reference,
	       packets_a_second(f));
	if (f->lost)
		printf("  %llu of %llu events LOST", f->lost, f->made);
	putchar('\n');
	fflush(stdout);
}

void rows_json(const char *path, const struct figures *figures, u32 n)
{
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!path)
		return;
	if (!file)
		die(path, errno);
	fprintf(file, "[");
	for (u32 i = 0; i < n; i++) {
		const struct figures *f = &figures[i];

		fprintf(file, "%s\n{\"memory\":\"%s\",\"hook\":\"%s\",\"family\":\"%s\",\"row\":\"%s\",", i ? "," : "",
			f->memory, f->hook == TC ? "tc" : "xdp", f->family == V6 ? "v6" : "v4", f->row->name);
		fprintf(file, "\"empty_ns\":%.1f,\"parse_ns\":%.1f,\"reference_ns\":%.1f,\"tcpshake_ns\":%.1f,",
			f->ns[TARGET_EMPTY], f->ns[TARGET_PARSE], f->ns[TARGET_REFERENCE], f->ns[TARGET_TCPSHAKE]);
		fprintf(file, "\"to_parse\":%.3f,\"under_reference\":%.3f,\"events_made\":%llu,\"events_lost\":%llu,",
			to_parse(f), to_reference(f), f->made, f->lost);
		fprintf(file, "\"pending_full\":%.4f,\"connections_full\":%.4f}", f->fill[0], f->fill[1]);
	}
	fprintf(file, "\n]\n");
	if (fclose(file))
		die(path, errno);
}
