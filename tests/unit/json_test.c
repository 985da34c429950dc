/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON lines, to the byte: scripts depend on them. */
#include "sample.h"

#include <errno.h>

#include "json.h"

#define HEAD(event, time, iface) \
	"{\"schema\":1,\"seq\":42,\"event\":\"" event "\",\"time\":\"1970-01-01T" time "Z\"" iface
#define ETH0 ",\"iface\":\"eth\\\"0\\u001b\""
#define ENDS \
	",\"client_ip\":\"10.0.0.7\",\"client_port\":51344,\"server_ip\":\"10.0.0.2\",\"server_port\":443"

static void check(const struct event *event, const struct report *report, const char *expected)
{
	char *line = line_of(json_event, event, report, 0);

	assert_string_equal(line, expected);
	free(line);
}

static void check_has(const struct event *event, const char *part)
{
	char *line = line_of(json_event, event, NULL, 0);

	if (!strstr(line, part))
		fail_msg("no %s in %s", part, line);
	free(line);
}

static void check_has_not(const struct event *event, const char *part)
{
	char *line = line_of(json_event, event, NULL, 0);

	if (strstr(line, part))
		fail_msg("%s in %s", part, line);
	free(line);
}

static void test_open(void **state)
{
	struct event event = sample_open();

	(void)state;
	check(&event, NULL,
	      HEAD("open", "00:01:40.023180000", ETH0) ENDS
	      ",\"local\":\"server\",\"kind\":\"three_way\",\"client_isn\":1000,\"server_isn\":4000000000"
	      ",\"open_ns\":23180000,\"syn_synack_ns\":80000,\"synack_ack_ns\":23100000"
	      ",\"client_syn\":1,\"server_synack\":1"
	      ",\"client_mss\":1460,\"client_wscale\":7,\"client_sack\":true,\"client_timestamps\":false"
	      ",\"client_ecn\":false,\"server_mss\":1400,\"server_sack\":false,\"server_timestamps\":true"
	      ",\"server_ecn\":false}");
	event.value = 0; /* Karn */
	check_has_not(&event, "syn_synack_ns");
	check_has(&event, "\"synack_ack_ns\":23100000");
}

static void test_what_was_not_seen(void **state)
{
	struct event event = sample_open();

	(void)state;
	end_of(&event, SIDE_SERVER)->synack = 0;
	end_of(&event, SIDE_SERVER)->flags = 0;
	event.ifindex = 8; /* has no name */
	event.flow.flags |= FLOW_ADOPTED | FLOW_BY_GUESS | FLOW_NO_SYNACK | FLOW_ONE_SIDED;
	check_has(&event, "\"adopted\":true,\"inferred\":[\"syn_ack\",\"direction\"],\"orientation\":\"guess\"");
	check_has_not(&event, "server_isn");
	check_has_not(&event, "server_mss");
	check_has_not(&event, "server_sack");
	check_has_not(&event, "\"local\"");
	check_has_not(&event, "iface");
}

static void test_half_open(void **state)
{
	struct event event = sample_handshake(EVENT_HALF_OPEN);

	(void)state;
	event.time += SECONDS(3);
	end_of(&event, SIDE_SERVER)->synack = 3;
	event.detail = WAITING_ACK;
	check(&event, NULL,
	      HEAD("half_open", "00:01:43.000000000", ETH0) ENDS
	      ",\"waiting_for\":\"ack\",\"age_ns\":3000000000,\"client_syn\":1,\"server_synack\":3}");
	event.detail = WAITING_SYN_ACK;
	check_has(&event, "\"waiting_for\":\"syn_ack\"");
	event.detail = WAITING_ACCEPT;
	check_has(&event, "\"waiting_for\":\"accept\"");
}

static void test_close(void **state)
{
	struct event event = sample_close();

	(void)state;
	event.flow.duplicates = 2;
	event.flow.challenge_acks = 3;
	event.flow.disproved = 4;
	end_of(&event, SIDE_CLIENT)->rst = 5;
	end_of(&event, SIDE_SERVER)->rst = 6;
	check(&event, NULL,
	      HEAD("close", "00:01:43.600000000", ETH0) ENDS
	      ",\"local\":\"server\",\"how\":\"fin\",\"by\":\"client\",\"sequence\":\"four_way\",\"opened\":true"
	      ",\"client_state\":\"TIME_WAIT\",\"server_state\":\"CLOSED\",\"time_wait\":\"client\""
	      ",\"duration_ns\":3600000000,\"half_closed_ns\":600000000"
	      ",\"client_bytes_mod32\":500,\"server_bytes_mod32\":7000"
	      ",\"client_syn\":1,\"server_syn\":0,\"client_synack\":0,\"server_synack\":1"
	      ",\"client_fin\":1,\"server_fin\":1,\"client_rst\":5,\"server_rst\":6"
	      ",\"duplicates\":2,\"challenge_acks\":3,\"disproved\":4,\"conn_state\":\"SF\"}");
	event.time = FIRST_NS + 1000;
	check_has(&event, ",\"client_bytes\":500,\"server_bytes\":7000,");
}

