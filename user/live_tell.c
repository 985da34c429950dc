/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of the run itself: losses, the summary, and to the service manager that it is ready. */
#include <stdio.h>
#include <string.h>

#include "levels.h"
#include "live_parts.h"
#include "log.h"
#include "losses.h"
#include "notify.h"

int live_tell_losses(struct live *live, u64 time)
{
	struct tally now;
	int error = kernel_tally(live->kernel, &now);

	if (!error)
		losses_tell(&live->output, &live->told, &now, time); /* its error is the output's, and stays there */
	return error;
}

void live_tell_summary(struct live *live)
{
	const struct service *rows;
	struct levels levels;
	struct tally tally;
	u32 count = kernel_services(live->kernel, &rows);
	int error = kernel_tally(live->kernel, &tally);

	if (error) {
		log_error("no summary: reading the kernel's counters: %s", strerror(-error));
		return;
	}
	kernel_levels(live->kernel, &levels);
	run_summary(live->options, &tally, &levels, &live->output, rows, count, live_now() - live->started_ns);
}

void live_tell_ready(struct live *live)
{
	char text[96];
	int error;

	snprintf(text, sizeof(text), "READY=1\nSTATUS=watching %u interface%s", live->interfaces.count,
		 live->interfaces.count == 1 ? "" : "s");
	error = notify(text);
	if (error)
		log_note("service manager ($NOTIFY_SOCKET): %s", strerror(-error));
	live->watchdog_ns = notify_watchdog_ns();
}
