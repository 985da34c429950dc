/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events as the engine would make them: 10.0.0.7:51344 opened a connection to
 * 10.0.0.2:443 at second 100. Tests change what they are about.
 */
#ifndef TCPSHAKE_TEST_SAMPLE_H
#define TCPSHAKE_TEST_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "line.h"

#define SECONDS(n) ((u64)(n) * NSEC_PER_SEC)
#define FIRST_NS   SECONDS(100)

#define CLOSED_FIRST  (PROOF_OPEN | PROOF_F | PROOF_G | PROOF_H | PROOF_Q)
#define CLOSED_SECOND (PROOF_OPEN | PROOF_F | PROOF_G | PROOF_H)

INLINE struct address v4(const char *text)
{
	struct in_addr in;

	assert_int_equal(inet_pton(AF_INET, text, &in), 1);
	return address_v4(in.s_addr);
}

INLINE struct address v6(const char *text)
{
	struct address address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

INLINE struct end *end_of(struct event *event, enum side side)
{
	return &event->flow.end[facts_end(event, side)];
}

INLINE void set_proofs(struct event *event, u32 client, u32 server)
{
	u32 end = facts_end(event, SIDE_CLIENT);

	event->word &= ~(proofs_in_word(0, PROOF_MASK) | proofs_in_word(1, PROOF_MASK));
	event->word |= proofs_in_word(end, client) | proofs_in_word(PEER_OF(end), server);
}

INLINE void connect_ends(struct event *event, struct address client, u16 cport, struct address server, u16 sport)
{
	if (key_make(&event->flow.key, client, cport, server, sport))
		event->flow.flags |= FLOW_CLIENT_IS_1;
}

INLINE struct event sample_handshake(enum event_kind kind)
{
	struct event event = { .version = EVENT_VERSION, .kind = (u8)kind, .time = FIRST_NS };
	struct end *client, *server;

	connect_ends(&event, v4("10.0.0.7"), 51344, v4("10.0.0.2"), 443);
	event.flow.first_ns = FIRST_NS;
	client = end_of(&event, SIDE_CLIENT);
	server = end_of(&event, SIDE_SERVER);
	client->isn = 1000;
	client->syn = 1;
	client->flags = END_HAS_ISN | END_SENT_PLAIN_SYN;
	client->offers = OFFER_MSS | OFFER_WSCALE | OFFER_SACK;
	client->mss = 1460;
	client->wscale = 7;
	client->syn_place = place_of(3, HOOK_IN);
	set_proofs(&event, PROOF_S, 0);
	server->isn = 4000000000u;
	return event;
}

/* open after 23 ms, seen at interface 3; the server is local */
INLINE struct event sample_open(void)
{
	struct event event = sample_handshake(EVENT_OPEN);
	struct end *server = end_of(&event, SIDE_SERVER);

	server->synack = 1;
	server->flags = END_HAS_ISN | END_LOCAL;
	server->offers = OFFER_MSS | OFFER_TIMESTAMPS;
	server->mss = 1400;
	event.flow.flags |= FLOW_OPENED;
	event.ifindex = 3;
	event.time = FIRST_NS + 23180000;
	event.value = 80000;
	event.value2 = 23100000;
	set_proofs(&event, PROOF_OPEN, PROOF_OPEN);
	return event;
}

/* closed by FIN after 3.6 s, the client first: 500 bytes went, 7000 came */
INLINE struct event sample_close(void)
{
	struct event event = sample_open();
	struct end *client = end_of(&event, SIDE_CLIENT), *server = end_of(&event, SIDE_SERVER);

	event.kind = EVENT_CLOSE;
	event.detail = event.flow.how = HOW_FIN;
	event.value = event.value2 = 0;
	event.time = FIRST_NS + 3600 * NSEC_PER_MSEC;
	event.flow.mark_ns = FIRST_NS + SECONDS(3);
	client->fin = client->isn + 2 + 500;
	client->fin_count = 1;
	client->flags |= END_FIN_ACKED_PLAIN;
	server->fin = server->isn + 2 + 7000;
	server->fin_count = 1;
	set_proofs(&event, CLOSED_FIRST, CLOSED_SECOND);
	return event;
}

INLINE const char *sample_iface(u32 ifindex, void *arg)
{
	(void)arg;
	return ifindex == 3 ? "eth\"0\033" : NULL;
}

/* A line of a formatter as a string, to be freed. Times are those of a capture; local time is UTC. */
INLINE char *line_of(int (*format)(const struct event *, struct line_context *, char *, size_t),
		     const struct event *event, const struct report *report, int colour)
{
	struct clock clock;
	struct line_context context = {
		.clock = &clock, .iface_name = sample_iface, .colour = colour, .seq = 42, .report = report,
	};
	char *line = malloc(LINE_BYTES + 1);
	int length;

	setenv("TZ", "UTC", 1);
	clock_open(&clock, CLOCK_CAPTURE);
	length = format(event, &context, line, LINE_BYTES);
	assert_true(length > 0 && length <= LINE_BYTES);
	assert_int_equal(line[length - 1], '\n');
	line[length - 1] = 0;
	assert_null(strchr(line, '\n'));
	return line;
}

#endif
