/* SPDX-License-Identifier: GPL-2.0-only */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "services.h"

int run_prepare(const struct options *options, struct config *config, struct plan *plan)
{
	memset(config, 0, sizeof(*config));
	options_to_config(options, config);
	if (plan_memory(options->memory, config, plan)) {
		log_error("--memory %llu: between %llu and %llu bytes", options->memory, MEMORY_MIN, MEMORY_MAX);
		return -EINVAL;
	}
	if (log_enabled(LEVEL_DETAIL))
		plan_print(plan, stderr);
	return 0;
}

int run_open_output(const struct options *options, struct output *output)
{
	int error = output_open(output, STDOUT_FILENO, options->format, options->events, options->quiet);

	if (error)
		log_error("standard output: %s", strerror(-error));
	else
		output->line.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	return error;
}

void run_summary(const struct options *options, const struct tally *tally, const struct levels *levels,
		 const struct output *output, const struct service *rows, u32 row_count, u64 duration_ns)
{
	struct service_summary *services = NULL;
	int count = services_summarise(rows, row_count, &services);
	struct summary summary = {
		.tally = tally,
		.levels = levels,
		.output = &output->counts,
		.services = services,
		.service_count = count > 0 ? (size_t)count : 0,
		.duration_ns = duration_ns,
		.verbose = options->verbose,
	};

	if (count < 0)
		log_note("the summary is without services: %s", strerror(-count));
	summary_print(&summary, stderr);
	free(services);
}

int run_output_status(int error, enum exit_status *status)
{
	if (!error)
		return 0;
	/* a reader that leaves is a normal end */
	if (error == -EPIPE) {
		*status = STATUS_OK;
		return 1;
	}
	log_error("standard output: %s", strerror(-error));
	*status = STATUS_FAILED;
	return 1;
}
