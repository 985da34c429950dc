/* SPDX-License-Identifier: GPL-2.0-only */
/* Floods on the interfaces of a live run. */
#include <errno.h>
#include <unistd.h>

#include "kernel.h"
#include "live_parts.h"

static void tell(void *arg, const struct report *report, u64 time)
{
	struct live *live = arg;

	if (live->options->count && output_told(&live->output) >= live->options->count)
		return;
	live_check_output(live, output_report(&live->output, report->flood ? EVENT_FLOOD : EVENT_SILENT, report, time));
}

/* The counters are this namespace's: they say nothing of a server elsewhere. */
static int read_netstat(void *arg, const struct address *addr, struct netstat *netstat)
{
	struct live *live = arg;

	if (live->options->view == VIEW_TAP || !local_has(&live->local, addr))
		return -ENOTSUP;
	return netstat_read(live->netstat, netstat);
}

int live_open_floods(struct live *live)
{
	const struct floods_config config = floods_config_of(live->options);
	struct floods_side side = { .tell = tell, .netstat = read_netstat, .arg = live };

	live->netstat = netstat_open();
	kernel_service_table(live->kernel, &side.table);
	return floods_new(&live->floods, &config, &side, live_now() / TICK_NS);
}

void live_watch_floods(struct live *live, u64 time)
{
	floods_tick(live->floods, time / TICK_NS, FLOODS_LATE);
}

void live_close_floods(struct live *live)
{
	floods_free(live->floods);
	if (live->netstat >= 0)
		close(live->netstat);
}
