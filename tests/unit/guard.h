/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing as the tests do it: each packet lies against a page that cannot be
 * read, so that one byte too far ends the test, and goes through both memories,
 * which must agree.
 */
#ifndef TCPSHAKE_TESTS_GUARD_H
#define TCPSHAKE_TESTS_GUARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "parse.h"

#define PAGE 4096

static u8 *page_end;	   /* what lies here cannot be read */
static struct segment seg; /* of the last parse; 0x55 where it was not written */

static inline int map_guard(void **state)
{
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE))
		return -1;
	page_end = pages + PAGE;
	return 0;
}

/* `there` of a frame's `length` bytes can be read, `reach` of them could be copied. */
static inline enum parse_result parse_part(enum link_first first, const u8 *bytes, u32 there, u32 reach,
					   u32 length)
{
	struct frame f = {page_end - there, page_end, reach, length};

	memcpy(page_end - there, bytes, there);
	memset(&seg, 0x55, sizeof(seg));
	return first == LINK_IP ? parse_packet(&f, FRAME_PACKET, LINK_IP, &seg)
				: parse_packet(&f, FRAME_PACKET, LINK_ETHERNET, &seg);
}

/* The first `there` bytes of a frame, of which there are no more, in both memories. */
static inline enum parse_result parse_cut(enum link_first first, const u8 *bytes, u32 there, u32 length)
{
	enum parse_result result = parse_part(first, bytes, there, there, length), again;
	struct segment packet = seg;
	struct frame f = {page_end - there, NULL, there, length};

	if (there > PARSE_BUFFER)
		return result;
	memset(&seg, 0x55, sizeof(seg));
	again = first == LINK_IP ? parse_packet(&f, FRAME_BUFFER, LINK_IP, &seg)
				 : parse_packet(&f, FRAME_BUFFER, LINK_ETHERNET, &seg);
	assert_int_equal(result, again);
	assert_memory_equal(&packet, &seg, sizeof(seg));
	/* what was not offered is 0, whatever stood there */
	if (result == PARSE_TCP) {
		assert_true(seg.offers & OFFER_MSS || !seg.mss);
		assert_true(seg.offers & OFFER_WSCALE || !seg.wscale);
	}
	return result;
}

#define PARSE(packet)	 parse_cut(LINK_ETHERNET, packet, sizeof(packet), sizeof(packet))
#define PARSE_IP(packet) parse_cut(LINK_IP, packet, sizeof(packet), sizeof(packet))

#endif
