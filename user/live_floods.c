/* SPDX-License-Identifier: GPL-2.0-only */
/* Floods on the interfaces of a live run. */
#include <netinet/tcp.h>
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

static int has(void *arg, const struct address *addr)
{
	const struct live *live = arg;

	return local_has(&live->local, addr);
}

static int read_netstat(void *arg, struct netstat *netstat)
{
	const struct live *live = arg;

	return netstat_read(live->netstat, netstat);
}

static int each_listener(void *arg, socket_fn each, void *each_arg)
{
	(void)arg;
	return sockets_each(1u << TCP_LISTEN, each, each_arg);
}

/* Counters and sockets are this namespace's: they say nothing of a server elsewhere. */
static const struct floods_host host = { .has = has, .netstat = read_netstat, .listeners = each_listener };

int live_open_floods(struct live *live)
{
	const struct floods_config config = floods_config_of(live->options);
	struct floods_side side = { .tell = tell, .host = live->options->view == VIEW_TAP ? NULL : &host, .arg = live };

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