static void test_close_of_a_refused_handshake(void **state)
{
	struct event event = sample_handshake(EVENT_CLOSE);

	(void)state;
	event.time += 90000;
	event.detail = event.flow.how = HOW_REFUSED;
	end_of(&event, SIDE_SERVER)->rst = 1;
	check(&event, NULL,
	      HEAD("close", "00:01:40.000090000", ETH0) ENDS
	      ",\"how\":\"refused\",\"by\":\"server\",\"opened\":false,\"client_state\":\"SYN_SENT\""
	      ",\"server_state\":\"CLOSED\",\"duration_ns\":90000"
	      ",\"client_syn\":1,\"server_syn\":0,\"client_synack\":0,\"server_synack\":0"
	      ",\"client_fin\":0,\"server_fin\":0,\"client_rst\":0,\"server_rst\":1"
	      ",\"duplicates\":0,\"challenge_acks\":0,\"disproved\":0,\"conn_state\":\"REJ\"}");
}

static void test_linger(void **state)
{
	struct event event = sample_close();
	struct owner_report owner = {
		.pid = 4121, .comm = "ja\"va", .cgroup = "app.service", .uid = 0, .unread_bytes = UNKNOWN,
	};
	struct report report = { .owner = &owner };

	(void)state;
	event.kind = EVENT_LINGER;
	event.detail = PHASE_START;
	event.detail2 = STATE_CLOSE_WAIT;
	event.value = facts_end(&event, SIDE_SERVER);
	event.value2 = SCOPE_FLOW;
	check(&event, &report,
	      HEAD("linger", "00:01:43.600000000", ETH0) ENDS
	      ",\"local\":\"server\",\"phase\":\"start\",\"scope\":\"flow\",\"state\":\"CLOSE_WAIT\""
	      ",\"holder\":\"server\",\"age_ns\":600000000,\"pid\":4121,\"comm\":\"ja\\\"va\""
	      ",\"cgroup\":\"app.service\",\"uid\":0}");
	owner.missing = OWNER_NOT_LOCAL;
	event.value = facts_end(&event, SIDE_CLIENT);
	event.value2 = SCOPE_PAIR;
	event.detail = PHASE_UPDATE;
	event.detail2 = STATE_TIME_WAIT;
	event.count = 5000;
	check(&event, &report,
	      HEAD("linger", "00:01:43.600000000", ETH0)
	      ",\"client_ip\":\"10.0.0.7\",\"server_ip\":\"10.0.0.2\",\"server_port\":443"
	      ",\"local\":\"server\",\"phase\":\"update\",\"scope\":\"pair\",\"state\":\"TIME_WAIT\""
	      ",\"holder\":\"client\",\"count\":5000,\"owner_missing\":\"not_local\"}");
}

