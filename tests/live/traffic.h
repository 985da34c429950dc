/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two threads of traffic share: how connections end, what is asked for, the tally. */
#ifndef TCPSHAKE_TEST_TRAFFIC_H
#define TCPSHAKE_TEST_TRAFFIC_H

#include <pthread.h>
#include <time.h>

#define FIRST_PORT 7000
#define FILES	   20000
#define ANSWER	   3000

/* The port says how a connection is to end, so both ends know without a word. */
enum ending {
	CLIENT_CLOSES,
	SERVER_CLOSES,
	CLIENT_RESETS,
	SERVER_RESETS,
	REFUSED, /* nobody listens on its port */
	HALF_CLOSE,
	TALK,
	ENDINGS
};

/* Of each open file; each is used by one of the two threads. */
struct peer {
	unsigned char ending, is_listener, connected, held;
	int received;
};

struct load {
	unsigned long count, at_once, addresses, held, rate;
};

struct tally {
	unsigned long started, opened, fin, reset, refused, failed, accepted, ending[ENDINGS];
};

extern struct peer peers[FILES];
extern struct load load;
extern struct tally tally;
extern pthread_barrier_t listening;
extern volatile int over; /* the client is done: the server may stop */

void *server(void *namespace_name);
void client(const struct timespec *begun); /* returns when all connections are done with */

void die(const char *what) __attribute__((noreturn));
void watch(int epoll, int fd, unsigned int events);
void close_with_reset(int fd);
int drain(int fd); /* 1: data came, 0: the end, -1: reset, -2: nothing yet */
double seconds_since(const struct timespec *begun);

#endif
