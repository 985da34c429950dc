/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ends of connections that linger on this host, and the processes that hold
 * them. Bookkeeping only: what the socket table and the list of open files say
 * is handed in.
 */
#ifndef TCPSHAKE_LINGERING_H
#define TCPSHAKE_LINGERING_H

#include <netinet/tcp.h>
#include <sys/queue.h>

#include "processes.h"
#include "sockets.h"

#define LINGERING_MAX 65536 /* ends that are remembered; some 20 MiB when all are taken */

struct lingering {
	struct lingering *next;
	TAILQ_ENTRY(lingering) every, queue;
	struct event *start; /* waits for its owner; NULL: it was told */
	struct key key;
	u8 end;	   /* of the key: the local one, which lingers */
	u8 state;  /* enum tcp_state */
	u8 holder; /* enum side */
	u8 seen;   /* by this look */
	u8 unseen; /* looks in a row that found no such socket */
	u64 since_ns, begun_ns; /* in the state; told to linger */
	enum owner_missing missing;
	struct process *process; /* when it is OWNER_KNOWN */
	u64 uid, unread_bytes;	 /* or UNKNOWN */
	u64 cookie; /* as of the last look, of the socket whose owner it is; 0: nobody's */
};

struct lingerings;

/* NULL: no memory. */
struct lingerings *lingerings_new(u64 secret);
void lingerings_free(struct lingerings *all);

/* Keeps a copy of the event until lingering_told(). NULL: there is no room. */
struct lingering *lingering_begin(struct lingerings *all, const struct event *start);
struct lingering *lingering_find(const struct lingerings *all, const struct key *key, u32 end);
void lingering_told(struct lingerings *all, struct lingering *lingering);
void lingering_end(struct lingerings *all, struct lingering *lingering);

int lingering_is_quiet(const struct lingerings *all); /* nothing is remembered, of no process either */
u32 lingering_waiting(const struct lingerings *all); /* of these, those that wait for their owner */
struct lingering *lingering_first(const struct lingerings *all); /* of those that wait, the next one, or NULL */
struct lingering *lingering_next(const struct lingering *lingering);

/*
 * A look: lingering_look(), then lingering_socket() for every socket in a state
 * of LINGERING_STATES, lingering_wanted() (how many sockets' owners are sought),
 * lingering_owner() for every open file, and lingering_answer(). LOOK_COMPLETE:
 * who was not found does not exist. A look that is broken off counts for nothing.
 * lingering_short(): memory was, in this look, so that it is partial at best.
 */
#define LINGERING_STATES (1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | \
			  1 << TCP_CLOSING | 1 << TCP_LISTEN)
void lingering_look(struct lingerings *all);
void lingering_socket(void *all, const struct socket_entry *entry);
u32 lingering_wanted(struct lingerings *all);
void lingering_owner(void *all, const struct owner_record *record, const char *names);
int lingering_short(const struct lingerings *all);
enum look { LOOK_COMPLETE, LOOK_PARTIAL };
void lingering_answer(struct lingerings *all, enum look look);

/*
 * No socket has the addresses of the packets. After one look it may just have
 * been closed, and the end of the lingering is on its way; after two it is not.
 */
int lingering_is_certain(const struct lingering *lingering);
void lingering_settle(struct lingering *lingering, enum owner_missing missing);

struct owner_report lingering_report(const struct lingering *lingering);

/* Counts what every process holds and calls `each` for those that are to be told of. */
void lingering_survey(struct lingerings *all, u64 now_ns, process_fn each, void *arg);

#endif
