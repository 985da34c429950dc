/* SPDX-License-Identifier: GPL-2.0-only */
/* Text lines as people read them. */
#include "sample.h"

#include <errno.h>

#include "text.h"

#define ENDS "10.0.0.7:51344 -> *10.0.0.2:443   "

static void check(const struct event *event, const struct report *report, const char *expected)
{
	char *line = line_of(text_event, event, report, 0);

	assert_string_equal(line, expected);
	free(line);
}

static void test_open(void **state)
{
	struct event event = sample_open();

	(void)state;
	check(&event, NULL, "00:01:40.023  OPEN       " ENDS "three-way, server 0.08 ms + client 23.1 ms");
	event.value = 0;
	end_of(&event, SIDE_CLIENT)->syn = 2;
	event.flow.flags |= FLOW_ONE_SIDED | FLOW_NO_SYNACK;
	check(&event, NULL,
	      "00:01:40.023  OPEN       " ENDS
	      "three-way, in 23.2 ms (2 SYN, 1 SYN-ACK), inferred: syn_ack, direction");
}

static void test_half_open(void **state)
{
	struct event event = sample_handshake(EVENT_HALF_OPEN);

	(void)state;
	end_of(&event, SIDE_SERVER)->flags |= END_LOCAL;
	end_of(&event, SIDE_SERVER)->synack = 3;
	event.time += SECONDS(3);
	event.detail = WAITING_ACK;
	check(&event, NULL,
	      "00:01:43.000  HALF-OPEN  " ENDS "no ACK from the client for 3.0 s (1 SYN, 3 SYN-ACK)");
	event.detail = WAITING_ACCEPT;
	check(&event, NULL,
	      "00:01:43.000  HALF-OPEN  " ENDS "not accepted by the server for 3.0 s (1 SYN, 3 SYN-ACK)");
	end_of(&event, SIDE_SERVER)->synack = 0;
	event.detail = WAITING_SYN_ACK;
	check(&event, NULL, "00:01:43.000  HALF-OPEN  " ENDS "no SYN-ACK from the server for 3.0 s (1 SYN)");
}

static void test_close(void **state)
{
	struct event event = sample_close();

	(void)state;
	check(&event, NULL,
	      "00:01:43.600  CLOSE      " ENDS "FIN four-way, client first, after 3.6 s, TIME_WAIT at client");
	set_proofs(&event, CLOSED_FIRST, CLOSED_FIRST);
	event.flow.flags |= FLOW_NO_LAST_ACK;
	check(&event, NULL,
	      "00:01:43.600  CLOSE      " ENDS
	      "FIN simultaneous, after 3.6 s, TIME_WAIT at both, inferred: last_ack");
	event = sample_open();
	event.kind = EVENT_CLOSE;
	event.flow.how = HOW_RESET;
	event.flow.flags |= FLOW_RST_BY_1;
	check(&event, NULL,
	      "00:01:40.023  CLOSE      " ENDS "reset by client after 23.2 ms, ESTABLISHED / ESTABLISHED");
	event = sample_handshake(EVENT_CLOSE);
	event.time += SECONDS(75);
	event.flow.how = HOW_TIMEOUT;
	end_of(&event, SIDE_CLIENT)->flags |= END_LOCAL;
	end_of(&event, SIDE_CLIENT)->syn = 5;
	check(&event, NULL,
	      "00:02:55.000  CLOSE      *10.0.0.7:51344 -> 10.0.0.2:443   timeout after 75 s, SYN_SENT / CLOSED "
	      "(5 SYN)");
}

