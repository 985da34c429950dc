/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics as a Prometheus text (exposition format 0.0.4): counters from the kernel, levels from the tables. */
#ifndef TCPSHAKE_METRICS_H
#define TCPSHAKE_METRICS_H

#include <stdio.h>

#include "floods.h"
#include "options.h"
#include "output.h"
#include "plan.h"
#include "proof.h"
#include "service_row.h"
#include "summary.h"

/* node_exporter reads what ends in .prom, so this does not. */
#define METRICS_TEMPORARY ".tmp"

/* More devices than this have no series of their own: the number of series has a limit. */
#define METRICS_DEVICES 16

struct metrics_device {
	const char *name;
	const char *in;	 /* "native", "tc" or "generic" */
	int outgoing;
};

/* All of one reading, so that the terms of a sum agree. */
struct metrics {
	const struct options *options; /* label ports, watcher */
	const struct plan *plan;
	const struct tally *tally;
	const struct levels *levels;
	const struct output_counts *output;
	const struct floods_counts *floods;
	const struct service *rows;
	u32 row_count;
	const u64 *states; /* ends by enum tcp_state */
	const struct metrics_device *device;
	u32 devices;
	u64 time_ns; /* since the epoch */
};

void metrics_print(const struct metrics *metrics, FILE *out);

/*
 * A label's value. As in text output, the backslash is doubled and what is not
 * printable ASCII becomes \xNN, so that two names never look like one series;
 * then the format has its own escapes for backslash and quote.
 */
void metrics_print_label(FILE *out, const char *value);

/*
 * Puts the metrics in place of the file at `path`: a temporary file beside it,
 * then rename, so that no reader sees half of it. Returns 0 or a negative errno,
 * and leaves nothing behind. -EEXIST: something that cannot be taken away stands
 * at the temporary name, METRICS_TEMPORARY behind the path.
 */
int metrics_write(const struct metrics *metrics, const char *path);

#endif
