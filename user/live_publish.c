/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics file of a live run, at its interval. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "levels.h"
#include "live_parts.h"
#include "log.h"
#include "metrics.h"

static const char *hook_name(enum mode mode)
{
	return mode == MODE_NATIVE ? "native" : mode == MODE_GENERIC ? "generic" : "tc";
}

static int write_metrics(struct live *live)
{
	static struct metrics_device devices[INTERFACES_MAX];
	u64 states[TCP_STATES];
	struct levels levels;
	struct tally tally;
	struct metrics metrics = {
		.options = live->options, .plan = &live->plan, .tally = &tally, .levels = &levels,
		.output = &live->output.counts, .states = states, .device = devices,
		.floods = floods_counts(live->floods),
		.devices = live->interfaces.count, .time_ns = clock_wall(&live->clock, live_now()),
	};

	for (u32 i = 0; i < live->interfaces.count; i++) {
		const struct watched *watched = &live->interfaces.watched[i];

		devices[i] = (struct metrics_device){ watched->name, hook_name(watched->attached.mode),
						      watched->attached.outgoing };
	}
	if (kernel_tally(live->kernel, &tally))
		return -EIO;
	kernel_levels(live->kernel, &levels);
	kernel_states(live->kernel, states);
	metrics.row_count = kernel_services(live->kernel, &metrics.rows);
	return metrics_write(&metrics, live->options->textfile);
}

void live_publish(struct live *live, u64 time)
{
	u64 interval = live->options->interval_ms * NSEC_PER_MSEC;
	int error;

	if (!live->options->textfile || time < live->metrics_due_ns)
		return;
	/* From when it was due: ticks come a little early or late, and that must not add up. */
	live->metrics_due_ns += interval;
	if (live->metrics_due_ns + interval <= time)
		live->metrics_due_ns = time + interval;
	error = write_metrics(live);
	if (error && error != live->metrics_error)
		log_error("%s%s: %s; the metrics are stale until it can be written again", live->options->textfile,
			  error == -EEXIST ? METRICS_TEMPORARY : "", strerror(-error));
	else if (!error && live->metrics_error)
		log_note("%s: written again", live->options->textfile);
	live->metrics_error = error;
}

/* A file that no one keeps up to date would be believed; also one that a killed run left. */
void live_unpublish(const struct live *live)
{
	if (live->options->textfile)
		unlink(live->options->textfile);
}
