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
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enter.h"
#include "traffic.h"

static const char *const ending_name[ENDINGS] = { "client_closes", "server_closes", "client_resets", "server_resets",
						  "refused",	   "half_close",    "talk" };

struct peer peers[FILES];
struct load load = { .at_once = 100, .addresses = 1 };
struct tally tally;
pthread_barrier_t listening;
volatile int over;

void die(const char *what)
{
	perror(what);
	exit(1);
}

void watch(int epoll, int fd, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) && (errno != EEXIST || epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event)))
		die("epoll_ctl");
}

void close_with_reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

int drain(int fd)
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

double seconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
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
	load.count = strtoul(argv[3], NULL, 10);
	load.at_once = argc > 4 ? strtoul(argv[4], NULL, 10) : load.at_once;
	load.addresses = argc > 5 ? strtoul(argv[5], NULL, 10) : load.addresses;
	load.held = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
	load.rate = argc > 7 ? strtoul(argv[7], NULL, 10) : 0;
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
