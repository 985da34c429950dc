// SPDX-License-Identifier: GPL-2.0-only
/* A classic capture of Ethernet frames, to the ns. */
#include "packets.h"
#include "tcp.h"
#include "wire.h"

#define MAGIC_NS 0xa1b23c4d
#define SNAP_LENGTH 262144
#define LINK_ETHERNET 1

#define SERVER_ADDRESS 0xc6336401 /* 198.51.100.1 */
#define SERVER_PORT 443
#define CLIENT_NETWORK 0x0a000000 /* 10/8 */
#define CLIENT_HOSTS 0xffffff
#define CLIENT_STRIDE 40503 /* odd: no host comes twice before all did */

struct file_head {
	u32 magic;
	u16 major, minor;
	u32 zone, accuracy, snap, link;
};

struct packet_head {
	u32 s, ns, captured, length;
};

struct frame {
	struct wire_ether ether;
	struct wire_ipv4 ip;
	struct wire_tcp tcp;
} ON_WIRE;

struct numbers {
	u32 seq, ack;
	u8 flags;
	u8 from_server;
};

static u32 isn_of(u32 handshake, u32 end)
{
	return (handshake * 2 + end) * 2654435761u;
}

static struct numbers numbers_of(u32 handshake, enum packet packet)
{
	const u32 client = isn_of(handshake, 0), server = isn_of(handshake, 1);

	switch (packet) {
	case PACKET_SYN:
		return (struct numbers){ client, 0, TCP_SYN, 0 };
	case PACKET_SYNACK:
		return (struct numbers){ server, client + 1, TCP_SYN | TCP_ACK, 1 };
	case PACKET_ACK:
		return (struct numbers){ client + 1, server + 1, TCP_ACK, 0 };
	case PACKET_REFUSAL:
		return (struct numbers){ 0, client + 1, TCP_RST | TCP_ACK, 1 };
	case PACKET_SERVER_RST:
		return (struct numbers){ server + 1, 0, TCP_RST, 1 };
	case PACKET_CLIENT_RST:
		return (struct numbers){ client + 1, 0, TCP_RST, 0 };
	default:
		return (struct numbers){ client + 1, ~server, TCP_ACK, 0 };
	}
}

void wire_head(FILE *out)
{
	const struct file_head head = { .magic = MAGIC_NS, .major = 2, .minor = 4, .snap = SNAP_LENGTH,
					.link = LINK_ETHERNET };

	fwrite(&head, sizeof(head), 1, out);
}

void wire_packet(FILE *out, u64 time_ns, u32 handshake, enum packet packet)
{
	const struct numbers numbers = numbers_of(handshake, packet);
	const u32 client = CLIENT_NETWORK | (handshake * CLIENT_STRIDE & CLIENT_HOSTS);
	const u32 client_port = 1024 + handshake % 60000;
	const struct packet_head head = {
		.s = (u32)(time_ns / NSEC_PER_SEC), .ns = (u32)(time_ns % NSEC_PER_SEC),
		.captured = sizeof(struct frame), .length = sizeof(struct frame),
	};
	const struct frame frame = {
		.ether.type = BE16(ETHER_IPV4),
		.ip = {
			.version_words = 0x45, .total = BE16(sizeof(frame.ip) + sizeof(frame.tcp)), .ttl = 64,
			.protocol = PROTO_TCP,
			.from = BE32(numbers.from_server ? SERVER_ADDRESS : client),
			.to = BE32(numbers.from_server ? client : SERVER_ADDRESS),
		},
		.tcp = {
			.from = BE16(numbers.from_server ? SERVER_PORT : client_port),
			.to = BE16(numbers.from_server ? client_port : SERVER_PORT),
			.seq = BE32(numbers.seq), .ack = BE32(numbers.ack),
			.words = sizeof(frame.tcp) / 4 << 4, .flags = numbers.flags, .window = BE16(512),
		},
	};

	fwrite(&head, sizeof(head), 1, out);
	fwrite(&frame, sizeof(frame), 1, out);
}
