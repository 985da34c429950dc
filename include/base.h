/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Base types and the few compiler words that the engine needs on both sides:
 * in a BPF program and in a plain C program.
 */
#ifndef TCPSHAKE_BASE_H
#define TCPSHAKE_BASE_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/*
 * The clock of all deadlines: tick k stands at k * 100 ms. Seconds and packets
 * keep nanoseconds; only deadlines are coarse.
 */
#define TICK_NS (100 * NSEC_PER_MSEC)
#define TICKS_PER_SEC 10

#define INLINE static inline __attribute__((always_inline, unused))

/*
 * A step that the verifier checks once and for itself, however often it is
 * called. Its arguments are scalars or pointers to structures of known size,
 * never NULL; the verifier cannot know that, so the callee asks all the same.
 */
#ifdef __bpf__
#define SUBPROGRAM __attribute__((noinline))
#else
#define SUBPROGRAM static inline __attribute__((unused))
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))

/*
 * Keeps the compiler from knowing what x is. It would work a sum out once for
 * the comparison and again for the load, or drop a limit that it can prove; the
 * verifier sees neither that the sums are equal nor the proof, and says
 * "invalid access to packet" or "unbounded memory access" (clang 14, all kernels).
 */
#ifdef __bpf__
#define HIDE(x) asm volatile("" : "+r"(x))
#else
#define HIDE(x) ((void)(x))
#endif

/* Begins to load what will be needed soon, and waits for nothing. p may be NULL. */
#ifdef __bpf__
INLINE void fetch(const void *p)
{
	if (p) {
		u8 unused = *(const volatile u8 *)p;

		(void)unused;
	}
}
#else
INLINE void fetch(const void *p) { __builtin_prefetch(p); }
#endif

/* An end of a connection is named by its index in the key: 0 or 1. */
#define PEER_OF(end) ((end) ^ 1)

#endif
