/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens and closes real connections at a given rate between two network
 * namespaces, for the live part of the benchmark.
 *
 *   opens CLIENT-NS SERVER-NS RATE SECONDS CLIENT-ADDRESSES CLIENT-IP SERVER-IP
 *
 * Clients bind CLIENT-IP, CLIENT-IP + 1 and so on in turn, so that ports last.
 * Prints how many connections were opened.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORTS 4
#define FIRST_PORT 7000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static void watch(int epoll, int fd, unsigned events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static int listen_at(in_addr_t address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = address };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) || listen(fd, 4096))
		die("listen");
	return fd;
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(epoll, fd, EPOLLIN);
}

/* Accepts all and closes what its peer has closed, until killed. */
static void serve(in_addr_t address, int ready)
{
	int epoll = epoll_create1(0), listener[PORTS];
	struct epoll_event event[256];

	for (int i = 0; i < PORTS; i++) {
		listener[i] = listen_at(address, FIRST_PORT + i);
		watch(epoll, listener[i], EPOLLIN);
	}
	if (write(ready, "r", 1) != 1)
		die("ready");
	for (;;) {
		int n = epoll_wait(epoll, event, 256, -1);

		for (int i = 0; i < n; i++) {
			if (event[i].data.fd >= listener[0] && event[i].data.fd <= listener[PORTS - 1])
				accept_all(epoll, event[i].data.fd);
			else
				close(event[i].data.fd);
		}
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int begin(int epoll, unsigned long n, in_addr_t from, unsigned addresses, in_addr_t to)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(ntohl(from) + (unsigned)(n % addresses)) };
	struct sockaddr_in remote = { .sin_family = AF_INET, .sin_addr.s_addr = to,
				      .sin_port = htons((unsigned short)(FIRST_PORT + n / addresses % PORTS)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) ||
	    (connect(fd, (struct sockaddr *)&remote, sizeof(remote)) && errno != EINPROGRESS)) {
		close(fd);
		return -1;
	}
	watch(epoll, fd, EPOLLOUT);
	return 0;
}

/* Closes what has opened, as soon as it has. */
static unsigned long reap(int epoll, int wait_ms)
{
	struct epoll_event event[256];
	unsigned long opened = 0;
	int n;

	while ((n = epoll_wait(epoll, event, 256, wait_ms)) > 0) {
		for (int i = 0; i < n; i++) {
			opened += !(event[i].events & (EPOLLERR | EPOLLHUP));
			close(event[i].data.fd);
		}
		wait_ms = 0;
	}
	return opened;
}

int main(int argc, char **argv)
{
	unsigned long begun = 0, opened = 0;
	double rate, seconds, start, at;
	int ready[2], epoll;
	char byte;
	pid_t server;

	if (argc != 8) {
		fprintf(stderr, "usage: opens CLIENT-NS SERVER-NS RATE SECONDS CLIENT-ADDRESSES CLIENT-IP SERVER-IP\n");
		return 2;
	}
	rate = atof(argv[3]);
	seconds = atof(argv[4]);
	if (pipe(ready))
		die("pipe");
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(argv[2]);
		serve(inet_addr(argv[7]), ready[1]);
	}
	if (read(ready[0], &byte, 1) != 1)
		die("server");
	enter(argv[1]);
	epoll = epoll_create1(0);
	start = now();
	while ((at = now() - start) < seconds) {
		while ((double)begun < at * rate && !begin(epoll, begun, inet_addr(argv[6]), (unsigned)atoi(argv[5]),
							    inet_addr(argv[7])))
			begun++;
		opened += reap(epoll, 1);
	}
	opened += reap(epoll, 200);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	printf("%lu\n", opened);
	return 0;
}
