/* SPDX-License-Identifier: GPL-2.0-only */
/* Ends that linger at 10.0.0.2, port 443, their sockets and their owners: all made up. */
#ifndef TCPSHAKE_TESTS_LINGERING_SAMPLE_H
#define TCPSHAKE_TESTS_LINGERING_SAMPLE_H

#include "lingering.h"
#include "sample.h"

#define HERE "10.0.0.2"

/* Connection n: 10.0.0.7:n to port 443 here. */
static inline struct event start_of(u16 n, enum tcp_state state)
{
	struct event event = sample_close();

	event.kind = EVENT_LINGER;
	event.detail = PHASE_START;
	event.detail2 = state;
	event.flow.flags &= ~FLOW_CLIENT_IS_1;
	connect_ends(&event, v4("10.0.0.7"), n, v4(HERE), 443);
	event.value = facts_end(&event, SIDE_SERVER);
	event.time = SECONDS(100);
	event.flow.mark_ns = SECONDS(40) + n;
	return event;
}

static inline struct socket_entry socket_of(u16 n, u8 state)
{
	return (struct socket_entry){
		.local = v4(HERE), .local_port = 443, .remote = v4("10.0.0.7"), .remote_port = n, .state = state,
		.cookie = 1000u + n, .inode = 77, .uid = 33, .queued = 5,
	};
}

static inline struct lingering *begin(struct lingerings *all, u16 n, enum tcp_state state)
{
	struct event start = start_of(n, state);

	return lingering_begin(all, &start);
}

static inline struct lingering *find(struct lingerings *all, u16 n)
{
	struct event start = start_of(n, STATE_CLOSE_WAIT);

	return lingering_find(all, &start.flow.key, (u32)start.value);
}

static inline void give(struct lingerings *all, struct socket_entry entry)
{
	lingering_socket(all, &entry);
}

static inline void own(struct lingerings *all, u64 cookie, u32 pid)
{
	struct owner_record record = { .cookie = cookie, .pid = pid, .names = 10, .comm = "java" };

	lingering_owner(all, &record, "a.service\0b.slice");
}

#endif
