/* SPDX-License-Identifier: GPL-2.0-only */
/* Between ns and the ticks of deadlines. */
#ifndef TCPSHAKE_TICKS_H
#define TCPSHAKE_TICKS_H

#include "env.h"

/* The moment of a deadline: the tick `due` (20 bits of it kept) that lies nearest before now_tick. */
INLINE u64 due_time(u32 due, u64 now_tick)
{
	return (now_tick - (s64)ticks_between(due, (u32)now_tick)) * TICK_NS;
}

INLINE u64 tick_of(u64 ns)
{
	return ns / TICK_NS;
}

/* First tick at or after ns. */
INLINE u64 tick_after(u64 ns)
{
	return (ns + TICK_NS - 1) / TICK_NS;
}

INLINE u32 ticks_limited(u32 ticks)
{
	return ticks < TICKS_MAX ? ticks : TICKS_MAX;
}

#endif
