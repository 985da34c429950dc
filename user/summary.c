/* SPDX-License-Identifier: GPL-2.0-only */
#include "summary.h"

#include "put.h"

#define N(name) (summary->tally->count[C_##name])
#define TEXT_BYTES 16384

/* "key      " at the start of a line. */
static void begin_line(struct put *put, const char *key)
{
	const char *from = put->at;

	PUT(put, "  ");
	put_str(put, key);
	while (put->at < from + 15 && !put->overflow)
		put_char(put, ' ');
}

/* "3 refused", behind what stands before it. */
static void put_count(struct put *put, const char *before, u64 count, const char *what)
{
	put_str(put, before);
	put_grouped(put, count);
	put_char(put, ' ');
	put_str(put, what);
}

/* Of the things that are seldom there: nothing when there were none. */
static void put_if_any(struct put *put, u64 count, const char *what)
{
	if (count)
		put_count(put, ", ", count, what);
}

static void put_packets(struct put *put, const struct summary *summary)
{
	begin_line(put, "packets");
	put_grouped(put, N(packets));
	put_count(put, ": ", N(stepped), "followed");
	put_count(put, ", ", N(not_watched), "not watched");
	put_if_any(put, N(no_connection), "of no connection");
	put_if_any(put, N(duplicate), "seen twice");
	put_if_any(put, N(filtered), "filtered");
	put_if_any(put, N(not_tcp), "not TCP");
	put_if_any(put, N(fragment), "fragments");
	put_if_any(put, N(malformed), "malformed");
	put_if_any(put, N(truncated), "truncated");
	put_if_any(put, N(odd_flags), "with odd flags");
	put_if_any(put, N(contended), "given up");
	put_char(put, '\n');
}

static void put_handshakes(struct put *put, const struct summary *summary)
{
	begin_line(put, "handshakes");
	put_grouped(put, N(handshakes_started));
	put_count(put, ": ", N(handshakes_completed), "completed");
	put_count(put, ", ", N(handshakes_refused), "refused");
	put_count(put, ", ", N(handshakes_timed_out), "timed out");
	put_if_any(put, N(handshakes_aborted), "aborted");
	put_if_any(put, N(handshakes_reset), "reset");
	put_if_any(put, N(handshakes_replaced), "replaced");
	put_if_any(put, N(handshakes_evicted), "evicted");
	put_count(put, ", ", summary->levels->unfinished, "unfinished (");
	put_grouped(put, summary->levels->half_open);
	PUT(put, " half-open)\n");
}

static void put_latency(struct put *put, const struct summary *summary)
{
	u64 median = histogram_quantile(summary->tally, HIST_OPEN, 500);

	if (!median)
		return;
	begin_line(put, "open");
	PUT(put, "median ");
	put_duration(put, median);
	PUT(put, ", 99th percentile ");
	put_duration(put, histogram_quantile(summary->tally, HIST_OPEN, 990));
	put_char(put, '\n');
}

static void put_connections(struct put *put, const struct summary *summary)
{
	begin_line(put, "connections");
	put_grouped(put, N(begun_by_handshake) + N(begun_by_adoption));
	put_count(put, ": ", N(connections_fin), "closed by FIN");
	put_count(put, ", ", N(connections_reset), "reset");
	put_if_any(put, N(connections_timed_out), "timed out");
	put_if_any(put, N(connections_idle), "idle");
	put_if_any(put, N(connections_replaced), "replaced");
	put_if_any(put, N(connections_evicted), "evicted");
	put_count(put, ", ", summary->levels->live, "live");
	put_if_any(put, N(begun_by_adoption), "of them adopted");
	put_if_any(put, N(begun_refused_table_full), "more not followed: table full (--memory)");
	put_char(put, '\n');
	begin_line(put, "TIME_WAIT");
	put_grouped(put, N(time_wait_entered));
	put_count(put, ": ", summary->levels->held, "held");
	put_if_any(put, N(time_wait_expired), "expired");
	put_if_any(put, N(time_wait_reused), "reused");
	put_if_any(put, N(time_wait_evicted), "evicted");
	put_char(put, '\n');
}

static void put_events(struct put *put, const struct summary *summary)
{
	static const struct output_counts none;
	const struct output_counts *output = summary->output ? summary->output : &none;

	begin_line(put, "events");
	put_grouped(put, N(events_made) + output->own);
	put_count(put, ": ", output->written, "written");
	put_count(put, ", ", N(events_lost_in_ring) + output->lost, "lost");
	if (N(events_lost_in_ring) + output->lost) {
		put_count(put, " (", N(events_lost_in_ring), "in the ring buffer");
		put_count(put, ", ", output->lost, "at the output)");
	}
	put_if_any(put, N(events_filtered), "not selected");
	put_if_any(put, N(events_suppressed), "in the summaries of floods");
	put_if_any(put, output->queued, "queued");
	put_if_any(put, output->beyond, "not told any more");
	put_char(put, '\n');
	if (N(internal_error)) {
		begin_line(put, "fault");
		put_count(put, "", N(internal_error), "states that cannot be: please report this\n");
	}
}

/* More SYNs, then more completions: the busier. */
static int busier(const struct service_summary *a, const struct service_summary *b)
{
	return a->syn != b->syn ? a->syn > b->syn : a->completed > b->completed;
}

