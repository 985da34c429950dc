/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traffic CLIENT SERVER COUNT [AT_ONCE [ADDRESSES [HELD [RATE]]]]
 *
 * COUNT TCP connections between two network namespaces (names as of `ip netns`),
 * as fast as they go or RATE a second, AT_ONCE at a time, ended in seven ways,
 * over IPv4 and IPv6 by turns and over ADDRESSES addresses of each host. With
 * HELD, the first HELD connections stay open until all others are done. Prints
 * its own tally as JSON: what the sockets said, and nothing that anyone else
 * counted.
 *
 * The port says how a connection is to end, so both ends know without a word.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "enter.h"

#define FIRST_PORT 7000
#define FILES	   20000
#define QUESTION   "a question of thirty-two bytes.."
#define ANSWER	   3000
#define PATIENCE_S 120

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

static const char *const ending_name[ENDINGS] = { "client_closes", "server_closes", "client_resets", "server_resets",
						  "refused",	   "half_close",    "talk" };

/* Of each open file; each is used by one of the two threads. */
static struct peer {
	unsigned char ending, is_listener, connected, held;
	int received;
} peers[FILES];

static struct {
	unsigned long started, opened, fin, reset, refused, failed, accepted, ending[ENDINGS];
} tally;

static unsigned long count, at_once = 100, addresses = 1, held, rate;
static volatile int over; /* the client is done: the server may stop */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int epoll, int fd, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) && (errno != EEXIST || epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event)))
		die("epoll_ctl");
}

static void close_with_reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

/* 1: data came, 0: the end, -1: reset, -2: nothing yet */
static int drain(int fd)
{
	char buffer[65536];
	ssize_t n;
	int any = 0;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		peers[fd].received += (int)n;
		any = 1;
	}
	if (!n)
		return 0;
	if (errno != EAGAIN)
		return -1;
	return any ? 1 : -2;
}

/* --- server --- */

static void serve_new(int epoll, int fd, enum ending ending)
{
	if (ending == SERVER_CLOSES) {
		close(fd);
	} else if (ending == SERVER_RESETS) {
		close_with_reset(fd);
	} else {
		peers[fd] = (struct peer){ .ending = (unsigned char)ending };
		watch(epoll, fd, EPOLLIN | EPOLLET);
	}
}

static void serve(int fd)
{
	static const char answer[ANSWER];
	int state = drain(fd);

	if (state == -2)
		return;
	if (state == 1) {
		if (peers[fd].ending == TALK && send(fd, answer, 7, MSG_NOSIGNAL) < 0)
			die("server: send");
		return;
	}
	if (!state && peers[fd].ending == HALF_CLOSE && send(fd, answer, sizeof(answer), MSG_NOSIGNAL) < 0)
		die("server: answer");
	close(fd);
}

static int listen_at(enum ending ending)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((in_port_t)(FIRST_PORT + ending)) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1, no = 0;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 65535))
		die("listen");
	peers[fd] = (struct peer){ .is_listener = 1, .ending = (unsigned char)ending };
	return fd;
}

static pthread_barrier_t listening;

static void *server(void *name)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[256];

	if (enter(name))
		die(name);
	for (int ending = 0; ending < ENDINGS; ending++) {
		if (ending != REFUSED)
			watch(epoll, listen_at((enum ending)ending), EPOLLIN);
	}
	pthread_barrier_wait(&listening);
	for (;;) {
		int n = epoll_wait(epoll, ready, 256, 100);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		if (n <= 0 && over)
			return NULL;
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd, accepted;

			if (!peers[fd].is_listener) {
				serve(fd);
				continue;
			}
			while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
				tally.accepted++;
				serve_new(epoll, accepted, (enum ending)peers[fd].ending);
			}
		}
	}
}

/* --- client --- */

static unsigned int random_number(void)
{
	static unsigned long long state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 32);
}

/* As the lab numbers its hosts: side 0 is the client. */
static socklen_t fill_address(struct sockaddr_storage *to, int v6, int side, unsigned long n, int port)
{
	char text[64];

	memset(to, 0, sizeof(*to));
	if (v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

		snprintf(text, sizeof(text), "fd00::%d:%lx", side + 1, n + 1);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((in_port_t)port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	snprintf(text, sizeof(text), "10.%d.%lu.%lu", side + 1, n / 250, n % 250 + 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((in_port_t)port);
	inet_pton(AF_INET, text, &in->sin_addr);
	return sizeof(*in);
}

/* Starts one more. Its file, or -1 when this pair of addresses has no port left. */
static int start(int epoll, enum ending ending, int v6)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
	unsigned int dice = random_number();
	struct sockaddr_storage from, to;
	socklen_t length = fill_address(&from, v6, 0, dice % addresses, 0);

	if (fd < 0 || fd >= FILES)
		die("socket");
	fill_address(&to, v6, 1, dice / addresses % addresses, FIRST_PORT + ending);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&from, length))
		die("bind");
	if (connect(fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS && errno != ECONNREFUSED) {
		if (errno != EADDRNOTAVAIL)
			die("connect");
		close(fd);
		return -1;
	}
	peers[fd] = (struct peer){ .ending = (unsigned char)ending, .held = tally.started < held };
	tally.started++;
	tally.ending[ending]++;
	watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLET);
	return fd;
}

