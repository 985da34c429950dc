/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections older than us. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "live_parts.h"
#include "log.h"
#include "sockets.h"

struct adoption {
	struct live *live;
	struct local_addresses watched; /* of the interfaces that are watched */
	int loopback;			/* one of them is it */
	u16 *listening;
	u32 listenings, room;
	int error; /* a port that found no room: its connections would be turned round */
};

static void note_listener(void *arg, const struct socket_entry *entry)
{
	struct adoption *adoption = arg;

	if (adoption->listenings == adoption->room) {
		u32 room = adoption->room ? adoption->room * 2 : 64;
		u16 *more = realloc(adoption->listening, room * sizeof(*more));

		if (!more) {
			adoption->error = -ENOMEM;
			return;
		}
		adoption->listening = more;
		adoption->room = room;
	}
	adoption->listening[adoption->listenings++] = entry->local_port;
}

static int is_listening(const struct adoption *adoption, u16 port)
{
	for (u32 i = 0; i < adoption->listenings; i++) {
		if (adoption->listening[i] == port)
			return 1;
	}
	return 0;
}

static void proofs_of_state(u8 state, u32 *own, u32 *peer)
{
	*own = *peer = PROOF_OPEN;
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK) {
		*own |= PROOF_H;
		*peer |= PROOF_F | PROOF_G | PROOF_Q;
	} else if (state == TCP_FIN_WAIT2) {
		*own |= PROOF_F | PROOF_G | PROOF_Q;
		*peer |= PROOF_H;
	}
}

static void adopt(void *arg, const struct socket_entry *entry)
{
	struct adoption *adoption = arg;
	struct socket_call call = { .verdict = SOCKET_ADOPT };
	u32 own, local, peer;
	int result;

	/* connections within the host pass no interface but the loopback; others most likely their address's own */
	if (local_has(&adoption->live->local, &entry->remote) ? !adoption->loopback
							       : !local_has(&adoption->watched, &entry->local))
		return;
	local = key_make(&call.seg.key, entry->local, entry->local_port, entry->remote, entry->remote_port);
	proofs_of_state(entry->state, &own, &peer);
	call.seg.sender = (u8)local;
	call.seg.time = live_now();
	call.proofs[local] = own;
	call.proofs[PEER_OF(local)] = peer;
	call.client = is_listening(adoption, entry->local_port) ? PEER_OF(local) : local;
	result = kernel_socket(adoption->live->kernel, &call);
	if (result < 0)
		adoption->error = result;
}

/* Which addresses are the watched interfaces'. */
static int read_watched(struct adoption *adoption)
{
	static u32 ifindex[INTERFACES_MAX];
	const struct interfaces *interfaces = &adoption->live->interfaces;
	const struct address loopback = address_v4(htonl(INADDR_LOOPBACK));
	int error;

	for (u32 i = 0; i < interfaces->count; i++)
		ifindex[i] = interfaces->watched[i].ifindex;
	if (!interfaces->count)
		return -ENODEV;
	error = local_of(&adoption->watched, ifindex, interfaces->count);
	adoption->loopback = !error && local_has(&adoption->watched, &loopback);
	return error;
}

void live_adopt(struct live *live)
{
	const u32 connected = 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 |
			      1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING;
	struct adoption adoption = { .live = live };
	int error = 0;

	if (live->options->view == VIEW_HOST) {
		error = read_watched(&adoption);
		if (!error)
			error = sockets_each(1 << TCP_LISTEN, note_listener, &adoption);
		if (!error)
			error = adoption.error;
		if (!error)
			error = sockets_each(connected, adopt, &adoption);
		if (!error)
			error = adoption.error;
	}
	if (error)
		log_detail("socket table: %s; connections older than this run are learned from their packets",
			   strerror(-error));
	local_free(&adoption.watched);
	free(adoption.listening);
}
