/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of the contract for what is an enum inside: the same in every format. */
#ifndef TCPSHAKE_NAMES_H
#define TCPSHAKE_NAMES_H

#include "facts.h"
#include "report.h"

const char *event_name(enum event_kind kind); /* as in -e */
const char *how_name(enum close_how how);
const char *side_name(enum side side);
const char *state_name(enum tcp_state state); /* RFC 9293 */
const char *orientation_name(enum orientation orientation);
const char *open_kind_name(enum open_kind kind);
const char *sequence_name(enum close_sequence sequence);
const char *inferred_name(u32 bit_number); /* of enum inferred */
const char *waiting_name(enum waiting_for waiting);
const char *phase_name(enum phase phase);
const char *scope_name(enum scope scope);
const char *conn_state_name(enum conn_state state);
const char *verdict_name(enum verdict verdict);
const char *silent_kind_name(enum silent_kind kind);
const char *owner_missing_name(enum owner_missing missing);
const char *loss_name(enum loss_what what);

#endif
