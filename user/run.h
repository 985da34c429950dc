/* SPDX-License-Identifier: GPL-2.0-only */
/* The two ways to run, and what they share. Both return an enum exit_status. */
#ifndef TCPSHAKE_RUN_H
#define TCPSHAKE_RUN_H

#include "exit_status.h"
#include "options.h"
#include "output.h"
#include "plan.h"
#include "service_row.h"
#include "summary.h"

int run_live(const struct options *options);
int run_capture(const struct options *options);

/* Fills config and plan from the options; tells what is wrong. 0 or -EINVAL. */
int run_prepare(const struct options *options, struct config *config, struct plan *plan);

/* Opens the output, tells what is wrong. */
int run_open_output(const struct options *options, struct output *output);

void run_summary(const struct options *options, const struct tally *tally, const struct levels *levels,
		 const struct output *output, const struct service *rows, u32 row_count, u64 duration_ns);

/* What became of writing: 0, or a status at which to stop; told once. */
int run_output_status(int error, enum exit_status *status);

#endif
