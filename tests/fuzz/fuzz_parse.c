/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes through the parser: it reads nothing that is not there, both
 * memories say the same, a failure writes nothing, and what is said holds.
 *
 * Input: one byte for the link, one for how much of the rest can be read in
 * place, two that lengthen the frame beyond it, then the frame.
 */
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define HEAD 4

static enum parse_result parse(const struct frame *f, enum frame_memory memory, u8 link, struct segment *seg)
{
	memset(seg, 0x55, sizeof(*seg));
	if (memory == FRAME_PACKET)
		return link & 1 ? parse_packet(f, FRAME_PACKET, LINK_IP, seg)
				: parse_packet(f, FRAME_PACKET, LINK_ETHERNET, seg);
	return link & 1 ? parse_packet(f, FRAME_BUFFER, LINK_IP, seg)
			: parse_packet(f, FRAME_BUFFER, LINK_ETHERNET, seg);
}

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check(enum parse_result result, const struct segment *seg)
{
	struct segment untouched;

	memset(&untouched, 0x55, sizeof(untouched));
	if (result != PARSE_TCP) {
		must(!memcmp(seg, &untouched, sizeof(untouched)));
		return;
	}
	must(seg->sender <= 1 && seg->key.zero == 0);
	must(seg->wscale <= TCP_WSCALE_MAX);
	must(seg->flags & TCP_SYN || !(seg->offers | seg->mss | seg->wscale));
	must(seg->time == untouched.time && seg->place == untouched.place && seg->own == untouched.own);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct segment whole, copied, part;
	enum parse_result result, beyond;
	u32 length, longer, readable;
	u8 *bytes, *front;

	if (size < HEAD || size > HEAD + PARSE_BUFFER)
		return 0;
	length = (u32)(size - HEAD);
	longer = data[2] | (u32)data[3] << 8;
	readable = data[1] % (length + 1);

	/* allocations of their own size, so that the sanitizer sees one byte too far */
	bytes = malloc(length + !length);
	front = malloc(readable + !readable);
	if (!bytes || !front)
		abort();
	memcpy(bytes, data + HEAD, length);
	memcpy(front, data + HEAD, readable);

	result = parse(&(struct frame){bytes, bytes + length, length, length + longer}, FRAME_PACKET, data[0],
		       &whole);
	must(result != PARSE_BEYOND);
	check(result, &whole);
	must(parse(&(struct frame){bytes, NULL, length, length + longer}, FRAME_BUFFER, data[0], &copied) ==
	     result);
	must(!memcmp(&whole, &copied, sizeof(whole)));

	/* in place it is the same, or "beyond", or it did not need more */
	beyond = parse(&(struct frame){front, front + readable, length, length + longer}, FRAME_PACKET,
		       data[0], &part);
	check(beyond, &part);
	must(beyond == PARSE_BEYOND || beyond == result);
	if (beyond == PARSE_TCP)
		must(!memcmp(&whole, &part, sizeof(whole)));

	free(bytes);
	free(front);
	return 0;
}
