/* SPDX-License-Identifier: GPL-2.0-only */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "names.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP tcpshake_%s %s\n# TYPE tcpshake_%s %s\n", name, help, name, type);
}

static void counter(FILE *out, const char *name, const char *help, u64 value)
{
	fprintf(out, "# HELP tcpshake_%s_total %s\n# TYPE tcpshake_%s_total counter\ntcpshake_%s_total %" PRIu64 "\n",
		name, help, name, name, (uint64_t)value);
}

static void gauge(FILE *out, const char *name, const char *help, u64 value)
{
	head(out, name, "gauge", help);
	fprintf(out, "tcpshake_%s %" PRIu64 "\n", name, (uint64_t)value);
}

static void print_counters(const struct metrics *metrics, FILE *out)
{
	const struct tally *tally = metrics->tally;
	const struct output_counts *output = metrics->output;

#define X(name, help) counter(out, #name, help, tally->count[C_##name]);
	TCPSHAKE_COUNTERS(X)
#undef X
	counter(out, "events_own", "Events that user space made: losses, floods, silences, lingering", output->own);
	counter(out, "events_written", "Events written to standard output", output->written);
	counter(out, "events_lost_at_output", "Events lost because nobody read standard output", output->lost);
	gauge(out, "events_queued", "Events waiting for standard output, or for the owner that they tell", output->queued + output->held);
}

static void print_levels(const struct metrics *metrics, FILE *out)
{
	static const enum tcp_state lingering[] = {
		STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT, STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT,
	};
	const struct levels *levels = metrics->levels;

	gauge(out, "handshakes_unfinished", "Handshakes that are neither completed nor ended", levels->unfinished);
	gauge(out, "handshakes_half_open", "Of these, with a SYN-ACK", levels->half_open);
	gauge(out, "adoptions_unfinished", "Candidates for adoption", levels->adoptions_unfinished);
	gauge(out, "connections_live", "Connections that have not ended", levels->live);
	gauge(out, "time_wait_held", "Connections in TIME_WAIT", levels->held);
	gauge(out, "packets_queued", "Packets put aside for the next tick", levels->deferred);
	gauge(out, "watched", "Flows under watch: the sum of the watch filter", levels->filter_sum);
	head(out, "ends", "gauge", "Ends of flows by their RFC 9293 state");
	for (u32 state = 0; state < TCP_STATES; state++)
		fprintf(out, "tcpshake_ends{state=\"%s\"} %" PRIu64 "\n", state_name((enum tcp_state)state),
			(uint64_t)metrics->states[state]);
	head(out, "lingering", "gauge", "Ends that were told to linger");
	for (size_t i = 0; i < ARRAY_SIZE(lingering); i++)
		fprintf(out, "tcpshake_lingering{state=\"%s\"} %" PRIu64 "\n", state_name(lingering[i]),
			(uint64_t)levels->lingering[lingering[i]]);
	head(out, "table_capacity", "gauge", "Slots of the tables");
	fprintf(out, "tcpshake_table_capacity{table=\"seeds\"} %u\n", metrics->plan->seeds);
	fprintf(out, "tcpshake_table_capacity{table=\"pending\"} %u\n", metrics->plan->pending);
	fprintf(out, "tcpshake_table_capacity{table=\"connections\"} %u\n", metrics->plan->connections);
	fprintf(out, "tcpshake_table_capacity{table=\"services\"} %u\n", metrics->plan->services);
}

static void print_floods(const struct metrics *metrics, FILE *out)
{
	const struct floods_counts *floods = metrics->floods;

	gauge(out, "floods", "SYN floods now", floods->now);
	head(out, "floods_total", "counter", "SYN floods that are over, by their last verdict");
	for (u32 verdict = 0; verdict < VERDICT_FLASH_CROWD; verdict++)
		fprintf(out, "tcpshake_floods_total{verdict=\"%s\"} %" PRIu64 "\n", verdict_name(verdict),
			(uint64_t)floods->total[verdict]);
	head(out, "flood_seconds_total", "counter", "How long floods lasted, summed over all of them");
	fprintf(out, "tcpshake_flood_seconds_total %.1f\n", (double)floods->ns / NSEC_PER_SEC);
	gauge(out, "silent_services", "Services that do not answer, refuse, or drop, now", floods->silent_now);
	head(out, "silent_total", "counter", "How often a service became silent");
	for (u32 kind = 0; kind < SILENT_KINDS; kind++)
		fprintf(out, "tcpshake_silent_total{kind=\"%s\"} %" PRIu64 "\n", silent_kind_name(kind),
			(uint64_t)floods->silent_total[kind]);
}

