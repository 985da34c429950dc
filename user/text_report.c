/* SPDX-License-Identifier: GPL-2.0-only */
#include "text_report.h"

#define PER_CENT 10000 /* millionths */

void text_phase(struct put *put, enum phase phase)
{
	static const char *const phases[] = { "START ", "UPDATE ", "END " };

	put_str(put, phases[phase]);
}

static void put_per_cent(struct put *put, u64 millionths)
{
	put_decimal(put, millionths * 100, millionths < 10 * PER_CENT ? 1 : 0);
	PUT(put, " %");
}

/* An estimate: more than three digits would claim more than it knows. */
static void put_about(struct put *put, u64 value)
{
	u64 unit = 1;

	while (value / unit >= 1000)
		unit *= 10;
	put_char(put, '~');
	put_grouped(put, (value + unit / 2) / unit * unit);
}

static void put_evidence(struct put *put, const char *before, u64 value, const char *after)
{
	if (value == UNKNOWN)
		return;
	put_str(put, before);
	put_grouped(put, value);
	put_str(put, after);
}

static void put_lasted(struct put *put, u64 duration_ns)
{
	if (duration_ns == UNKNOWN)
		return;
	PUT(put, ", for ");
	put_duration(put, duration_ns);
}

static void put_sources(struct put *put, const struct flood_report *flood)
{
	if (flood->sources != UNKNOWN) {
		PUT(put, ", ");
		put_about(put, flood->sources);
		PUT(put, " sources");
	}
	for (u32 i = 0; i < flood->tops && i < TOP_SOURCES && i < 3; i++) {
		put_str(put, i ? ", " : " (");
		put_address(put, &flood->top[i].addr);
		put_char(put, '/');
		put_u64(put, flood->top[i].prefix);
		put_char(put, ' ');
		put_per_cent(put, flood->top[i].share);
	}
	if (flood->tops)
		put_char(put, ')');
}

static void put_flooded(struct put *put, const struct flood_report *flood)
{
	if (flood->port) {
		put_endpoint(put, &flood->addr, flood->port);
		return;
	}
	put_address(put, &flood->addr);
	if (flood->prefix == WHOLE_ADDRESS) {
		PUT(put, " (ports swept)");
		return;
	}
	put_char(put, '/');
	put_u64(put, flood->prefix);
	PUT(put, " (addresses swept)");
}

void text_flood(struct put *put, const struct flood_report *flood)
{
	static const char *const verdicts[VERDICTS] = { "spoofed", "real hosts", "server silent", "flash crowd" };

	put_flooded(put, flood);
	PUT(put, "   ");
	text_phase(put, flood->phase);
	put_str(put, verdicts[flood->verdict]);
	put_evidence(put, ": ", flood->syn_rate, " SYN/s");
	put_evidence(put, " (usual ", flood->usual_rate, ")");
	put_evidence(put, ", at most ", flood->peak_syn_rate, " SYN/s");
	put_evidence(put, ", ", flood->syn_total, " SYN in all");
	if (flood->completion_ratio != UNKNOWN) {
		PUT(put, ", ");
		put_per_cent(put, flood->completion_ratio);
		PUT(put, " complete");
	}
	put_sources(put, flood);
	put_evidence(put, ", ", flood->half_open, " half-open");
	put_evidence(put, ", ", flood->cookies_sent, " cookies sent");
	put_evidence(put, ", ", flood->cookies_failed, " cookies failed");
	put_evidence(put, ", ", flood->listen_overflows, " listen overflows");
	if (flood->phase != PHASE_START)
		put_lasted(put, flood->duration_ns);
}

void text_silent(struct put *put, const struct silent_report *silent)
{
	static const char *const kinds[SILENT_KINDS] = { "no answer", "refusing", "accept queue overflow" };

	put_endpoint(put, &silent->addr, silent->port);
	PUT(put, "   ");
	text_phase(put, silent->phase);
	put_str(put, kinds[silent->kind]);
	put_evidence(put, ": ", silent->syn_rate, " SYN/s");
	put_lasted(put, silent->duration_ns);
}

void text_ports(struct put *put, const struct ports_report *ports)
{
	put_address(put, &ports->local);
	PUT(put, " -> ");
	put_endpoint(put, &ports->peer, ports->peer_port);
	PUT(put, "   ");
	text_phase(put, ports->phase);
	put_evidence(put, "", ports->in_use, "");
	put_evidence(put, " of ", ports->range, "");
	PUT(put, " ports in use");
	put_evidence(put, " (", ports->time_wait, " in TIME_WAIT)");
	put_evidence(put, ", ", ports->headroom, " left");
	if (ports->exhausted_in_ns != UNKNOWN) {
		PUT(put, ", none left in ");
		put_duration(put, ports->exhausted_in_ns);
	}
}

void text_loss(struct put *put, enum loss_what what, u64 count)
{
	static const char *const words[LOSSES] = {
		" events lost: the ring buffer was full",
		" events lost: the reader of the output was too slow",
		" handshakes dropped: no room for more (--memory)",
		" connections not followed: the connection table was full (--memory)",
	};

	put_grouped(put, count);
	put_str(put, what < LOSSES ? words[what] : " lost");
}
