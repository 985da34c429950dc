/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every number that is counted, named once for the kernel, user space, the
 * metrics and the documents. The sums that must balance (exactly, whenever no
 * packet is inside a program):
 *
 *   packets     = stepped + not_watched + no_connection + duplicate + filtered + not_tcp
 *                 + fragment + malformed + truncated + odd_flags + contended + (deferred, queued)
 *   handshakes_started = completed + refused + aborted + reset + timed_out + replaced
 *                 + evicted + unfinished
 *   handshakes_completed = begun_by_handshake + begun_refused_table_full
 *   begun_by_handshake + begun_by_adoption = connections_{fin + reset + timed_out + idle
 *                 + replaced + evicted} + live
 *   adoptions_started = begun_by_adoption + {refused_table_full + joined + expired + evicted}
 *                 + unfinished
 *   time_wait_entered = expired + reused + evicted + held
 *   events_made = filtered + suppressed + lost_in_ring + lost_at_output + written + queued
 *   watch_begun = watch_ended + sum of the watch filter
 *
 * unfinished, live, held and the filter's sum are levels: counted by walking
 * the tables, never derived.
 */
#ifndef TCPSHAKE_COUNTERS_H
#define TCPSHAKE_COUNTERS_H

#include "base.h"

#define TCPSHAKE_COUNTERS(X) \
	X(packets, "Packets that reached a hook") \
	X(stepped, "Packets that a connection was followed with") \
	X(not_watched, "Packets of connections with nothing to watch for") \
	X(no_connection, "Packets that belong to no connection known") \
	X(duplicate, "Second sightings of a packet at another place") \
	X(filtered, "Packets outside of --port, --host, -4, -6") \
	X(not_tcp, "Packets without TCP") \
	X(fragment, "IP fragments after the first") \
	X(malformed, "Packets whose headers contradict themselves") \
	X(truncated, "Packets whose headers were not all there") \
	X(odd_flags, "SYN with FIN or RST: proves nothing") \
	X(contended, "Packets given up: flow busy and queue full") \
	X(deferred, "Packets stepped a tick later: flow busy on another CPU") \
	X(handshakes_started, "Handshakes begun by a SYN") \
	X(handshakes_completed, "Handshakes completed") \
	X(handshakes_refused, "Handshakes answered by RST instead of SYN-ACK") \
	X(handshakes_aborted, "Handshakes ended by the client's RST") \
	X(handshakes_reset, "Handshakes ended by the server's RST after its SYN-ACK") \
	X(handshakes_timed_out, "Handshakes without a sign for --give-up-after") \
	X(handshakes_replaced, "Handshakes superseded by a newer one of the same pair") \
	X(handshakes_evicted, "Handshakes dropped because the table was full") \
	X(begun_by_handshake, "Connections begun by a completed handshake") \
	X(begun_refused_table_full, "Completed handshakes not followed: table full") \
	X(begun_by_adoption, "Connections taken up after their opening") \
	X(connections_fin, "Connections closed by FIN") \
	X(connections_reset, "Connections closed by RST") \
	X(connections_timed_out, "Connections whose FIN was never acknowledged") \
	X(connections_idle, "Connections given up as idle") \
	X(connections_replaced, "Connections replaced by a newer one of the same pair") \
	X(connections_evicted, "Connections dropped because the table was full") \
	X(adoptions_started, "Candidates for adoption: SYN-ACK or FIN of an unknown pair, sockets found at start") \
	X(adoptions_refused_table_full, "Adoptions proved but not followed: table full") \
	X(adoptions_joined, "Candidates whose SYN came later") \
	X(adoptions_expired, "Candidates that nothing proved") \
	X(adoptions_evicted, "Candidates dropped because the table was full") \
	X(time_wait_entered, "Connections that entered TIME_WAIT") \
	X(time_wait_expired, "TIME_WAITs that ran out") \
	X(time_wait_reused, "TIME_WAITs cut short by a new connection") \
	X(time_wait_evicted, "TIME_WAITs dropped because the table was full") \
	X(events_made, "Events made, selected or not") \
	X(events_filtered, "Events not selected by -e or --slow-open") \
	X(events_suppressed, "Events for which the summaries of a flood, or a loss, stand") \
	X(events_lost_in_ring, "Events lost: ring buffer full") \
	X(watch_begun, "Flows put under watch") \
	X(watch_ended, "Flows taken from watch") \
	X(syn_repeated, "Retransmitted SYNs") \
	X(synack_repeated, "Retransmitted SYN-ACKs") \
	X(synack_unfit, "SYN-ACKs whose acknowledgment fits no SYN") \
	X(after_close, "SYN, SYN-ACK, FIN or RST after the close") \
	X(challenge_acks, "Answers to a SYN or RST that were neither SYN-ACK nor RST") \
	X(rst_ignored, "RSTs with a wrong number") \
	X(rst_disproved, "RSTs taken back: their sender went on") \
	X(fin_ignored, "FINs that the local socket had left behind") \
	X(fin_disproved, "FINs taken back: their sender went on") \
	X(stray_rst, "RSTs of unknown pairs") \
	X(accept_suspected, "SYN-ACKs repeated after their ACK") \
	X(probation_delayed, "Idle tests put off: too many at once") \
	X(services_other, "Counts that no row of the service table was free for") \
	X(internal_error, "States that cannot be: a fault in tcpshake")

enum counter {
#define X(name, help) C_##name,
	TCPSHAKE_COUNTERS(X)
#undef X
	COUNTERS
};

/* Histograms in buckets of powers of two: bucket b counts [2^b, 2^(b+1)) ns, b from 10. */
enum histogram { HIST_OPEN, HIST_SYN_SYNACK, HIST_SYNACK_ACK, HISTOGRAMS };
#define HIST_FIRST_LOG2 10
#define HIST_BUCKETS 28

struct tally {
	u64 count[COUNTERS];
	u64 bucket[HISTOGRAMS][HIST_BUCKETS];
	u64 sum_ns[HISTOGRAMS];
};

#endif