static void test_linger(void **state)
{
	struct event event = sample_close();
	struct owner_report owner = {
		.pid = 4121, .comm = "java\033[2J", .cgroup = "app.service", .uid = 0, .unread_bytes = UNKNOWN,
	};
	struct report report = { .owner = &owner };

	(void)state;
	event.kind = EVENT_LINGER;
	event.detail2 = STATE_CLOSE_WAIT;
	event.flow.mark_ns = event.time - SECONDS(60);
	event.value = facts_end(&event, SIDE_SERVER);
	check(&event, &report,
	      "00:01:43.600  LINGER     " ENDS "CLOSE_WAIT 60 s, held by java\\x1b[2J[4121] in app.service");
	strcpy(owner.cgroup, "/system.slice/a\nb.service");
	owner.unread_bytes = 1234;
	check(&event, &report,
	      "00:01:43.600  LINGER     " ENDS
	      "CLOSE_WAIT 60 s, held by java\\x1b[2J[4121] in a\\x0ab.service, 1,234 bytes unread");
	strcpy(owner.cgroup, "/");
	owner.unread_bytes = 0;
	check(&event, &report, "00:01:43.600  LINGER     " ENDS "CLOSE_WAIT 60 s, held by java\\x1b[2J[4121]");
	owner.missing = OWNER_NOT_LOCAL;
	check(&event, &report, "00:01:43.600  LINGER     " ENDS "CLOSE_WAIT 60 s at server");
	owner.missing = OWNER_ORPHAN;
	event.detail = PHASE_END;
	check(&event, &report,
	      "00:01:43.600  LINGER     " ENDS "CLOSE_WAIT over after 60 s at server, owner: orphan");
	event.detail = PHASE_START;
	event.detail2 = STATE_TIME_WAIT;
	event.value = facts_end(&event, SIDE_CLIENT);
	event.value2 = SCOPE_PAIR;
	event.count = 5000;
	check(&event, NULL, "00:01:43.600  LINGER     10.0.0.7 -> *10.0.0.2:443   5,000 TIME_WAIT at client");
}

static void test_pile(void **state)
{
	struct event event = event_without_flow(EVENT_LINGER, FIRST_NS);
	struct owner_report owner = {
		.pid = 4121, .comm = "java", .cgroup = "/system.slice/app.service", .uid = 0, .unread_bytes = UNKNOWN,
	};
	struct linger_report linger = { .count = 1200, .per_minute = 60, .age_ns = SECONDS(75) };
	struct report report = { .owner = &owner, .linger = &linger };

	(void)state;
	event.detail = PHASE_START;
	event.detail2 = STATE_CLOSE_WAIT;
	event.value2 = SCOPE_PROCESS;
	check(&event, &report,
	      "00:01:40.000  LINGER     java[4121] in app.service   START 1,200 CLOSE_WAIT, the oldest 75 s, "
	      "60 in the last minute");
	event.detail = PHASE_END;
	linger = (struct linger_report){ .count = 0, .per_minute = 0, .age_ns = UNKNOWN };
	check(&event, &report,
	      "00:01:40.000  LINGER     java[4121] in app.service   END 0 CLOSE_WAIT, 0 in the last minute");
}

