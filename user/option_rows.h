/* SPDX-License-Identifier: GPL-2.0-only */
/* The options one by one, as options.c walks over them. */
#ifndef TCPSHAKE_OPTION_ROWS_H
#define TCPSHAKE_OPTION_ROWS_H

#include "options.h"

#define OPTION_DONE 1 /* printed, and nothing else to do: told apart from errors, which are negative */

/* How one option is read, what it accepts, and its line of the help. */
struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	int (*take)(struct options *options, const char *value); /* 0, a negative errno, or OPTION_DONE */
	const char *accepts;
	const char *help;
};

#define OPTION_ROWS 32

extern const struct option_row option_rows[]; /* the first is --interface */

int option_interface(struct options *options, const char *value);

#endif
