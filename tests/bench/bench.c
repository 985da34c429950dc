/* SPDX-License-Identifier: GPL-2.0-only */
/* make bench: the cost of a packet, as a ratio to a program that only parses. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parts.h"

static const char usage[] =
	"usage: bench [OPTION]...\n"
	"  --rows PATTERN    only rows that match, as 'xdp v4 data, one flow' (extended regular expression)\n"
	"  --memory SIZE,... table memory (128M,512M)\n"
	"  --rounds N        interleaved rounds (7)\n"
	"  --ms N            of each program in each round (60)\n"
	"  --view VIEW       host or tap (tap)\n"
	"  --no-reference    leave the reference tracker out: much faster, no second ratio\n"
	"  --json FILE       the figures, for programs\n"
	"  --smoke           all of it once, in seconds, with figures that mean nothing\n"
	"  --programs        only tell how large the programs are, and what they cost the verifier\n"
	"Status: 0 done, 1 failed, 2 wrong usage, 3 done, but the machine was too noisy.\n";

enum option_of_bench { OPT_ROWS, OPT_MEMORY, OPT_ROUNDS, OPT_MS, OPT_VIEW, OPT_NO_REFERENCE, OPT_JSON, OPT_SMOKE,
		       OPT_PROGRAMS };

static const struct option longs[] = {
	{ "rows", required_argument, NULL, OPT_ROWS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "ms", required_argument, NULL, OPT_MS },
	{ "view", required_argument, NULL, OPT_VIEW },
	{ "no-reference", no_argument, NULL, OPT_NO_REFERENCE },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "smoke", no_argument, NULL, OPT_SMOKE },
	{ "programs", no_argument, NULL, OPT_PROGRAMS },
	{ NULL, 0, NULL, 0 },
};

static void bad_usage(void)
{
	fputs(usage, stderr);
	exit(EXIT_USAGE);
}

static int number(const char *text, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > most)
		bad_usage();
	return (int)n;
}

static void take_memories(struct options_of_bench *options, char *list)
{
	options->memories = 0;
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (options->memories == (int)ARRAY_SIZE(options->memory))
			bad_usage();
		options->memory[options->memories++] = word;
	}
	if (!options->memories)
		bad_usage();
}

static const struct options_of_bench normal = { .memory = { "128M", "512M" }, .memories = 2, .rounds = 7,
						.run_ms = 60, .view = "tap", .reference = 1, .warm = 1 };
static const struct options_of_bench smoke = { .memory = { "2M" }, .memories = 1, .rounds = 1, .run_ms = 1,
					       .view = "tap", .reference = 1 };

static void parse_options(int argc, char **argv, struct options_of_bench *options)
{
	int option;

	*options = normal;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (option) {
		case OPT_ROWS: options->rows = optarg; break;
		case OPT_MEMORY: take_memories(options, optarg); break;
		case OPT_ROUNDS: options->rounds = number(optarg, ROUNDS_MAX); break;
		case OPT_MS: options->run_ms = number(optarg, 10000); break;
		case OPT_VIEW: options->view = optarg; break;
		case OPT_NO_REFERENCE: options->reference = 0; break;
		case OPT_JSON: options->json = optarg; break;
		case OPT_SMOKE: *options = smoke; break;
		case OPT_PROGRAMS: options->programs = 1; break;
		default: bad_usage();
		}
	}
	if (optind < argc)
		bad_usage();
}

/* The figures stand in any case; who reads the status knows what they are worth. */
static int verdict(const struct options_of_bench *options, const struct results *results)
{
	if (!options->warm || !results->noise[0])
		return EXIT_DONE;
	fflush(stdout);
	fprintf(stderr, "bench: THE MACHINE IS TOO NOISY for these figures: %s\n", results->noise);
	return EXIT_NOISY;
}

int main(int argc, char **argv)
{
	static struct results results;
	static struct bench bench;
	struct options_of_bench options;

	parse_options(argc, argv, &options);
	log_set_verbose(0);
	if (options.programs) {
		programs_print(&bench, stdout);
		return EXIT_DONE;
	}
	machine_read(&results.machine);
	report_head(&options, &results.machine);
	rows_measure(&bench, &options, &results);
	both_measure(&bench, &options, &results);
	sweep_measure(&bench, &options, &results);
	setup_close(&bench);
	results.events = bench.events;
	yardsticks_check(&results);
	setup_usage(&options, &results);
	report_rest(&results);
	if (options.json)
		json_write(options.json, &options, &results);
	return verdict(&options, &results);
}
