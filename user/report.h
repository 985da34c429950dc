/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space tells beside the engine's own record: verdicts, owners, sums.
 * UNKNOWN is left out of every format.
 */
#ifndef TCPSHAKE_REPORT_H
#define TCPSHAKE_REPORT_H

#include "event.h"
#include "verdict.h"

#define UNKNOWN (~0ULL)

enum loss_what { LOSS_EVENTS_RING, LOSS_EVENTS_OUTPUT, LOSS_PENDING_EVICTED, LOSS_CONNECTIONS_REFUSED, LOSSES };

enum owner_missing {
	OWNER_KNOWN,
	OWNER_KERNEL,	 /* a socket without a process */
	OWNER_RIGHTS,	 /* not allowed to look */
	OWNER_NAT,	 /* the packet's addresses are not the socket's */
	OWNER_ORPHAN,	 /* closed by its process */
	OWNER_NOT_LOCAL, /* no end is on this host */
	OWNERS_MISSING
};

struct owner_report {
	enum owner_missing missing;
	u32 pid;
	char comm[16];	  /* as the kernel has it; may lack the 0 when full */
	char cgroup[256]; /* 0-terminated */
	u64 uid;	  /* UNKNOWN: not read */
	u64 unread_bytes; /* UNKNOWN: not read */
};

/* scope process and pair: what the engine's record has no room for. */
struct linger_report {
	u64 count;	/* UNKNOWN: the event's own */
	u64 per_minute; /* UNKNOWN: not told */
	u64 age_ns;	/* of the oldest; UNKNOWN: of the flow in the event */
};

#define TOP_SOURCES 8
#define WHOLE_ADDRESS (~0u)

struct source_share {
	struct address addr;
	u32 prefix; /* bits; of an IPv4 address 0 .. 32 */
	u32 share;  /* millionths */
};

struct flood_report {
	enum phase phase;
	enum verdict verdict;
	struct address addr;
	u16 port;   /* 0: ports are swept */
	u32 prefix; /* bits, of an IPv4 address 0 .. 32: addresses are swept too; WHOLE_ADDRESS: they are not */
	u64 syn_rate, usual_rate, peak_syn_rate; /* a second */
	u64 syn_total;
	u64 completion_ratio; /* millionths */
	u64 half_open, sources;
	u32 tops;
	struct source_share top[TOP_SOURCES];
	u64 duration_ns;
	u64 cookies_sent, cookies_failed, listen_overflows;
};

struct silent_report {
	enum phase phase; /* start or end */
	enum silent_kind kind;
	struct address addr;
	u16 port;
	u64 syn_rate; /* a second */
	u64 duration_ns;
};

struct ports_report {
	enum phase phase;
	struct address local, peer;
	u16 peer_port;
	u64 in_use, time_wait, range, headroom;
	u64 exhausted_in_ns;
};

/* Of these at most those that belong to the event's kind; others are NULL. */
struct report {
	const struct owner_report *owner;
	const struct linger_report *linger;
	const struct flood_report *flood;
	const struct silent_report *silent;
	const struct ports_report *ports;
};

/*
 * An event with no flow (flood, silent, ports, loss): zeroed but for these. A
 * loss has detail = enum loss_what, count = how many.
 */
INLINE struct event event_without_flow(enum event_kind kind, u64 time)
{
	struct event event = { .version = EVENT_VERSION, .kind = (u8)kind, .time = time };

	return event;
}

#endif
