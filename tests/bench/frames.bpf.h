/* SPDX-License-Identifier: GPL-2.0-only */
/* The packets of the benchmark: headers written over those of the packet before. */
#ifndef TCPSHAKE_BENCH_FRAMES_H
#define TCPSHAKE_BENCH_FRAMES_H

#include <bpf/bpf_endian.h>

#include "bench.h"
#include "parse.h"

#define SERVICE_V4   0x0a000001			/* 10.0.0.1 */
#define CLIENT_V6    bpf_cpu_to_be64(0x20010db800000000ULL)
#define SERVICE_V6   bpf_cpu_to_be64(0x20010db8ffff0000ULL)

#define FRAME_V4 (sizeof(struct wire_ether) + sizeof(struct wire_ipv4) + sizeof(struct wire_tcp))
#define FRAME_V6 (sizeof(struct wire_ether) + sizeof(struct wire_ipv6) + sizeof(struct wire_tcp))

struct packet {
	u64 client; /* its address: 32 bits of it in IPv4 */
	u16 port;
	u8 from_server;
	u8 flags;
	u8 payload;
	u32 seq, ack;
};

/* One to one, so that different counts are different clients. */
INLINE u64 scatter(u64 x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ULL;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dULL;
	return x ^ x >> 33;
}

INLINE struct packet packet_of(u64 who, u8 flags, u8 from_server, u32 seq, u32 ack, u8 payload)
{
	return (struct packet){ .client = who >> 16, .port = (u16)who, .from_server = from_server,
				.flags = flags, .payload = payload, .seq = seq, .ack = ack };
}

/* Packet n of ten. The client's ISN is 1000, the server's 5000; each sends two bytes. */
INLINE struct packet connection_packet(u64 who, u32 n)
{
	switch (n) {
	case 0: return packet_of(who, TCP_SYN, 0, 1000, 0, 0);
	case 1: return packet_of(who, TCP_SYN | TCP_ACK, 1, 5000, 1001, 0);
	case 2: return packet_of(who, TCP_ACK, 0, 1001, 5001, 0);
	case 3: return packet_of(who, TCP_ACK | TCP_PSH, 0, 1001, 5001, 1);
	case 4: return packet_of(who, TCP_ACK | TCP_PSH, 1, 5001, 1002, 1);
	case 5: return packet_of(who, TCP_ACK | TCP_PSH, 0, 1002, 5002, 1);
	case 6: return packet_of(who, TCP_ACK | TCP_PSH, 1, 5002, 1003, 1);
	case 7: return packet_of(who, TCP_FIN | TCP_ACK, 0, 1003, 5003, 0);
	case 8: return packet_of(who, TCP_FIN | TCP_ACK, 1, 5003, 1004, 0);
	default: return packet_of(who, TCP_ACK, 0, 1004, 5004, 0);
	}
}

INLINE struct packet next_packet(struct lane *lane)
{
	u64 count = lane->count++, turn = count >> (lane->shift & 31), who = scatter(count);

	switch (lane->traffic) {
	case TRAFFIC_DATA:
		who = scatter((who & (lane->flows - 1)) + ((u64)lane->salt << 32));
		return packet_of(who, TCP_ACK | TCP_PSH, 0, (u32)count, 1, 32);
	case TRAFFIC_SYN: return packet_of(who, TCP_SYN, 0, (u32)count, 0, 0);
	case TRAFFIC_SYN_ACK: return packet_of(who, TCP_SYN | TCP_ACK, 1, (u32)count, (u32)who, 0);
	case TRAFFIC_FIN: return packet_of(who, TCP_FIN | TCP_ACK, 0, (u32)count, (u32)who, 0);
	case TRAFFIC_RST: return packet_of(who, TCP_RST, 0, (u32)count, 0, 0);
	case TRAFFIC_SYN_TWICE: return connection_packet(scatter(count / 2), 0);
	case TRAFFIC_ANSWERED: return connection_packet(scatter(count / 2), (u32)(count % 2));
	case TRAFFIC_HANDSHAKE: return connection_packet(scatter(count / 3), (u32)(count % 3));
	default: /* `flows` at once: a packet of each, then the next of each */
		return connection_packet(scatter(turn / 10 << (lane->shift & 31) | (count & (lane->flows - 1))), (u32)(turn % 10));
	}
}

INLINE void put_tcp(struct wire_tcp *tcp, const struct packet *p)
{
	__be16 client = bpf_htons(p->port), server = bpf_htons(SERVICE_PORT);

	tcp->from = p->from_server ? server : client;
	tcp->to = p->from_server ? client : server;
	tcp->seq = bpf_htonl(p->seq);
	tcp->ack = bpf_htonl(p->ack);
	tcp->flags = p->flags;
}

INLINE void put_v4(void *frame, const struct packet *p)
{
	struct wire_ipv4 *ip = frame + sizeof(struct wire_ether);
	u32 client = (u32)p->client, server = bpf_htonl(SERVICE_V4);

	ip->total = bpf_htons((u16)(sizeof(*ip) + sizeof(struct wire_tcp) + p->payload));
	ip->from = p->from_server ? server : client;
	ip->to = p->from_server ? client : server;
	put_tcp((struct wire_tcp *)(ip + 1), p);
}

INLINE void put_v6(void *frame, const struct packet *p)
{
	struct wire_ipv6 *ip = frame + sizeof(struct wire_ether);

	ip->payload = bpf_htons((u16)(sizeof(struct wire_tcp) + p->payload));
	ip->from[0] = p->from_server ? SERVICE_V6 : CLIENT_V6;
	ip->from[1] = p->from_server ? 0 : p->client;
	ip->to[0] = p->from_server ? CLIENT_V6 : SERVICE_V6;
	ip->to[1] = p->from_server ? p->client : 0;
	put_tcp((struct wire_tcp *)(ip + 1), p);
}

#endif
