/* SPDX-License-Identifier: GPL-2.0-only */
/* From what the user said to what the engine is told. */
#include <string.h>

#include "event.h"
#include "floods.h"
#include "options.h"

#define MS_PER_TICK (TICK_NS / NSEC_PER_MSEC)

/* Up: a deadline never comes early, and little is not never. */
static u32 ticks_of_ms(u64 ms)
{
	u64 ticks = ms / MS_PER_TICK + !!(ms % MS_PER_TICK);

	return ticks < TICKS_MAX ? (u32)ticks : TICKS_MAX;
}

/*
 * Suspects are not told: the socket table is asked about them, whatever was
 * selected. With -q nothing is, unless events are wanted to count up to -c.
 */
static u32 events_of(const struct options *options)
{
	u32 events = options->quiet && !options->count ? 0 : options->events;

	return events | 1u << EVENT_SUSPECT;
}

void options_to_config(const struct options *options, struct config *config)
{
	config->events = events_of(options);
	config->half_open_after = ticks_of_ms(options->half_open_after_ms);
	config->give_up_after = ticks_of_ms(options->give_up_after_ms);
	config->close_wait_after = ticks_of_ms(options->close_wait_after_ms);
	config->fin_wait_after = ticks_of_ms(options->fin_wait_after_ms);
	config->time_wait_after = ticks_of_ms(options->time_wait_after_ms);
	config->idle_after = options->read_path ? 0 : ticks_of_ms(options->idle_after_ms);
	config->slow_open_ns = options->slow_open_ns;
	config->pair_limit = PAIR_LIMIT;
	config->view = (u8)options->view;
	config->no_ipv4 = options->only_v6 && !options->only_v4;
	config->no_ipv6 = options->only_v4 && !options->only_v6;
	config->ports = (u8)options->ports;
	config->hosts = (u8)options->hosts;
	memcpy(config->port, options->port, sizeof(config->port));
	memcpy(config->host, options->host, sizeof(config->host));
}

struct floods_config floods_config_of(const struct options *options)
{
	return (struct floods_config){
		.sensitivity = options->flood_sensitivity,
		.min_rate = options->flood_min_rate,
		.one_sided = options->view == VIEW_ONE_SIDED,
		.crowds = options->verbose > 0,
	};
}