/* How the client's part begins, or goes on after being held. 1: that was all of it. */
static int begin(int fd)
{
	switch ((enum ending)peers[fd].ending) {
	case CLIENT_CLOSES:
		tally.fin++;
		close(fd);
		return 1;
	case CLIENT_RESETS:
		tally.reset++;
		close_with_reset(fd);
		return 1;
	case HALF_CLOSE:
		if (send(fd, QUESTION, 32, MSG_NOSIGNAL) != 32 || shutdown(fd, SHUT_WR))
			die("client: question");
		return 0;
	case TALK:
		if (send(fd, QUESTION, 5, MSG_NOSIGNAL) != 5)
			die("client: send");
		return 0;
	default:
		return 0;
	}
}

/* The connect is over, well or not. 1: and the connection too. */
static int connected(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		if (error == ECONNREFUSED) {
			tally.refused++;
		} else if (error == ECONNRESET) { /* open, and reset before we looked */
			tally.opened++;
			tally.reset++;
		} else {
			tally.failed++;
		}
		close(fd);
		return 1;
	}
	peers[fd].connected = 1;
	tally.opened++;
	return !peers[fd].held && begin(fd);
}

/* Returns 1 when this connection is done with. */
static int go_on(int fd, unsigned int events)
{
	int state;

	if (!peers[fd].connected) {
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return 0;
		if (connected(fd))
			return 1;
	}
	if (peers[fd].held)
		return 0;
	state = drain(fd);
	if (state == -2 || (state == 1 && (peers[fd].ending != TALK || peers[fd].received < 7)))
		return 0;
	if (state == -1)
		tally.reset++;
	else
		tally.fin++;
	close(fd);
	return 1;
}

static unsigned long release_held(void)
{
	unsigned long done = 0;

	for (int fd = 0; fd < FILES; fd++) {
		if (!peers[fd].held || !peers[fd].connected)
			continue;
		peers[fd].held = 0;
		done += (unsigned long)begin(fd);
	}
	held = 0;
	return done;
}

static double seconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

/* How many may have been started by now. */
static unsigned long allowed(const struct timespec *begun)
{
	double most = rate ? seconds_since(begun) * (double)rate + 1 : (double)count;

	return most < (double)count ? (unsigned long)most : count;
}

static void client(const struct timespec *begun)
{
	struct epoll_event ready[256];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned long done = 0;
	time_t progress = time(NULL);

	while (done < count) {
		unsigned long standing = held && tally.started > held ? held : tally.started < held ? tally.started : 0;
		unsigned long most = allowed(begun);
		int n;

		while (tally.started < most && tally.started - done - standing < at_once) {
			enum ending ending = (enum ending)(tally.started < held ? tally.started & 1 ? TALK : CLIENT_CLOSES
										: random_number() % ENDINGS);

			if (start(epoll, ending, random_number() >> 7 & 1) < 0)
				break;
			if (tally.started <= held)
				standing = tally.started;
		}
		n = epoll_wait(epoll, ready, 256, most < count ? 1 : 1000);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++)
			done += (unsigned long)go_on(ready[i].data.fd, ready[i].events);
		if (n > 0)
			progress = time(NULL);
		if (held && tally.started == count && done == count - held)
			done += release_held();
		if (time(NULL) - progress > PATIENCE_S) {
			fprintf(stderr, "traffic: stuck after %lu of %lu\n", done, count);
			exit(1);
		}
	}
}

/* Both ends of thousands of connections are ours; 1,024 is what a login gives. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	struct timespec begin_time;
	double seconds;
	pthread_t thread;

	if (argc < 4) {
		fprintf(stderr, "usage: traffic CLIENT SERVER COUNT [AT_ONCE [ADDRESSES [HELD [RATE]]]]\n");
		return 2;
	}
	count = strtoul(argv[3], NULL, 10);
	at_once = argc > 4 ? strtoul(argv[4], NULL, 10) : at_once;
	addresses = argc > 5 ? strtoul(argv[5], NULL, 10) : addresses;
	held = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
	rate = argc > 7 ? strtoul(argv[7], NULL, 10) : 0;
	allow_many_files();
	pthread_barrier_init(&listening, NULL, 2);
	if (pthread_create(&thread, NULL, server, argv[2]))
		die("pthread_create");
	if (enter(argv[1]))
		die(argv[1]);
	pthread_barrier_wait(&listening);
	clock_gettime(CLOCK_MONOTONIC, &begin_time);
	client(&begin_time);
	seconds = seconds_since(&begin_time);
	over = 1;
	pthread_join(thread, NULL);
	printf("{\"started\": %lu, \"opened\": %lu, \"fin\": %lu, \"reset\": %lu, \"refused\": %lu, \"failed\": %lu, "
	       "\"accepted\": %lu, \"seconds\": %.3f", tally.started, tally.opened, tally.fin, tally.reset, tally.refused, tally.failed,
	       tally.accepted, seconds);
	for (int i = 0; i < ENDINGS; i++)
		printf(", \"%s\": %lu", ending_name[i], tally.ending[i]);
	puts("}");
	return 0;
}
