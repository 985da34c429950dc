/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet is counted for beside the counter that it is filed under, where
 * floods come by: bits of the engine's result. A hook, which nothing on its CPU comes
 * between, adds them up in half the time that atomic additions take; of what a SYN
 * costs that was a sixth.
 */
#ifndef TCPSHAKE_BESIDE_H
#define TCPSHAKE_BESIDE_H

#include "env.h"

#define BESIDE_SOWN 0x1000	/* a seed */
#define BESIDE_CANDIDATE 0x2000 /* not of a SYN */
#define BESIDE_STRAY_RST 0x4000
#define BESIDE_EVICTED 0x8000	/* a seed had to go for it, which was a handshake; or a candidate: */
#define BESIDE_EVICTED_SYN_ACK 0x10000
#define BESIDE_EVICTED_FIN 0x20000
#define BESIDE_COUNTER 0x0fff

/* That seeds have to go is told once a second, by number: one line each would be a second flood. */
INLINE enum counter unspoken(void)
{
	return CFG(events) & 1u << EVENT_CLOSE ? C_events_suppressed : C_events_filtered;
}

INLINE void count_beside(struct tally *tally, enum counter counter, u64 n, int by_itself)
{
	if (by_itself)
		tally->count[counter] += n;
	else
		add64(&tally->count[counter], n);
}

/* by_itself: no need to add atomically. Whoever showed a SYN or SYN-ACK would have a close event of its own. */
INLINE void count_evicted(struct tally *tally, int beside, int by_itself)
{
	u64 handshakes = !!(beside & BESIDE_EVICTED), syn_acks = !!(beside & BESIDE_EVICTED_SYN_ACK);
	u64 candidates = syn_acks + !!(beside & BESIDE_EVICTED_FIN);

	count_beside(tally, C_watch_ended, handshakes + candidates, by_itself);
	count_beside(tally, C_handshakes_evicted, handshakes, by_itself);
	count_beside(tally, C_adoptions_evicted, candidates, by_itself);
	count_beside(tally, C_events_made, handshakes + syn_acks, by_itself);
	count_beside(tally, unspoken(), handshakes + syn_acks, by_itself);
}

/* Returns the counter alone; what is negative is left as it is. */
INLINE int file_beside(struct tally *tally, int result, int by_itself)
{
	if (result <= BESIDE_COUNTER)
		return result;
	if (result & BESIDE_SOWN) {
		count_beside(tally, result & BESIDE_CANDIDATE ? C_adoptions_started : C_handshakes_started, 1, by_itself);
		count_beside(tally, C_watch_begun, 1, by_itself);
		count_evicted(tally, result, by_itself);
	}
	if (result & BESIDE_STRAY_RST)
		count_beside(tally, C_stray_rst, 1, by_itself);
	return result & BESIDE_COUNTER;
}

#endif
