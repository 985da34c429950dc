/* SPDX-License-Identifier: GPL-2.0-only */
/* The server: listens for every way of ending but one, until the client is done. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enter.h"
#include "traffic.h"

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

void *server(void *name)
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
