/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few atomic operations of the engine. Each is a full barrier where it
 * returns a value. One thread on plain memory (capture reader, unit tests)
 * needs none of them; TCPSHAKE_PLAIN compiles them away. The same switch on a
 * BPF object makes the build that the race test has to catch.
 */
#ifndef TCPSHAKE_ATOMIC_H
#define TCPSHAKE_ATOMIC_H

#include "base.h"

#ifdef TCPSHAKE_PLAIN
INLINE u64 cas64(u64 *p, u64 expected, u64 desired)
{
	u64 seen = READ_ONCE(*p);

	if (seen == expected)
		*p = desired;
	return seen;
}

INLINE u32 cas32(u32 *p, u32 expected, u32 desired)
{
	u32 seen = READ_ONCE(*p);

	if (seen == expected)
		*p = desired;
	return seen;
}

INLINE void exchange64(u64 *p, u64 value) { *(volatile u64 *)p = value; }
INLINE void publish64(u64 *p, u64 value) { *(volatile u64 *)p = value; }
INLINE void publish32(u32 *p, u32 value) { *(volatile u32 *)p = value; }
INLINE void add32(u32 *p, u32 n) { *p += n; }
INLINE void add64(u64 *p, u64 n) { *p += n; }
INLINE u64 fetch_add64(u64 *p, u64 n) { return (*p += n) - n; }
#else
/* Returns what stood there: it was changed if that is `expected`. */
INLINE u64 cas64(u64 *p, u64 expected, u64 desired)
{
	return __sync_val_compare_and_swap(p, expected, desired);
}

INLINE u32 cas32(u32 *p, u32 expected, u32 desired)
{
	return __sync_val_compare_and_swap(p, expected, desired);
}

/* A full barrier, too. */
INLINE void exchange64(u64 *p, u64 value) { (void)__sync_lock_test_and_set(p, value); }

/*
 * All that was written before is seen by who sees this value. Where stores are seen
 * in order (x86) a store does; BPF has none that orders, so elsewhere an exchange.
 */
#ifdef TCPSHAKE_STORES_IN_ORDER
INLINE void publish64(u64 *p, u64 value)
{
	asm volatile("" : : : "memory");
	*(volatile u64 *)p = value;
}

INLINE void publish32(u32 *p, u32 value)
{
	asm volatile("" : : : "memory");
	*(volatile u32 *)p = value;
}
#else
INLINE void publish64(u64 *p, u64 value) { exchange64(p, value); }
INLINE void publish32(u32 *p, u32 value) { (void)__sync_lock_test_and_set(p, value); }
#endif
INLINE void add32(u32 *p, u32 n) { __sync_fetch_and_add(p, n); }
INLINE void add64(u64 *p, u64 n) { __sync_fetch_and_add(p, n); }
INLINE u64 fetch_add64(u64 *p, u64 n) { return __sync_fetch_and_add(p, n); }
#endif

#endif
