/* SPDX-License-Identifier: GPL-2.0-only */
/* A service table, a kernel that can be asked, and someone who hears what floods tell of them. */
#ifndef UNIT_FLOODS_STAND_H
#define UNIT_FLOODS_STAND_H

#include "sample.h"

#include <arpa/inet.h>

#include "floods_parts.h"

#define ROWS 1024 /* the last is that of all others */
#define TOLD 4096
#define BEGIN 1000 /* tick */

struct stand {
	struct floods *floods;
	struct floods_config config;
	u64 word[ROWS];
	struct service row[ROWS];
	struct sources sources[SOURCES];
	u64 tick;
	struct flood_report flood[TOLD];
	struct silent_report silent[TOLD];
	u64 flood_time[TOLD];
	u32 floods_told, silent_told;
	struct netstat netstat;
	int netstat_error;
	struct socket_entry listener[4];
	u32 listeners;
	u32 looks;
};

INLINE void hear(void *arg, const struct report *report, u64 time)
{
	struct stand *stand = arg;

	assert_true(!report->flood != !report->silent);
	if (report->flood) {
		assert_true(stand->floods_told < TOLD);
		stand->flood_time[stand->floods_told] = time;
		stand->flood[stand->floods_told++] = *report->flood;
	} else {
		assert_true(stand->silent_told < TOLD);
		stand->silent[stand->silent_told++] = *report->silent;
	}
}

/* All of 10.0.0.0/16 is this host's. */
INLINE int has(void *arg, const struct address *addr)
{
	(void)arg;
	return (v4_of_low(addr->word[1]) & htonl(0xffff0000)) == htonl(0x0a000000);
}

INLINE int read_netstat(void *arg, struct netstat *netstat)
{
	struct stand *stand = arg;

	*netstat = stand->netstat;
	return stand->netstat_error;
}

INLINE int each_listener(void *arg, socket_fn each, void *each_arg)
{
	struct stand *stand = arg;

	stand->looks++;
	for (u32 i = 0; i < stand->listeners; i++)
		each(each_arg, &stand->listener[i]);
	return 0;
}

static const struct floods_host host = { .has = has, .netstat = read_netstat, .listeners = each_listener };

INLINE void open_floods(struct stand *stand)
{
	const struct floods_side side = {
		.table = { .words = stand->word, .rows = stand->row, .sources = stand->sources, .count = ROWS },
		.tell = hear, .host = &host, .arg = stand,
	};

	assert_int_equal(floods_new(&stand->floods, &stand->config, &side, stand->tick), 0);
}

INLINE int set_up(void **state)
{
	struct stand *stand = calloc(1, sizeof(*stand));

	stand->config = (struct floods_config){ DETECT_SENSITIVITY, DETECT_MIN_RATE, 0, 0 };
	stand->tick = BEGIN;
	stand->netstat_error = -1;
	open_floods(stand);
	*state = stand;
	return 0;
}

INLINE int tear_down(void **state)
{
	struct stand *stand = *state;

	floods_free(stand->floods);
	free(stand);
	return 0;
}

INLINE void give_row(struct stand *stand, u32 row, const char *addr, u16 port)
{
	stand->word[row] = 1;
	stand->row[row] = (struct service){
		.addr = v4(addr), .port = port, .prefix = SERVICE_WHOLE, .born = stand->row[row].born + 2,
		.alarm = stand->row[row].alarm,
	};
}

/* Connections that open, and SYNs that are answered and lead to nothing. */
INLINE void add(struct stand *stand, u32 row, u32 opened, u32 syn)
{
	u64 *count = stand->row[row].count;

	count[SERVICE_SYN] += opened + syn;
	count[SERVICE_SYNACK] += opened + syn;
	count[SERVICE_COMPLETED] += opened;
}

INLINE void tick(struct stand *stand)
{
	floods_tick(stand->floods, ++stand->tick, FLOODS_LATE);
}

/* Each of these rows sees the same in every tick. */
INLINE void run(struct stand *stand, u32 ticks, u32 first, u32 rows, u32 opened, u32 syn)
{
	while (ticks--) {
		for (u32 row = first; row < first + rows; row++)
			add(stand, row, opened, syn);
		tick(stand);
	}
}

INLINE u32 count_told(const struct stand *stand, enum phase phase)
{
	u32 n = 0;

	for (u32 i = 0; i < stand->floods_told; i++)
		n += stand->flood[i].phase == phase;
	return n;
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
