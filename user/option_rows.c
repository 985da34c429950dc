/* SPDX-License-Identifier: GPL-2.0-only */
/* How each option is read, and the table of them all, which is also the help. */
#include "option_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin.h"
#include "names.h"
#include "plan.h"
#include "values.h"

int option_interface(struct options *o, const char *value)
{
	if (!*value)
		return -EINVAL;
	for (u32 i = 0; i < o->interfaces; i++) {
		if (!strcmp(o->interface[i], value))
			return 0;
	}
	if (o->interfaces == OPTION_INTERFACES)
		return -ENOSPC;
	o->interface[o->interfaces++] = value;
	return 0;
}

static int take_text(const char **target, const char *value)
{
	if (!*value)
		return -EINVAL;
	*target = value;
	return 0;
}

static int take_read(struct options *o, const char *value) { return take_text(&o->read_path, value); }
static int take_filter(struct options *o, const char *value) { return take_text(&o->filter, value); }
static int take_textfile(struct options *o, const char *value) { return take_text(&o->textfile, value); }
static int take_watcher(struct options *o, const char *value) { return take_text(&o->watcher, value); }

static int take_output(struct options *o, const char *value)
{
	static const char *const names[] = { "text", "json" };
	int choice = value_choice(value, names, ARRAY_SIZE(names));

	if (choice < 0)
		return choice;
	o->format = (enum output_format)choice;
	return 0;
}

static int take_json(struct options *o, const char *value)
{
	(void)value;
	o->format = FORMAT_JSON;
	return 0;
}

static int take_events(struct options *o, const char *value)
{
	u32 events = 0;

	for (;;) {
		size_t length = strcspn(value, ",");
		u32 kind = 0;

		while (kind < EVENT_KINDS && (strlen(event_name(kind)) != length ||
					      strncmp(event_name(kind), value, length)))
			kind++;
		if (kind == EVENT_KINDS)
			return -EINVAL;
		events |= 1u << kind;
		value += length;
		if (!*value++)
			break;
	}
	o->events = events;
	return 0;
}

static int take_mode(struct options *o, const char *value)
{
	static const char *const names[] = { "auto", "native", "tc", "generic" };
	int choice = value_choice(value, names, ARRAY_SIZE(names));

	if (choice < 0)
		return choice;
	o->mode = (enum mode)choice;
	return 0;
}

static int take_view(struct options *o, const char *value)
{
	static const char *const names[] = { "host", "tap", "one-sided" };
	int choice = value_choice(value, names, ARRAY_SIZE(names));

	if (choice < 0)
		return choice;
	o->view = (enum view)choice;
	return 0;
}

/* A time that has to be more than nothing. */
static int take_some(u64 *target, const char *value, int digits)
{
	u64 read;

	if (value_decimal(value, digits, &read) || !read)
		return -EINVAL;
	*target = read;
	return 0;
}

static int take_interval(struct options *o, const char *v) { return take_some(&o->interval_ms, v, 3); }
static int take_half_open(struct options *o, const char *v) { return value_decimal(v, 3, &o->half_open_after_ms); }
static int take_close_wait(struct options *o, const char *v) { return value_decimal(v, 3, &o->close_wait_after_ms); }
static int take_fin_wait(struct options *o, const char *v) { return value_decimal(v, 3, &o->fin_wait_after_ms); }
static int take_time_wait(struct options *o, const char *v) { return value_decimal(v, 3, &o->time_wait_after_ms); }
static int take_idle(struct options *o, const char *v) { return value_decimal(v, 3, &o->idle_after_ms); }
static int take_give_up(struct options *o, const char *v) { return take_some(&o->give_up_after_ms, v, 3); }
static int take_slow_open(struct options *o, const char *v) { return value_decimal(v, 6, &o->slow_open_ns); }
static int take_duration(struct options *o, const char *v) { return take_some(&o->duration_ns, v, 9); }

static int take_memory(struct options *o, const char *value)
{
	u64 bytes;

	if (value_size(value, &bytes) || bytes < MEMORY_MIN || bytes > MEMORY_MAX)
		return -EINVAL;
	o->memory = bytes;
	return 0;
}