static void test_reports(void **state)
{
	struct event event = event_without_flow(EVENT_FLOOD, FIRST_NS);
	struct flood_report flood = {
		.phase = PHASE_START, .verdict = VERDICT_SPOOFED, .addr = v4("10.0.0.2"), .port = 443,
		.prefix = WHOLE_ADDRESS, .syn_rate = 48210, .usual_rate = 190, .peak_syn_rate = UNKNOWN,
		.syn_total = UNKNOWN, .completion_ratio = 4000, .half_open = UNKNOWN,
		.sources = 47893, .duration_ns = UNKNOWN, .cookies_sent = UNKNOWN, .cookies_failed = UNKNOWN,
		.listen_overflows = UNKNOWN,
	};
	struct silent_report silent = {
		.phase = PHASE_END, .kind = SILENT_OVERFLOW, .addr = v6("2001:db8::2"), .port = 80,
		.syn_rate = 7, .duration_ns = SECONDS(12),
	};
	struct ports_report ports = {
		.phase = PHASE_START, .local = v4("10.0.0.2"), .peer = v4("10.0.0.9"), .peer_port = 5432,
		.in_use = 27000, .time_wait = 20000, .range = 28232, .headroom = 1232,
		.exhausted_in_ns = SECONDS(300),
	};
	struct report report = { .flood = &flood, .silent = &silent, .ports = &ports };

	(void)state;
	check(&event, &report,
	      "00:01:40.000  FLOOD      10.0.0.2:443   START spoofed: 48,210 SYN/s (usual 190), 0.4 % complete, "
	      "~47,900 sources");
	flood.port = 0;
	flood.syn_rate = flood.usual_rate = flood.sources = UNKNOWN;
	check(&event, &report, "00:01:40.000  FLOOD      10.0.0.2 (ports swept)   START spoofed, 0.4 % complete");
	flood.phase = PHASE_END;
	flood.addr = v4("10.0.0.0");
	flood.prefix = 24;
	flood.peak_syn_rate = 61000;
	flood.syn_total = 1234567;
	flood.duration_ns = SECONDS(21);
	check(&event, &report,
	      "00:01:40.000  FLOOD      10.0.0.0/24 (addresses swept)   END spoofed, at most 61,000 SYN/s, "
	      "1,234,567 SYN in all, 0.4 % complete, for 21 s");
	event = event_without_flow(EVENT_SILENT, FIRST_NS);
	check(&event, &report,
	      "00:01:40.000  SILENT     [2001:db8::2]:80   END accept queue overflow: 7 SYN/s, for 12 s");
	event = event_without_flow(EVENT_PORTS, FIRST_NS);
	check(&event, &report,
	      "00:01:40.000  PORTS      10.0.0.2 -> 10.0.0.9:5432   START 27,000 of 28,232 ports in use "
	      "(20,000 in TIME_WAIT), 1,232 left, none left in 300 s");
	event = event_without_flow(EVENT_LOSS, FIRST_NS);
	event.detail = LOSS_EVENTS_OUTPUT;
	event.count = 1234;
	check(&event, NULL,
	      "00:01:40.000  LOSS       1,234 events lost: the reader of the output was too slow");
}

/* The words line up behind the widest pair of endpoints so far. */
static void test_alignment(void **state)
{
	struct event wide = sample_open(), narrow = sample_open();
	struct clock clock;
	struct line_context context = { .clock = &clock };
	char first[512], second[512];
	int n;

	(void)state;
	clock_open(&clock, CLOCK_CAPTURE);
	wide.flow.flags &= ~FLOW_CLIENT_IS_1;
	connect_ends(&wide, v4("192.168.100.100"), 51344, v4("192.168.100.200"), 8443);
	n = text_event(&wide, &context, first, sizeof(first) - 1);
	first[n] = 0;
	n = text_event(&narrow, &context, second, sizeof(second) - 1);
	second[n] = 0;
	assert_int_equal(strstr(first, "three-way") - first, strstr(second, "three-way") - second);
}

static void test_colour_only_when_told(void **state)
{
	struct event event = sample_open();
	char *line = line_of(text_event, &event, NULL, 0);

	(void)state;
	assert_null(strchr(line, '\033'));
	free(line);
	line = line_of(text_event, &event, NULL, 1);
	assert_non_null(strstr(line, "  \033[32mOPEN\033[0m       10.0.0.7"));
	free(line);
}

static void test_bounds(void **state)
{
	struct event event = sample_close();
	struct clock clock;
	struct line_context context = { .clock = &clock };

	(void)state;
	clock_open(&clock, CLOCK_CAPTURE);
	for (size_t size = 0; size < 100; size++) {
		char *buffer = malloc(size ? size : 1);

		assert_int_equal(text_event(&event, &context, buffer, size), -ENOSPC);
		free(buffer);
	}
	event.kind = 200;
	assert_int_equal(text_event(&event, &context, (char[64]){ 0 }, 64), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),	  cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_close),	  cmocka_unit_test(test_linger),
		cmocka_unit_test(test_pile),
		cmocka_unit_test(test_reports),	  cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_colour_only_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
