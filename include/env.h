/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine asks of the side that it is compiled for. The kernel's answer
 * is bpf/env.bpf.h, the host's is user/env_host.h; one of them is included
 * before the engine. Every pointer may be NULL: the verifier wants it asked.
 *
 *   CFG(field)            a field of struct config
 *   env_line(line)        the eight words of a line
 *   env_prints(line)      the fingerprints of a line's slots
 *   env_flow(slot)        the record of a slot (slot = 8 * line + word) of both flow tables
 *   env_seed(place)       a seed; config.seeds of them
 *   env_answer(place)     what answered it
 *   env_seed_word(place)  its word
 *   env_seed_line(line)   line of the seeds' index
 *   env_seed_ends()       how far the ring of seeds has come
 *   env_hatchling(n)      this CPU's room for one record; 0: of packets, 1: of calls, which packets may interrupt
 *   env_service(index)    row of the service table, index from 0
 *   env_sources(index)    description of an alarm's sources; NULL from SOURCES on
 *   env_bucket(index)     bucket of the watch filter: P in the low, C in the high 16 bits
 *   env_pair_line(index)  eight words of the table of TIME_WAIT pairs
 *   env_lock(index)       one of INSERT_LOCKS
 *   env_probation()       how many flows are on probation
 *   env_note_due(slot, word)  the slot's word was changed: its deadline may be new
 *   env_tally()           this CPU's counters
 *   env_pause()           some 20 ns pass
 *   env_clock()           ns, the clock of struct segment
 *   env_event(of_connection)  room for an event, NULL when there is none; what is told of
 *                         handshakes may take but half of it, so that a flood hides no connection
 *   env_send(event)       hands it over
 *   env_defer(segment)    puts it aside for the next tick; 0, or negative when that is full
 */
#ifndef TCPSHAKE_ENV_H
#define TCPSHAKE_ENV_H

#include "config.h"
#include "counters.h"
#include "event.h"
#include "flow.h"
#include "service_row.h"
#include "sources.h"

#include "atomic.h"

#ifndef CFG
#error "include the environment (bpf/env.bpf.h or user/env_host.h) first"
#endif

#define PAIR_LINES 512

INLINE u64 *env_line(u32 line);
INLINE u64 *env_prints(u32 line);
INLINE struct flow *env_flow(u32 slot);
INLINE struct seed *env_seed(u32 place);
INLINE struct answer *env_answer(u32 place);
INLINE u64 *env_seed_word(u32 place);
INLINE struct seed_line *env_seed_line(u32 line);
INLINE struct seed_ends *env_seed_ends(void);
INLINE struct flow *env_hatchling(u32 n);
INLINE struct service *env_service(u32 index);
INLINE struct sources *env_sources(u32 index);
INLINE u32 *env_bucket(u32 index);
INLINE u64 *env_pair_line(u32 index);
INLINE u32 *env_lock(u32 index);
INLINE u32 *env_probation(void);
INLINE void env_note_due(u32 slot, u64 word);
INLINE struct tally *env_tally(void);
INLINE void env_pause(void);
INLINE u64 env_clock(void);
INLINE struct event *env_event(int of_connection);
INLINE void env_send(struct event *event);
INLINE int env_defer(const struct segment *seg);

#define COUNT(tally, name) add64(&(tally)->count[C_##name], 1)

#endif
