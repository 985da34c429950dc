/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef TCPSHAKE_OPTIONS_H
#define TCPSHAKE_OPTIONS_H

#include "config.h"

#ifndef TCPSHAKE_VERSION
#define TCPSHAKE_VERSION "0.1"
#endif

#define OPTION_INTERFACES  64
#define OPTION_LABEL_PORTS 16

enum output_format { FORMAT_TEXT, FORMAT_JSON };

/* How incoming packets are seen. */
enum mode { MODE_AUTO, MODE_NATIVE, MODE_TC, MODE_GENERIC };

/* TIME_WAITs of one pair of addresses and server port that are worth a linger event. */
#define PAIR_LIMIT 5000

/* Strings point into argv. Times are whole milliseconds; 0 means never, where that is allowed. */
struct options {
	const char *interface[OPTION_INTERFACES]; /* names or patterns, each once */
	u32 interfaces;
	const char *read_path; /* "-": standard input; NULL: live */
	const char *filter;    /* pcap filter expression, with read_path */
	enum output_format format;
	u32 events;	       /* bit per enum event_kind, those that are told */
	const char *textfile;
	const char *watcher;   /* label of every metric, or NULL */
	u64 interval_ms;
	enum mode mode;
	enum view view;
	u64 half_open_after_ms;
	u64 close_wait_after_ms;
	u64 fin_wait_after_ms;
	u64 time_wait_after_ms;
	u64 idle_after_ms;
	u64 give_up_after_ms;
	u64 slow_open_ns;
	u64 memory; /* bytes */
	u32 flood_sensitivity, flood_min_rate; /* as of struct detect_config */
	u32 ports, hosts, label_ports;
	struct port_range port[FILTER_PORTS];
	struct host_prefix host[FILTER_HOSTS];
	u16 label_port[OPTION_LABEL_PORTS];
	u8 only_v4, only_v6; /* both: as if neither */
	u64 count;	     /* events after which to stop; 0: no end */
	u64 duration_ns;     /* 0: no end */
	int quiet;
	int verbose; /* how often -v was given */
};

/*
 * Returns 0 to go on, 1 when all is done (help or version was printed: exit 0),
 * -EINVAL when the usage was wrong, which was told: exit 2. Can be called again.
 */
int options_parse(int argc, char **argv, struct options *options);

/*
 * Fills what the command line decides: timers, events, view, filters. Leaves the
 * secret, the tables (plan_memory()), replay and ask_sockets alone. Waits longer
 * than the engine can hold are cut to TICKS_MAX. Captures have no idle test.
 */
void options_to_config(const struct options *options, struct config *config);

#endif
