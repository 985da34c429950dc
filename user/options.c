/* SPDX-License-Identifier: GPL-2.0-only */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "bin.h"
#include "log.h"
#include "names.h"
#include "option_rows.h"
#include "plan.h"

#define FIRST_LONG 256 /* what getopt returns for row 0 without a letter; beyond all letters */

static void build_getopt(struct option *longs, char *letters)
{
	*letters++ = ':'; /* a missing argument is told apart from an unknown option */
	for (int i = 0; i < OPTION_ROWS; i++) {
		longs[i].name = option_rows[i].name;
		longs[i].has_arg = option_rows[i].argument ? required_argument : no_argument;
		longs[i].flag = NULL;
		longs[i].val = option_rows[i].letter ? option_rows[i].letter : FIRST_LONG + i;
		if (option_rows[i].letter) {
			*letters++ = option_rows[i].letter;
			if (option_rows[i].argument)
				*letters++ = ':';
		}
	}
	memset(&longs[OPTION_ROWS], 0, sizeof(longs[OPTION_ROWS]));
	*letters = 0;
}

static const struct option_row *row_of(int value)
{
	if (value >= FIRST_LONG)
		return &option_rows[value - FIRST_LONG];
	for (int i = 0; i < OPTION_ROWS; i++) {
		if (value && option_rows[i].letter == value)
			return &option_rows[i];
	}
	return NULL;
}

static int refuse(const struct option_row *row, const char *value, int error)
{
	log_error("--%s %s: %s\naccepted: %s", row->name, value,
		  error == -ENOSPC ? "too many" : "not understood", row->accepts);
	return -EINVAL;
}

static int usage_error(int c, char **argv)
{
	const struct option_row *row = row_of(optopt);

	if (c == ':' && row)
		log_error("--%s: %s is missing\naccepted: %s", row->name, row->argument, row->accepts);
	else if (row)
		log_error("%s: takes no value", argv[optind - 1]);
	else if (optopt)
		log_error("-%c: no such option\ntcpshake --help lists all", optopt);
	else
		log_error("%s: no such option, or short for more than one\ntcpshake --help lists all",
			  argv[optind - 1]);
	return -EINVAL;
}

static int check(const struct options *o)
{
	if (o->read_path && o->interfaces) {
		log_error("-r %s and -i %s: a capture or an interface, not both", o->read_path, o->interface[0]);
		return -EINVAL;
	}
	if (!o->read_path && !o->interfaces) {
		log_error("nothing to watch: give an interface (-i IFACE) or a capture (-r FILE)\n"
			  "tcpshake --help tells more");
		return -EINVAL;
	}
	if (o->filter && !o->read_path) {
		log_error("-f %s: only with a capture (-r FILE)\nfor an interface there are --port, --host, -4, -6",
			  o->filter);
		return -EINVAL;
	}
	return 0;
}

static const struct options defaults = {
	.events = (1u << EVENT_KINDS) - 1,
	.interval_ms = 5000,
	.half_open_after_ms = 3000,
	.close_wait_after_ms = 60000,
	.fin_wait_after_ms = 90000,
	.idle_after_ms = 8000000,
	.give_up_after_ms = 75000,
	.memory = MEMORY_DEFAULT,
	.flood_sensitivity = DETECT_SENSITIVITY,
	.flood_min_rate = DETECT_MIN_RATE,
};

int options_parse(int argc, char **argv, struct options *options)
{
	struct options read = defaults;
	struct option longs[OPTION_ROWS + 1];
	char letters[2 * OPTION_ROWS + 2];
	int c, error;

	build_getopt(longs, letters);
	optind = 0; /* glibc and musl: begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *row = c == '?' || c == ':' ? NULL : row_of(c);

		if (!row)
			return usage_error(c, argv);
		error = row->take(&read, optarg);
		if (error)
			return error == OPTION_DONE ? OPTION_DONE : refuse(row, optarg, error);
	}
	for (; optind < argc; optind++) {
		error = option_interface(&read, argv[optind]);
		if (error)
			return refuse(&option_rows[0], argv[optind], error);
	}
	error = check(&read);
	if (!error)
		*options = read;
	return error;
}
