/* SPDX-License-Identifier: GPL-2.0-only */
/* make bench: the cost of a packet, as a ratio to a program that only parses. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parts.h"

#define FIGURES_MAX 256

static const char usage[] =
	"usage: bench [OPTION]...\n"
	"  --rows PATTERN    only rows that match, as 'xdp v4 data, one flow' (extended regular expression)\n"
	"  --memory SIZE,... table memory (128M,512M)\n"
	"  --rounds N        interleaved rounds (7)\n"
	"  --ms N            of each program in each round (60)\n"
	"  --view VIEW       host or tap (tap)\n"
	"  --no-reference    leave the reference tracker out: much faster, no second ratio\n"
	"  --json FILE       the figures, for programs\n";

enum option_of_bench { OPT_ROWS, OPT_MEMORY, OPT_ROUNDS, OPT_MS, OPT_VIEW, OPT_NO_REFERENCE, OPT_JSON };

static const struct option longs[] = {
	{ "rows", required_argument, NULL, OPT_ROWS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "ms", required_argument, NULL, OPT_MS },
	{ "view", required_argument, NULL, OPT_VIEW },
	{ "no-reference", no_argument, NULL, OPT_NO_REFERENCE },
	{ "json", required_argument, NULL, OPT_JSON },
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

static void parse_options(int argc, char **argv, struct options_of_bench *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (option) {
		case OPT_ROWS: options->rows = optarg; break;
		case OPT_MEMORY: take_memories(options, optarg); break;
		case OPT_ROUNDS: options->rounds = number(optarg, ROUNDS_MAX); break;
		case OPT_MS: options->run_ms = number(optarg, 10000); break;
		case OPT_VIEW: options->view = optarg; break;
		case OPT_NO_REFERENCE: options->reference = 0; break;
		case OPT_JSON: options->json = optarg; break;
		default: bad_usage();
		}
	}
	if (optind < argc)
		bad_usage();
}

int main(int argc, char **argv)
{
	struct options_of_bench options = { .memory = { "128M", "512M" }, .memories = 2, .rounds = 7, .run_ms = 60,
					    .view = "tap", .reference = 1 };
	static struct figures figures[FIGURES_MAX];
	static struct bench bench;
	u32 n;

	parse_options(argc, argv, &options);
	log_set_verbose(0);
	report_head(&options);
	n = rows_measure(&bench, &options, figures, FIGURES_MAX);
	if (!n)
		die(options.rows, ESRCH);
	rows_json(options.json, figures, n);
	printf("events delivered: %llu\n", bench.events);
	setup_close(&bench);
	return EXIT_DONE;
}
