/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fingerprints: a byte of the tag for each slot of a line, eight in one word; 0
 * is a free slot. A look-up asks these first. They are an eighth of the lines'
 * memory, so they remain in the cache while a flood fills the tables, and tell
 * 15 of 16 lookups in two full lines that there is nothing to find.
 *
 * Who races: only the one who holds a slot (its word BUSY) changes its byte,
 * and he does so before he gives the slot back. A byte that is read too early
 * shows a flow that was not there when the packet came, or is gone since.
 */
#ifndef TCPSHAKE_PRINTS_H
#define TCPSHAKE_PRINTS_H

#include "env.h"

#define EACH_BYTE 0x0101010101010101ULL

/* From the part of the tag that the filter's bucket does not stand for. */
INLINE u8 print_of_tag(u32 tag)
{
	u8 print = (u8)(tag >> (WORD_TAG_BITS - 8));

	return print ? print : 1;
}

/* 0x80 in each byte that is 0, exactly; nothing carries from one to the next. */
INLINE u64 zero_bytes(u64 bytes)
{
	const u64 low = EACH_BYTE * 0x7f;

	return ~(((bytes & low) + low) | bytes | low);
}

INLINE u64 prints_like(u64 prints, u8 print)
{
	return zero_bytes(prints ^ EACH_BYTE * print);
}

/* How many bytes are marked with 0x80. */
INLINE u32 marks_count(u64 marks)
{
	return (u32)((marks >> 7) * EACH_BYTE >> 56);
}

/* The slot of the first mark; the marks are not 0. */
INLINE u32 first_mark(u64 marks)
{
	return (u32)(((marks & -marks) >> 7) * 0x0001020304050607ULL >> 56) & (LINE_WORDS - 1);
}

INLINE u64 line_prints(u32 line)
{
	u64 *prints = env_prints(line);

	return prints ? READ_ONCE(*prints) : 0;
}

INLINE void set_print(u32 slot, u8 print)
{
	u64 *prints = env_prints(slot >> 3);
	u32 byte = slot & (LINE_WORDS - 1);

	if (!prints)
		return;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	byte = LINE_WORDS - 1 - byte;
#endif
	HIDE(byte);
	((volatile u8 *)prints)[byte & (LINE_WORDS - 1)] = print;
}

#endif
