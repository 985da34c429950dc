/* SPDX-License-Identifier: GPL-2.0-only */
/* The client: begins connections and ends them, as many at a time and a second as is asked for. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"

#define QUESTION   "a question of thirty-two bytes.."
#define PATIENCE_S 120

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
	socklen_t length = fill_address(&from, v6, 0, dice % load.addresses, 0);

	if (fd < 0 || fd >= FILES)
		die("socket");
	fill_address(&to, v6, 1, dice / load.addresses % load.addresses, FIRST_PORT + ending);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&from, length))
		die("bind");
	if (connect(fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS && errno != ECONNREFUSED) {
		if (errno != EADDRNOTAVAIL)
			die("connect");
		close(fd);
		return -1;
	}
	peers[fd] = (struct peer){ .ending = (unsigned char)ending, .held = tally.started < load.held };
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
	load.held = 0;
	return done;
}

/* How many may have been started by now. */
static unsigned long allowed(const struct timespec *begun)
{
	double most = load.rate ? seconds_since(begun) * (double)load.rate + 1 : (double)load.count;

	return most < (double)load.count ? (unsigned long)most : load.count;
}

void client(const struct timespec *begun)
{
	struct epoll_event ready[256];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned long done = 0;
	time_t progress = time(NULL);

	while (done < load.count) {
		unsigned long standing = tally.started < load.held ? tally.started : load.held;
		unsigned long most = allowed(begun);
		int n;

		while (tally.started < most && tally.started - done - standing < load.at_once) {
			enum ending ending = (enum ending)(tally.started < load.held ? tally.started & 1 ? TALK : CLIENT_CLOSES
										: random_number() % ENDINGS);

			if (start(epoll, ending, random_number() >> 7 & 1) < 0)
				break;
			if (tally.started <= load.held)
				standing = tally.started;
		}
		n = epoll_wait(epoll, ready, 256, most < load.count ? 1 : 1000);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++)
			done += (unsigned long)go_on(ready[i].data.fd, ready[i].events);
		if (n > 0)
			progress = time(NULL);
		if (load.held && tally.started == load.count && done == load.count - load.held)
			done += release_held();
		if (time(NULL) - progress > PATIENCE_S) {
			fprintf(stderr, "traffic: stuck after %lu of %lu\n", done, load.count);
			exit(1);
		}
	}
}