static int take_number(u32 *target, const char *value, u64 most)
{
	u64 read;

	if (value_whole(value, most, &read) || !read)
		return -EINVAL;
	*target = (u32)read;
	return 0;
}

static int take_flood_sensitivity(struct options *o, const char *value)
{
	return take_number(&o->flood_sensitivity, value, DETECT_SENSITIVITY_MAX);
}

#define FLOOD_MIN_RATE_MAX 1000000

static int take_flood_min_rate(struct options *o, const char *value)
{
	return take_number(&o->flood_min_rate, value, FLOOD_MIN_RATE_MAX);
}

static int take_port(struct options *o, const char *value)
{
	return value_ports(value, o->port, &o->ports, FILTER_PORTS);
}

static int take_host(struct options *o, const char *value)
{
	return value_hosts(value, o->host, &o->hosts, FILTER_HOSTS);
}

/* A label stands for one port: ranges would be series without end. */
static int take_label_port(struct options *o, const char *value)
{
	struct port_range range[OPTION_LABEL_PORTS];
	u32 count = 0;
	int error = value_ports(value, range, &count, OPTION_LABEL_PORTS);

	if (error)
		return error;
	if (o->label_ports + count > OPTION_LABEL_PORTS)
		return -ENOSPC;
	for (u32 i = 0; i < count; i++) {
		if (range[i].first != range[i].last)
			return -EINVAL;
	}
	for (u32 i = 0; i < count; i++)
		o->label_port[o->label_ports++] = range[i].first;
	return 0;
}

static int take_v4(struct options *o, const char *v) { (void)v; o->only_v4 = 1; return 0; }
static int take_v6(struct options *o, const char *v) { (void)v; o->only_v6 = 1; return 0; }
static int take_quiet(struct options *o, const char *v) { (void)v; o->quiet = 1; return 0; }
static int take_verbose(struct options *o, const char *v) { (void)v; o->verbose++; return 0; }

static int take_count(struct options *o, const char *value)
{
	u64 count;

	if (value_whole(value, ~0ULL >> 1, &count) || !count)
		return -EINVAL;
	o->count = count;
	return 0;
}

static int print_version(struct options *o, const char *value)
{
	(void)o, (void)value;
	puts("tcpshake " TCPSHAKE_VERSION);
	return OPTION_DONE;
}

