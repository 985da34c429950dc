/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of the contract. An index beyond a table gives "?": a record of another build, never a crash. */
#include "names.h"

#define NAME(names, index) ((unsigned int)(index) < ARRAY_SIZE(names) ? (names)[index] : "?")

const char *event_name(enum event_kind kind)
{
	static const char *const names[] = { "open",   "half_open", "close", "flood",
					     "silent", "linger",    "ports", "loss" };

	_Static_assert(ARRAY_SIZE(names) == EVENT_KINDS, "");
	return NAME(names, kind);
}

const char *how_name(enum close_how how)
{
	static const char *const names[] = { "none",	"fin",	    "reset",   "refused", "aborted",
					     "timeout", "replaced", "evicted", "idle",	  "end_of_capture",
					     "end_of_run" };

	_Static_assert(ARRAY_SIZE(names) == HOWS, "");
	return NAME(names, how);
}

const char *side_name(enum side side)
{
	static const char *const names[] = { "client", "server", "both", "none" };

	return NAME(names, side);
}

const char *state_name(enum tcp_state state)
{
	static const char *const names[] = { "CLOSED",	   "SYN_SENT",	 "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1",
					     "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK",    "TIME_WAIT" };

	_Static_assert(ARRAY_SIZE(names) == TCP_STATES, "");
	return NAME(names, state);
}

const char *orientation_name(enum orientation orientation)
{
	static const char *const names[] = { "syn", "syn_ack", "guess" };

	return NAME(names, orientation);
}

const char *open_kind_name(enum open_kind kind)
{
	static const char *const names[] = { "three_way", "simultaneous", "fast_open", "split" };

	return NAME(names, kind);
}

const char *sequence_name(enum close_sequence sequence)
{
	static const char *const names[] = { "none", "four_way", "three_way", "simultaneous" };

	return NAME(names, sequence);
}

const char *inferred_name(u32 bit_number)
{
	static const char *const names[] = { "syn_ack", "last_ack", "reset", "direction" };

	_Static_assert(ARRAY_SIZE(names) == INFERRED_BITS, "");
	return NAME(names, bit_number);
}

const char *waiting_name(enum waiting_for waiting)
{
	static const char *const names[] = { "syn_ack", "ack", "accept" };

	return NAME(names, waiting);
}

const char *phase_name(enum phase phase)
{
	static const char *const names[] = { "start", "update", "end" };

	return NAME(names, phase);
}

const char *scope_name(enum scope scope)
{
	static const char *const names[] = { "flow", "process", "pair" };

	return NAME(names, scope);
}

const char *conn_state_name(enum conn_state state)
{
	static const char *const names[] = { "S0",   "S1",     "SF",	"REJ", "S2",  "S3", "RSTO",
					     "RSTR", "RSTOS0", "RSTRH", "SH",  "SHR", "OTH" };

	_Static_assert(ARRAY_SIZE(names) == CONN_STATES, "");
	return NAME(names, state);
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "spoofed", "real_hosts", "server_silent", "flash_crowd" };

	_Static_assert(ARRAY_SIZE(names) == VERDICTS, "");
	return NAME(names, verdict);
}

const char *silent_kind_name(enum silent_kind kind)
{
	static const char *const names[] = { "no_answer", "refusing", "overflow" };

	_Static_assert(ARRAY_SIZE(names) == SILENT_KINDS, "");
	return NAME(names, kind);
}

const char *owner_missing_name(enum owner_missing missing)
{
	static const char *const names[] = { "known", "kernel", "rights", "nat", "orphan", "not_local" };

	_Static_assert(ARRAY_SIZE(names) == OWNERS_MISSING, "");
	return NAME(names, missing);
}

const char *loss_name(enum loss_what what)
{
	static const char *const names[] = { "events_ring", "events_output", "pending_evicted",
					     "connections_refused" };

	_Static_assert(ARRAY_SIZE(names) == LOSSES, "");
	return NAME(names, what);
}
