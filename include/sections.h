/* SPDX-License-Identifier: GPL-2.0-only */
/* Which lines a tick sweeps: the same tenths in the kernel and on the host. */
#ifndef TCPSHAKE_SECTIONS_H
#define TCPSHAKE_SECTIONS_H

#include "config.h"

#define BLOCK_LINES 64 /* what a sweep takes at once */
#define SWEEP_SECTIONS 10

struct line_range {
	u32 first, count;
};

INLINE u32 section_line(u32 lines, u64 section)
{
	u32 blocks = (lines + BLOCK_LINES - 1) / BLOCK_LINES;
	u32 line = (u32)(blocks * section / SWEEP_SECTIONS) * BLOCK_LINES;

	return line < lines ? line : lines;
}

INLINE struct line_range sweep_range(const struct config *config, u64 tick)
{
	u32 lines = config->table[TABLE_SERVICES].first_line;
	struct line_range range = { .first = section_line(lines, tick % SWEEP_SECTIONS) };

	range.count = section_line(lines, tick % SWEEP_SECTIONS + 1) - range.first;
	return range;
}

#endif
