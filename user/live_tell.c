/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of the run itself: losses, the summary, and to the service manager that it is ready. */
#include <stdio.h>
#include <string.h>

#include "levels.h"
#include "live_parts.h"
#include "log.h"
#include "notify.h"

static void tell_loss(struct live *live, enum loss_what what, u64 now, u64 before, u64 time)
{
	if (now > before)
		output_loss(&live->output, what, now - before, time);
}

int live_tell_losses(struct live *live, u64 time)
{
	const struct tally *before = &live->told;
	struct tally now;
	int error = kernel_tally(live->kernel, &now);

	if (error)
		return error;
	tell_loss(live, LOSS_EVENTS_RING, now.count[C_events_lost_in_ring],
		  before->count[C_events_lost_in_ring], time);
	tell_loss(live, LOSS_PENDING_EVICTED,
		  now.count[C_handshakes_evicted] + now.count[C_adoptions_evicted],
		  before->count[C_handshakes_evicted] + before->count[C_adoptions_evicted], time);
	tell_loss(live, LOSS_CONNECTIONS_REFUSED,
		  now.count[C_begun_refused_table_full] + now.count[C_adoptions_refused_table_full],
		  before->count[C_begun_refused_table_full] + before->count[C_adoptions_refused_table_full],
		  time);
	live->told = now;
	return 0;
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