static void print_histogram(const struct metrics *metrics, FILE *out, enum histogram which, const char *name,
			    const char *help)
{
	u64 sum = 0;

	head(out, name, "histogram", help);
	for (u32 b = 0; b < HIST_BUCKETS; b++) {
		sum += metrics->tally->bucket[which][b];
		/* the last bucket has no upper end */
		if (b + 1 < HIST_BUCKETS)
			fprintf(out, "tcpshake_%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name,
				(double)(1ULL << (HIST_FIRST_LOG2 + b + 1)) / 1e9, (uint64_t)sum);
	}
	fprintf(out, "tcpshake_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, (uint64_t)sum);
	fprintf(out, "tcpshake_%s_sum %.9f\n", name, (double)metrics->tally->sum_ns[which] / 1e9);
	fprintf(out, "tcpshake_%s_count %" PRIu64 "\n", name, (uint64_t)sum);
}

/* Sum over all addresses that offer a port. */
static u64 of_port(const struct metrics *metrics, u16 port, enum service_count what)
{
	u64 sum = 0;

	for (u32 i = 0; i < metrics->row_count; i++) {
		if (metrics->rows[i].port == port)
			sum += metrics->rows[i].count[what];
	}
	return sum;
}

static void print_ports(const struct metrics *metrics, FILE *out)
{
	static const struct {
		enum service_count what;
		const char *name, *help;
	} terms[] = {
		{ SERVICE_SYN, "service_handshakes_started", "Handshakes begun, by --label-port" },
		{ SERVICE_COMPLETED, "service_handshakes_completed", "Handshakes completed, by --label-port" },
		{ SERVICE_REFUSED, "service_handshakes_refused", "Handshakes refused, by --label-port" },
		{ SERVICE_TIMED_OUT, "service_handshakes_timed_out", "Handshakes timed out, by --label-port" },
	};

	for (u32 t = 0; t < ARRAY_SIZE(terms) && metrics->options->label_ports; t++) {
		fprintf(out, "# HELP tcpshake_%s_total %s\n# TYPE tcpshake_%s_total counter\n", terms[t].name,
			terms[t].help, terms[t].name);
		for (u32 i = 0; i < metrics->options->label_ports; i++) {
			u16 port = metrics->options->label_port[i];

			fprintf(out, "tcpshake_%s_total{port=\"%u\"} %" PRIu64 "\n", terms[t].name, port,
				(uint64_t)of_port(metrics, port, terms[t].what));
		}
	}
}

void metrics_print_label(FILE *out, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"')
			fputs("\\\"", out);
		else if (c == '\\')
			fputs("\\\\\\\\", out);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\\\x%02x", c);
	}
}

static void print_attached(const struct metrics *metrics, FILE *out)
{
	gauge(out, "devices", "Interfaces that are watched", metrics->devices);
	if (!metrics->devices)
		return;
	head(out, "attached", "gauge", "Hooks in place");
	for (u32 i = 0; i < metrics->devices && i < METRICS_DEVICES; i++) {
		const struct metrics_device *device = &metrics->device[i];

		fprintf(out, "tcpshake_attached{device=\"");
		metrics_print_label(out, device->name);
		fprintf(out, "\",hook=\"in\",mode=\"%s\"} 1\n", device->in);
		if (!device->outgoing)
			continue;
		fprintf(out, "tcpshake_attached{device=\"");
		metrics_print_label(out, device->name);
		fprintf(out, "\",hook=\"out\",mode=\"tc\"} 1\n");
	}
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
	head(out, "build_info", "gauge", "Which tcpshake this is");
	fprintf(out, "tcpshake_build_info{version=\"%s\"} 1\n", TCPSHAKE_VERSION);
	print_attached(metrics, out);
	print_counters(metrics, out);
	print_levels(metrics, out);
	print_histogram(metrics, out, HIST_OPEN, "open_seconds", "First SYN to completing ACK");
	print_histogram(metrics, out, HIST_SYN_SYNACK, "syn_synack_seconds", "SYN to SYN-ACK: this place and the server");
	print_histogram(metrics, out, HIST_SYNACK_ACK, "synack_ack_seconds", "SYN-ACK to ACK: this place and the client");
	print_floods(metrics, out);
	print_ports(metrics, out);
	head(out, "last_update_timestamp_seconds", "gauge", "When this was written");
	fprintf(out, "tcpshake_last_update_timestamp_seconds %.3f\n", (double)metrics->time_ns / 1e9);
}