static void test_flood(void **state)
{
	struct event event = event_without_flow(EVENT_FLOOD, FIRST_NS);
	struct flood_report flood = {
		.phase = PHASE_START, .verdict = VERDICT_SPOOFED, .addr = v6("2001:db8::2"), .port = 443,
		.prefix = WHOLE_ADDRESS, .syn_rate = 48210, .usual_rate = 190, .peak_syn_rate = UNKNOWN,
		.syn_total = UNKNOWN, .completion_ratio = 4000, .half_open = 1000,
		.sources = 47900, .tops = 2,
		.top = { { v4("10.0.0.0"), 8, 310000 }, { v6("2001:db8::"), 32, 1000000 } },
		.duration_ns = UNKNOWN, .cookies_sent = 12, .cookies_failed = UNKNOWN, .listen_overflows = 3,
	};
	struct report report = { .flood = &flood };

	(void)state;
	check(&event, &report,
	      HEAD("flood", "00:01:40.000000000", "")
	      ",\"phase\":\"start\",\"server_ip\":\"2001:db8::2\",\"server_port\":443,\"verdict\":\"spoofed\""
	      ",\"syn_rate\":48210,\"usual_rate\":190,\"completion_ratio\":0.004,\"half_open\":1000"
	      ",\"sources\":47900,\"top_sources\":[{\"prefix\":\"10.0.0.0/8\",\"share\":0.31}"
	      ",{\"prefix\":\"2001:db8::/32\",\"share\":1}],\"cookies_sent\":12,\"listen_overflows\":3}");
	flood = (struct flood_report){
		.phase = PHASE_END, .verdict = VERDICT_REAL_HOSTS, .addr = v4("10.0.0.0"), .prefix = 24, .syn_rate = 1,
		.peak_syn_rate = 900, .syn_total = 10000, .usual_rate = UNKNOWN, .completion_ratio = UNKNOWN, .half_open = UNKNOWN, .sources = UNKNOWN,
		.duration_ns = SECONDS(12), .cookies_sent = UNKNOWN, .cookies_failed = UNKNOWN,
		.listen_overflows = UNKNOWN,
	};
	check(&event, &report,
	      HEAD("flood", "00:01:40.000000000", "")
	      ",\"phase\":\"end\",\"server_ip\":\"10.0.0.0\",\"server_prefix\":24,\"verdict\":\"real_hosts\""
	      ",\"syn_rate\":1,\"peak_syn_rate\":900,\"syn_total\":10000"
	      ",\"duration_ns\":12000000000}");
}

static void test_silent_ports_loss(void **state)
{
	struct event event = event_without_flow(EVENT_SILENT, FIRST_NS);
	struct silent_report silent = {
		.phase = PHASE_END, .kind = SILENT_NO_ANSWER, .addr = v4("10.0.0.2"), .port = 80,
		.syn_rate = 7, .duration_ns = SECONDS(1),
	};
	struct ports_report ports = {
		.phase = PHASE_UPDATE, .local = v4("10.0.0.2"), .peer = v4("10.0.0.9"), .peer_port = 5432,
		.in_use = 27000, .time_wait = 20000, .range = 28232, .headroom = 1232,
		.exhausted_in_ns = UNKNOWN,
	};
	struct report report = { .silent = &silent, .ports = &ports };

	(void)state;
	check(&event, &report,
	      HEAD("silent", "00:01:40.000000000", "")
	      ",\"phase\":\"end\",\"server_ip\":\"10.0.0.2\",\"server_port\":80,\"kind\":\"no_answer\""
	      ",\"syn_rate\":7,\"duration_ns\":1000000000}");
	event = event_without_flow(EVENT_PORTS, FIRST_NS);
	check(&event, &report,
	      HEAD("ports", "00:01:40.000000000", "")
	      ",\"phase\":\"update\",\"local_ip\":\"10.0.0.2\",\"peer_ip\":\"10.0.0.9\",\"peer_port\":5432"
	      ",\"in_use\":27000,\"time_wait\":20000,\"range\":28232,\"headroom\":1232}");
	event = event_without_flow(EVENT_LOSS, FIRST_NS);
	event.detail = LOSS_PENDING_EVICTED;
	event.count = 17;
	check(&event, NULL,
	      HEAD("loss", "00:01:40.000000000", "") ",\"what\":\"pending_evicted\",\"count\":17}");
}

/* Longest names of the worst bytes still fit in a line; any smaller buffer is told, not overrun. */
static void test_bounds(void **state)
{
	struct event event = sample_close();
	struct owner_report owner = { .pid = ~0u, .uid = UNKNOWN - 1, .unread_bytes = UNKNOWN - 1 };
	struct report report = { .owner = &owner };
	struct clock clock;
	struct line_context context = { .clock = &clock, .iface_name = sample_iface, .report = &report };
	char *whole = line_of(json_event, &event, &report, 0);
	size_t length = strlen(whole) + 1;

	(void)state;
	free(whole);
	memset(owner.comm, 0xff, sizeof(owner.comm));
	memset(owner.cgroup, 1, sizeof(owner.cgroup));
	event.kind = EVENT_LINGER;
	free(line_of(json_event, &event, &report, 0));
	event.kind = EVENT_CLOSE;
	clock_open(&clock, CLOCK_CAPTURE);
	for (size_t size = 0; size < length - 1; size += 7) {
		char *buffer = malloc(size ? size : 1);

		assert_int_equal(json_event(&event, &context, buffer, size), -ENOSPC);
		free(buffer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_what_was_not_seen),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_of_a_refused_handshake),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_silent_ports_loss),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