static int print_help(struct options *o, const char *value)
{
	(void)o, (void)value;
	puts("Usage: tcpshake -i IFACE [options]     watch an interface (needs root)\n"
	     "       tcpshake -r FILE [options]      read a capture\n"
	     "\n"
	     "Tells how TCP connections open and close, and what is stuck in between.\n");
	for (int i = 0; i < OPTION_ROWS; i++) {
		char left[40], letter[8] = "    ";

		if (option_rows[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", option_rows[i].letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, option_rows[i].name, option_rows[i].argument ? " " : "",
			 option_rows[i].argument ? option_rows[i].argument : "");
		printf("  %-28s %s\n", left, option_rows[i].help);
	}
	puts("\nExit status: 0 done; 1 failed while running; 2 wrong usage; 3 not permitted;\n"
	     "4 kernel, driver or device cannot; 5 the last watched interface is gone.");
	return OPTION_DONE;
}

#define SECONDS	       "seconds, with a fraction if you like; 0: never"
#define SOME_SECONDS   "seconds above 0, with a fraction if you like"
#define EVENTS_ALLOWED "a list of open,half_open,close,flood,silent,linger,ports,loss"

const struct option_row option_rows[] = {
	/* clang-format off */
	{ 'i', "interface", "IFACE", option_interface, "a name or a pattern, at most 64 of them",
	  "watch it; repeat for more; a pattern (veth*) follows those that appear" },
	{ 'r', "read", "FILE", take_read, "a file, or - for standard input",
	  "read a capture, pcap or pcapng; - is standard input" },
	{ 'f', "filter", "EXPR", take_filter, "a filter expression as of tcpdump",
	  "with -r: only packets that this filter expression takes" },
	{ 'o', "output", "FORMAT", take_output, "text or json", "text (default) or json: one object a line" },
	{ 'j', "json", NULL, take_json, NULL, "the same as -o json" },
	{ 'e', "events", "LIST", take_events, EVENTS_ALLOWED,
	  "only these: open,half_open,close,flood,silent,linger,ports,loss" },
	{ 0, "textfile", "PATH", take_textfile, "the path of a file",
	  "keep a Prometheus text file up to date (node_exporter's textfile collector)" },
	{ 0, "watcher", "NAME", take_watcher, "a name",
	  "gives every metric the label watcher=\"NAME\": for several runs beside each other" },
	{ 0, "interval", "SEC", take_interval, SOME_SECONDS, "how often the text file is written (5)" },
	{ 0, "mode", "MODE", take_mode, "auto, native, tc or generic",
	  "how incoming packets are seen: auto (default), native, tc or generic" },
	{ 0, "view", "VIEW", take_view, "host, tap or one-sided",
	  "what passes here: host (default: in and out), tap (both come in) or one-sided" },
	{ 0, "half-open-after", "SEC", take_half_open, SECONDS, "tell a handshake that is half open for so long (3)" },
	{ 0, "close-wait-after", "SEC", take_close_wait, SECONDS, "tell a CLOSE_WAIT of this age (60)" },
	{ 0, "fin-wait-after", "SEC", take_fin_wait, SECONDS,
	  "tell FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK of this age (90)" },
	{ 0, "time-wait-after", "SEC", take_time_wait, SECONDS,
	  "tell each flow in TIME_WAIT after this, not only pairs (never)" },
	{ 0, "idle-after", "SEC", take_idle, SECONDS, "put connections to the test that are silent for so long (8000)" },
	{ 0, "give-up-after", "SEC", take_give_up, SOME_SECONDS, "a handshake without a sign for so long is over (75)" },
	{ 0, "slow-open", "MS", take_slow_open, "milliseconds, with a fraction if you like; 0: every open is told",
	  "tell only opens that took so long or needed a retransmission" },
	{ 0, "memory", "SIZE", take_memory, "a size from 1M to 256G: a whole number with K, M or G",
	  "all table memory (128M); -v prints the plan" },
	{ 0, "flood-sensitivity", "N", take_flood_sensitivity, "a whole number from 1 to 10",
	  "how little is called a flood: 1, only what cannot be missed, to 10 (5)" },
	{ 0, "flood-min-rate", "N", take_flood_min_rate, "a whole number from 1 to 1000000",
	  "SYNs a second at one service; below it nothing is called a flood (50)" },
	{ 0, "port", "LIST", take_port, "at most 16 ports or ranges from 1 to 65535, as in 80,8000-8100",
	  "only connections with one of these ports" },
	{ 0, "host", "LIST", take_host, "at most 16 addresses or prefixes, as in 10.0.0.0/8,2001:db8::1",
	  "only connections with one of these addresses or prefixes" },
	{ '4', "ipv4", NULL, take_v4, NULL, "only IPv4" },
	{ '6', "ipv6", NULL, take_v6, NULL, "only IPv6" },
	{ 0, "label-port", "LIST", take_label_port, "at most 16 ports from 1 to 65535, as in 80,443",
	  "service ports that get a label in the metrics; filters nothing" },
	{ 'c', "count", "N", take_count, "a whole number, at least 1", "stop after so many events" },
	{ 0, "duration", "SEC", take_duration, SOME_SECONDS, "stop after so long" },
	{ 'q', "quiet", NULL, take_quiet, NULL, "print no events; the summary stays" },
	{ 'v', "verbose", NULL, take_verbose, NULL, "tell more: memory plan, every counter, their sums; twice: also what libbpf says" },
	{ 'V', "version", NULL, print_version, NULL, "print the version" },
	{ 'h', "help", NULL, print_help, NULL, "print this" },
	/* clang-format on */
};

_Static_assert(ARRAY_SIZE(option_rows) == OPTION_ROWS, "the number of options");
