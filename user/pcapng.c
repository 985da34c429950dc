/* SPDX-License-Identifier: GPL-2.0-only */
#include "pcapng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

#define ORDER_MAGIC 0x1a2b3c4d

/* A block is type, length, body, length. The lengths count all four. */
#define BLOCK_HEAD  8
#define BLOCK_FRAME (BLOCK_HEAD + 4)
#define BLOCK_MAX   (64u << 20) /* beyond this it's nonsense; packets have at most 256 KiB */

#define INTERFACE_BODY 8  /* link type, 0, snap length */
#define PACKET_BODY    20 /* interface, time high, time low, captured, length */
#define SIMPLE_BODY    4  /* length */

#define OPTION_END	   0
#define OPTION_TIME_UNIT   9
#define OPTION_TIME_OFFSET 14
#define UNIT_IS_BINARY	   0x80

#define INTERFACES_MAX 65536

struct interface {
	u16 link_type;
	u32 snap_length; /* 0: no limit */
	u64 units;	 /* of time a second */
	s64 offset;	 /* seconds to be added */
};

struct pcapng {
	FILE *file;
	int begun, swapped; /* a section, and its byte order is not ours */
	u8 *body;
	size_t room;
	struct interface *interfaces;
	u32 count;
	const char *error;
};

static u16 get16(const struct pcapng *ng, const u8 *p)
{
	u16 value;

	memcpy(&value, p, sizeof(value));
	return ng->swapped ? __builtin_bswap16(value) : value;
}

static u32 get32(const struct pcapng *ng, const u8 *p)
{
	u32 value;

	memcpy(&value, p, sizeof(value));
	return ng->swapped ? __builtin_bswap32(value) : value;
}

static u64 get64(const struct pcapng *ng, const u8 *p)
{
	u64 value;

	memcpy(&value, p, sizeof(value));
	return ng->swapped ? __builtin_bswap64(value) : value;
}

static int nonsense(struct pcapng *ng, const char *what)
{
	ng->error = what;
	return -EBADMSG;
}

static int cut(struct pcapng *ng)
{
	if (!ferror(ng->file))
		return nonsense(ng, "it ends within a block");
	ng->error = "it cannot be read";
	return -EIO;
}

/* Exactly n bytes. */
static int read_bytes(struct pcapng *ng, void *bytes, size_t n)
{
	return fread(bytes, 1, n, ng->file) == n ? 0 : cut(ng);
}

static int grow(struct pcapng *ng, size_t size)
{
	u8 *body;

	if (size <= ng->room)
		return 0;
	body = realloc(ng->body, size);
	if (!body) {
		ng->error = "out of memory";
		return -ENOMEM;
	}
	ng->body = body;
	ng->room = size;
	return 0;
}

/*
 * The byte order of a section stands in its body, and its length, which comes
 * before, is in that order too. A section has interfaces of its own.
 */
static int begin_section(struct pcapng *ng, const u8 *head, u32 *length)
{
	int err = read_bytes(ng, ng->body, 4);

	if (err)
		return err;
	ng->swapped = 0;
	if (get32(ng, ng->body) != ORDER_MAGIC) {
		ng->swapped = 1;
		if (get32(ng, ng->body) != ORDER_MAGIC)
			return nonsense(ng, "the byte order of a section is neither");
	}
	*length = get32(ng, head + 4);
	ng->count = 0;
	ng->begun = 1;
	return 0;
}

/* One whole block: its type, and in ng->body *size bytes. Returns like pcapng_next(). */
static int read_block(struct pcapng *ng, u32 *type, u32 *size)
{
	u8 head[BLOCK_HEAD];
	u32 length, done = 0;
	size_t got = fread(head, 1, sizeof(head), ng->file);
	int err;

	if (!got && !ferror(ng->file))
		return 0;
	if (got != sizeof(head))
		return cut(ng);
	*type = get32(ng, head);
	length = get32(ng, head + 4);
	if (*type == BLOCK_SECTION) {
		err = begin_section(ng, head, &length);
		if (err)
			return err;
		done = 4;
	}
	if (!ng->begun)
		return nonsense(ng, "it does not begin with a section");
	if (length < BLOCK_FRAME + done || length > BLOCK_MAX || length % 4)
		return nonsense(ng, "the length of a block is nonsense");
	*size = length - BLOCK_FRAME;
	err = grow(ng, *size + 4);
	if (err)
		return err;
	err = read_bytes(ng, ng->body + done, *size + 4 - done);
	if (err)
		return err;
	if (get32(ng, ng->body + *size) != length)
		return nonsense(ng, "the two lengths of a block differ");
	return 1;
}

static u64 units_of(u8 value)
{
	u64 units = 1;

	if (value & UNIT_IS_BINARY)
		return (value & 0x7f) < 64 ? 1ULL << (value & 0x7f) : 0;
	if (value > 19)
		return 0;
	while (value--)
		units *= 10;
	return units;
}

