/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes large captures for measuring: many connections at once, interleaved,
 * each with handshake, data and close in numbers that fit. The same arguments
 * give the same bytes.
 *
 *   make_capture [-n] traffic|connections|unfinished PACKETS FILE
 *
 * traffic: 250 packets a connection, half of them bare ACKs of 66 bytes, half
 * data of 1000: 533 bytes on average. connections: nine packets each, so an
 * event for every fourth or fifth. unfinished: of seven SYNs one leads to a
 * connection, none is closed, so that all of them are tracked at the end.
 * -n: pcapng, else pcap; both in nanoseconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#define HEADERS	   66 /* Ethernet, IPv4, TCP with timestamps */
#define DATA_BYTES (1000 - HEADERS)
#define STEP_NS	   2000 /* half a million packets a second */
#define BEGIN_NS   (1700000000ULL * 1000000000)
#define BUFFER	   (1 << 20)

enum { FIN = 0x01, SYN = 0x02, PSH = 0x08, ACK = 0x10 };

struct kind {
	const char *name;
	uint32_t at_once; /* connections, at most */
	uint32_t data;	  /* packets between handshake and close */
	int closes;
	uint32_t answered; /* one SYN in so many */
};

static const struct kind kinds[] = {
	{ "traffic", 20000, 243, 1, 1 },
	{ "connections", 2000, 2, 1, 1 },
	{ "unfinished", 1, 0, 0, 7 },
};

struct connection {
	uint32_t id, step;
	uint32_t next[2]; /* sequence number of client and server */
};

struct maker {
	FILE *file;
	const struct kind *kind;
	int ng;
	uint64_t now, random;
	uint32_t ids;
	uint8_t frame[HEADERS + DATA_BYTES];
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static void write_all(struct maker *m, const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, m->file) != n) {
		perror("make_capture");
		exit(1);
	}
}

static void write_head(struct maker *m)
{
	static const uint32_t section[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, ~0u, ~0u, 28 };
	static const uint32_t interface[] = { 1, 32, 1, 0, 9 | 1 << 16, 9, 0, 32 };
	static const uint32_t pcap[] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 65535, 1 };

	if (m->ng) {
		write_all(m, section, sizeof(section));
		write_all(m, interface, sizeof(interface));
	} else {
		write_all(m, pcap, sizeof(pcap));
	}
}

static void write_frame(struct maker *m, uint32_t size)
{
	const uint32_t block = 32 + ((size + 3) & ~3u), zero = 0;
	const uint32_t ng[] = { 6, block, 0, (uint32_t)(m->now >> 32), (uint32_t)m->now, size, size };
	const uint32_t pcap[] = { (uint32_t)(m->now / 1000000000), (uint32_t)(m->now % 1000000000), size, size };

	m->now += STEP_NS;
	if (m->ng)
		write_all(m, ng, sizeof(ng));
	else
		write_all(m, pcap, sizeof(pcap));
	write_all(m, m->frame, size);
	if (m->ng) {
		write_all(m, &zero, -size & 3);
		write_all(m, &block, sizeof(block));
	}
}

/* One segment of client (0) or server (1). */
static void send_segment(struct maker *m, struct connection *c, int sender, uint32_t flags, uint32_t data)
{
	static const uint8_t timestamps[12] = { 1, 1, 8, 10 };
	uint8_t *ip = m->frame + 14, *tcp = ip + 20;
	uint32_t client = 0x0a000000 | (c->id / 50000 + 1), server = 0xc0a80001 + c->id % 16;
	uint32_t port = 10000 + c->id % 50000;

	put16(m->frame + 12, 0x0800);
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = 6;
	put16(ip + 2, HEADERS - 14 + data);
	put32(ip + 12, sender ? server : client);
	put32(ip + 16, sender ? client : server);
	put16(tcp, sender ? 443 : port);
	put16(tcp + 2, sender ? port : 443);
	put32(tcp + 4, c->next[sender]);
	put32(tcp + 8, flags & ACK ? c->next[!sender] : 0);
	put16(tcp + 12, 0x8000 | flags);
	put16(tcp + 14, 512);
	memcpy(tcp + 20, timestamps, sizeof(timestamps));
	write_frame(m, HEADERS + data);
	c->next[sender] += data + !!(flags & SYN) + !!(flags & FIN);
}

static void begin(struct maker *m, struct connection *c)
{
	c->id = m->ids++;
	c->step = 0;
	c->next[0] = c->id * 2654435761u;
	c->next[1] = ~c->next[0] * 40503u;
}

/* Its next packet; when it is over, it begins anew as another one. */
static void go_on(struct maker *m, struct connection *c)
{
	const uint32_t step = c->step++, data = m->kind->data;

	if (!step)
		send_segment(m, c, 0, SYN, 0);
	else if (step == 1)
		send_segment(m, c, 1, SYN | ACK, 0);
	else if (step == 2)
		send_segment(m, c, 0, ACK, 0);
	else if (step < 3 + data)
		send_segment(m, c, step & 1, step & 1 ? PSH | ACK : ACK, step & 1 ? DATA_BYTES : 0);
	else if (step == 3 + data)
		send_segment(m, c, 0, FIN | ACK, 0);
	else if (step == 4 + data)
		send_segment(m, c, 1, ACK, 0);
	else if (step == 5 + data)
		send_segment(m, c, 1, FIN | ACK, 0);
	else
		send_segment(m, c, 0, ACK, 0);
	if (c->step == 3 + data + (m->kind->closes ? 4 : 0) || c->id % m->kind->answered)
		begin(m, c);
}

static uint32_t below(struct maker *m, uint32_t limit)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (uint32_t)((m->random >> 32) * limit >> 32);
}

static void make(struct maker *m, uint64_t packets)
{
	/* a short file has fewer of them, or it would be all handshakes */
	uint32_t length = 3 + m->kind->data + 4, most = 1 + (uint32_t)(packets / 2 / length);
	uint32_t at_once = most < m->kind->at_once ? most : m->kind->at_once;
	struct connection *all = calloc(at_once, sizeof(*all));

	if (!all) {
		perror("make_capture");
		exit(1);
	}
	for (uint32_t i = 0; i < at_once; i++)
		begin(m, &all[i]);
	write_head(m);
	while (packets--)
		go_on(m, &all[below(m, at_once)]);
	free(all);
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct maker m = { .now = BEGIN_NS, .random = 88172645463325252ULL };

	m.ng = argc == 5 && !strcmp(argv[1], "-n");
	argv += m.ng;
	m.kind = argc - m.ng == 4 ? kind_of(argv[1]) : NULL;
	if (!m.kind) {
		fprintf(stderr, "usage: make_capture [-n] traffic|connections|unfinished PACKETS FILE\n");
		return 2;
	}
	m.file = fopen(argv[3], "wb");
	if (!m.file || setvbuf(m.file, NULL, _IOFBF, BUFFER)) {
		perror(argv[3]);
		return 1;
	}
	make(&m, strtoull(argv[2], NULL, 10));
	if (fclose(m.file)) {
		perror(argv[3]);
		return 1;
	}
	return 0;
}
