/* SPDX-License-Identifier: GPL-2.0-only */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_BYTES 32768

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 diag;
};

static int ask(int family, u32 states, u16 flags, const struct socket_entry *entry, struct request *request)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct inet_diag_req_v2 *diag = &request->diag;

	if (fd < 0)
		return -errno;
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = sizeof(*request);
	request->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
	diag->sdiag_family = (u8)family;
	diag->sdiag_protocol = IPPROTO_TCP;
	diag->idiag_states = states;
	diag->id.idiag_cookie[0] = diag->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (entry) {
		u32 local = v4_of_low(entry->local.word[1]), remote = v4_of_low(entry->remote.word[1]);

		diag->id.idiag_sport = htons(entry->local_port);
		diag->id.idiag_dport = htons(entry->remote_port);
		memcpy(diag->id.idiag_src, family == AF_INET ? (void *)&local : (void *)&entry->local,
		       family == AF_INET ? 4 : 16);
		memcpy(diag->id.idiag_dst, family == AF_INET ? (void *)&remote : (void *)&entry->remote,
		       family == AF_INET ? 4 : 16);
	}
	if (send(fd, request, sizeof(*request), 0) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static void read_entry(const struct inet_diag_msg *msg, struct socket_entry *entry)
{
	if (msg->idiag_family == AF_INET) {
		entry->local = address_v4(msg->id.idiag_src[0]);
		entry->remote = address_v4(msg->id.idiag_dst[0]);
	} else {
		memcpy(&entry->local, msg->id.idiag_src, 16);
		memcpy(&entry->remote, msg->id.idiag_dst, 16);
	}
	entry->local_port = ntohs(msg->id.idiag_sport);
	entry->remote_port = ntohs(msg->id.idiag_dport);
	entry->state = msg->idiag_state;
	entry->cookie = msg->id.idiag_cookie[0] | (u64)msg->id.idiag_cookie[1] << 32;
	entry->inode = msg->idiag_inode;
	entry->uid = msg->idiag_uid;
	entry->queued = msg->idiag_rqueue;
	entry->most = msg->idiag_state == TCP_LISTEN ? msg->idiag_wqueue : 0;
}

/* One datagram of answers. 1: more to come, 0: the end, or a negative errno. */
static int read_answers(int fd, socket_fn each, void *arg)
{
	static char reply[REPLY_BYTES] __attribute__((aligned(8)));
	ssize_t length = recv(fd, reply, sizeof(reply), 0);
	struct nlmsghdr *header = (struct nlmsghdr *)reply;

	if (length <= 0)
		return length ? -errno : -EIO;
	for (; NLMSG_OK(header, (u32)length); header = NLMSG_NEXT(header, length)) {
		struct socket_entry entry;

		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(header);

			return error->error ? error->error : 0;
		}
		read_entry(NLMSG_DATA(header), &entry);
		each(arg, &entry);
		if (!(header->nlmsg_flags & NLM_F_MULTI))
			return 0;
	}
	return 1;
}

static int each_of_family(int family, u32 states, socket_fn each, void *arg)
{
	struct request request;
	int fd = ask(family, states, NLM_F_DUMP, NULL, &request), result;

	if (fd < 0)
		return fd;
	do
		result = read_answers(fd, each, arg);
	while (result > 0);
	close(fd);
	return result;
}

int sockets_each(u32 states, socket_fn each, void *arg)
{
	int error = each_of_family(AF_INET, states, each, arg);

	return error ? error : each_of_family(AF_INET6, states, each, arg);
}

static void take_state(void *arg, const struct socket_entry *entry)
{
	*(int *)arg = entry->state;
}

int sockets_connected(const struct socket_entry *entry)
{
	int family = address_is_v4(&entry->local) ? AF_INET : AF_INET6;
	struct request request;
	int state = 0, result, fd = ask(family, ~0u, 0, entry, &request);

	if (fd < 0)
		return fd;
	result = read_answers(fd, take_state, &state);
	close(fd);
	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	return state != TCP_LISTEN && state != TCP_TIME_WAIT && state != TCP_CLOSE && state != 0;
}
