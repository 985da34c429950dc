/* SPDX-License-Identifier: GPL-2.0-only */
/* The engine's environment in the kernel: maps for memory, helpers for time, ring and queue. */
#ifndef TCPSHAKE_ENV_BPF_H
#define TCPSHAKE_ENV_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "config.h"
#include "maps.bpf.h"

/* Read-only before the programs are verified; volatile keeps the compiler from believing the zeros here. */
const volatile struct config config SEC(".rodata.config") = {};

#define CFG(field) (config.field)

#include "env.h"

INLINE u64 *env_line(u32 line)
{
	struct line *found = bpf_map_lookup_elem(&lines, &line);

	return found ? found->word : NULL;
}

INLINE u64 *env_prints(u32 line)
{
	return bpf_map_lookup_elem(&prints, &line);
}

INLINE struct flow *env_flow(u32 slot)
{
	return bpf_map_lookup_elem(&flows, &slot);
}

INLINE struct seed *env_seed(u32 place)
{
	return bpf_map_lookup_elem(&seeds, &place);
}

INLINE struct answer *env_answer(u32 place)
{
	return bpf_map_lookup_elem(&seed_answers, &place);
}

INLINE u64 *env_seed_word(u32 place)
{
	return bpf_map_lookup_elem(&seed_words, &place);
}

INLINE struct seed_line *env_seed_line(u32 line)
{
	return bpf_map_lookup_elem(&seed_lines, &line);
}

INLINE struct seed_ends *env_seed_ends(void)
{
	return &seed_ends;
}

INLINE struct flow *env_hatchling(u32 n)
{
	return bpf_map_lookup_elem(&hatchlings, &n);
}

INLINE struct service *env_service(u32 index)
{
	return bpf_map_lookup_elem(&services, &index);
}

INLINE struct sources *env_sources(u32 index)
{
	return bpf_map_lookup_elem(&sources, &index);
}

INLINE u32 *env_bucket(u32 index)
{
	u32 page = index / BUCKETS_A_PAGE;
	struct bucket_page *found = bpf_map_lookup_elem(&buckets, &page);

	return found ? &found->bucket[index % BUCKETS_A_PAGE] : NULL;
}

INLINE u64 *env_pair_line(u32 index)
{
	struct line *found = bpf_map_lookup_elem(&pairs, &index);

	return found ? found->word : NULL;
}

INLINE u32 *env_lock(u32 index)
{
	return &insert_locks[index % INSERT_LOCKS];
}

INLINE u32 *env_probation(void)
{
	return &probation;
}

INLINE void env_note_due(u32 slot, u64 word)
{
	(void)slot;
	(void)word;
}

INLINE struct tally *env_tally(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&tally, &zero);
}

/* There is no helper that waits. Reading the clock is what takes longest of those that do nothing. */
INLINE void env_pause(void)
{
	(void)bpf_ktime_get_ns();
}

INLINE u64 env_clock(void)
{
	return CFG(replay) ? READ_ONCE(replay_time) : bpf_ktime_get_ns();
}

INLINE struct event *env_event(int of_connection)
{
	if (!of_connection && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >=
				      bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2)
		return NULL;
	return bpf_ringbuf_reserve(&events, sizeof(struct event), 0);
}

/*
 * User space looks into the ring ten times a second. A wake-up costs some
 * 5 us, so there is one only when the ring passes a quarter.
 */
INLINE void env_send(struct event *event)
{
	u64 unread = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	u64 mark = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 4;
	u64 record = sizeof(*event) + 8; /* and the ring's own header */

	bpf_ringbuf_submit(event, unread >= mark && unread < mark + record ? BPF_RB_FORCE_WAKEUP
									     : BPF_RB_NO_WAKEUP);
}

INLINE int env_defer(const struct segment *seg)
{
	return (int)bpf_map_push_elem(&deferred, seg, 0);
}

#endif