/* Options are kind, length, value, padded to four bytes. A broken list ends there. */
static int read_options(struct pcapng *ng, struct interface *interface, u32 at, u32 size)
{
	while (at + 4 <= size) {
		u16 kind = get16(ng, ng->body + at), length = get16(ng, ng->body + at + 2);
		const u8 *value = ng->body + at + 4;

		at += 4;
		if (kind == OPTION_END || length > size - at)
			break;
		if (kind == OPTION_TIME_UNIT && length == 1)
			interface->units = units_of(*value);
		else if (kind == OPTION_TIME_OFFSET && length == 8)
			interface->offset = (s64)get64(ng, value);
		at += (length + 3u) & ~3u;
	}
	return interface->units ? 0 : nonsense(ng, "the time unit of an interface is nonsense");
}

static int add_interface(struct pcapng *ng, u32 size)
{
	struct interface interface = {.units = 1000000};
	int err;

	if (size < INTERFACE_BODY)
		return nonsense(ng, "an interface block is too short");
	interface.link_type = get16(ng, ng->body);
	interface.snap_length = get32(ng, ng->body + 4);
	err = read_options(ng, &interface, INTERFACE_BODY, size);
	if (err)
		return err;
	if (ng->count == INTERFACES_MAX)
		return nonsense(ng, "it has too many interfaces");
	ng->interfaces[ng->count++] = interface;
	return 0;
}

static void set_time(struct raw_packet *packet, const struct interface *interface, u64 ticks)
{
	u64 rest = ticks % interface->units;

	if (!__builtin_add_overflow((s64)(ticks / interface->units), interface->offset, &packet->sec))
		packet->nsec = (s64)((unsigned __int128)rest * NSEC_PER_SEC / interface->units);
	else
		packet->sec = 0;
}

/* The old block has its interface in 16 bits, then a count of drops. */
static int take_packet(struct pcapng *ng, u32 type, u32 size, struct raw_packet *out)
{
	struct raw_packet packet = {0};
	const struct interface *interface;

	if (size < PACKET_BODY)
		return nonsense(ng, "a packet block is too short");
	packet.interface = type == BLOCK_PACKET ? get32(ng, ng->body) : get16(ng, ng->body);
	packet.captured = get32(ng, ng->body + 12);
	packet.length = get32(ng, ng->body + 16);
	packet.bytes = ng->body + PACKET_BODY;
	if (packet.interface >= ng->count)
		return nonsense(ng, "a packet is of an interface that the file does not describe");
	if (packet.captured > size - PACKET_BODY)
		return nonsense(ng, "a packet is longer than its block");
	interface = &ng->interfaces[packet.interface];
	packet.link_type = interface->link_type;
	set_time(&packet, interface, (u64)get32(ng, ng->body + 4) << 32 | get32(ng, ng->body + 8));
	*out = packet;
	return 1;
}

/* Of the first interface, without a time; captured up to the snap length, padded to four bytes. */
static int take_simple(struct pcapng *ng, u32 size, struct raw_packet *out)
{
	struct raw_packet packet = {0};
	u32 snap_length;

	if (size < SIMPLE_BODY)
		return nonsense(ng, "a packet block is too short");
	if (!ng->count)
		return nonsense(ng, "a packet is of an interface that the file does not describe");
	snap_length = ng->interfaces[0].snap_length;
	packet.bytes = ng->body + SIMPLE_BODY;
	packet.length = get32(ng, ng->body);
	packet.captured = size - SIMPLE_BODY;
	if (packet.captured > packet.length)
		packet.captured = packet.length;
	if (snap_length && packet.captured > snap_length)
		packet.captured = snap_length;
	packet.link_type = ng->interfaces[0].link_type;
	*out = packet;
	return 1;
}

int pcapng_next(struct pcapng *ng, struct raw_packet *packet)
{
	u32 type, size;
	int got;

	while ((got = read_block(ng, &type, &size)) == 1) {
		switch (type) {
		case BLOCK_INTERFACE:
			got = add_interface(ng, size);
			if (got)
				return got;
			break;
		case BLOCK_PACKET:
		case BLOCK_PACKET_OLD:
			return take_packet(ng, type, size, packet);
		case BLOCK_PACKET_SIMPLE:
			return take_simple(ng, size, packet);
		default: /* names, statistics, secrets and what may come */
			break;
		}
	}
	return got;
}

const char *pcapng_error(const struct pcapng *ng)
{
	return ng->error;
}

struct pcapng *pcapng_new(FILE *file)
{
	struct pcapng *ng = calloc(1, sizeof(*ng));

	if (!ng)
		return NULL;
	ng->file = file;
	ng->error = "";
	ng->interfaces = malloc(INTERFACES_MAX * sizeof(*ng->interfaces));
	if (!ng->interfaces || grow(ng, 4096)) {
		pcapng_free(ng);
		return NULL;
	}
	return ng;
}

void pcapng_free(struct pcapng *ng)
{
	if (!ng)
		return;
	free(ng->interfaces);
	free(ng->body);
	free(ng);
}