/* The busiest first, by insertion: ten of any number, without a copy. Returns how many. */
static size_t choose_services(const struct summary *summary,
			      const struct service_summary *chosen[SUMMARY_SERVICES])
{
	size_t n = 0;

	for (size_t i = 0; i < summary->service_count; i++) {
		const struct service_summary *service = &summary->services[i];
		size_t at = n;

		while (at && busier(service, chosen[at - 1]))
			at--;
		if (at == SUMMARY_SERVICES)
			continue;
		n += n < SUMMARY_SERVICES;
		memmove(&chosen[at + 1], &chosen[at], (n - 1 - at) * sizeof(chosen[0]));
		chosen[at] = service;
	}
	return n;
}

static void put_open_rate(struct put *put, u64 completed, u64 duration_ns)
{
	u64 ms = duration_ns / NSEC_PER_MSEC;

	if (!ms)
		return;
	PUT(put, " (");
	put_decimal(put, completed * 1000000000 / ms, completed * 1000 / ms < 100 ? 1 : 0);
	PUT(put, "/s)");
}

/* A service; or an address, a prefix, all of the rest as a whole. */
static void put_whose(struct put *put, const struct service_summary *service)
{
	int v4 = address_is_v4(&service->addr);

	if (service->port) {
		put_endpoint(put, &service->addr, service->port);
	} else if (!service->prefix) {
		PUT(put, "all others");
	} else {
		put_address(put, &service->addr);
		if (service->prefix == SERVICE_WHOLE) {
			PUT(put, ", other ports");
		} else {
			put_char(put, '/');
			put_u64(put, service->prefix - (v4 ? SERVICE_PREFIX_4 - 24u : 0));
		}
	}
}

static void put_service(struct put *put, const struct service_summary *service, u64 duration_ns)
{
	const char *from = put->at;

	PUT(put, "    ");
	put_whose(put, service);
	while (put->at < from + 28 && !put->overflow)
		put_char(put, ' ');
	put_count(put, " ", service->completed, "opened");
	put_open_rate(put, service->completed, duration_ns);
	put_count(put, " of ", service->syn, "SYN");
	put_if_any(put, service->half_open, "half-open");
	put_if_any(put, service->refused, "refused");
	put_if_any(put, service->timed_out, "timed out");
	if (service->median_ns) {
		PUT(put, ", median ");
		put_duration(put, service->median_ns);
		PUT(put, ", 99th percentile ");
		put_duration(put, service->p99_ns);
	}
	put_char(put, '\n');
}

static void put_services(struct put *put, const struct summary *summary)
{
	const struct service_summary *chosen[SUMMARY_SERVICES];
	size_t n = choose_services(summary, chosen);

	if (!n)
		return;
	begin_line(put, "services");
	put_grouped(put, summary->service_count);
	put_str(put, n < summary->service_count ? ", the busiest:\n" : ":\n");
	for (size_t i = 0; i < n; i++)
		put_service(put, chosen[i], summary->duration_ns);
}

/* For -v: what has to be equal, and whether it is. */
static void put_sums(struct put *put, const struct summary *summary)
{
	struct sum_sides sides[SUMS];
	int unbalanced = sums_check(summary->tally, summary->levels, summary->output, sides);

	begin_line(put, "watched");
	put_grouped(put, summary->levels->watched_words);
	put_count(put, ", ", summary->levels->adoptions_unfinished, "candidates for adoption\n");
	begin_line(put, "sums");
	put_str(put, unbalanced ? "do NOT all balance (exact only while no packet passes):\n" : "all balance:\n");
	for (int i = 0; i < SUMS; i++) {
		const char *from = put->at;

		PUT(put, "    ");
		put_str(put, sides[i].name);
		while (put->at < from + 28 && !put->overflow)
			put_char(put, ' ');
		put_u64(put, sides[i].left);
		put_str(put, sides[i].left == sides[i].right ? " = " : " IS NOT ");
		put_u64(put, sides[i].right);
		put_char(put, '\n');
	}
}

/* For -v: every counter that moved, under its own name. */
static void put_counters(struct put *put, const struct summary *summary)
{
	static const char *const names[] = {
#define X(name, help) #name,
		TCPSHAKE_COUNTERS(X)
#undef X
	};

	begin_line(put, "counters");
	PUT(put, "all that moved:\n");
	for (int i = 0; i < COUNTERS; i++) {
		const char *from = put->at;

		if (!summary->tally->count[i])
			continue;
		PUT(put, "    ");
		put_str(put, names[i]);
		while (put->at < from + 36 && !put->overflow)
			put_char(put, ' ');
		put_u64(put, summary->tally->count[i]);
		put_char(put, '\n');
	}
}

void summary_print(const struct summary *summary, FILE *out)
{
	char text[TEXT_BYTES];
	struct put put = put_into(text, sizeof(text));

	PUT(&put, "tcpshake: after ");
	put_duration(&put, summary->duration_ns);
	put_char(&put, '\n');
	put_packets(&put, summary);
	put_handshakes(&put, summary);
	put_latency(&put, summary);
	put_connections(&put, summary);
	put_events(&put, summary);
	put_services(&put, summary);
	if (summary->verbose) {
		put_sums(&put, summary);
		put_counters(&put, summary);
	}
	fwrite(text, 1, put_length(&put), out);
	fflush(out);
}
