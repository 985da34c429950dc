/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet is filed under that the parser found no segment in. */
#ifndef TCPSHAKE_PARSE_COUNTER_H
#define TCPSHAKE_PARSE_COUNTER_H

#include "counters.h"
#include "parse.h"

INLINE enum counter counter_of(enum parse_result result)
{
	switch (result) {
	case PARSE_NOT_TCP:
		return C_not_tcp;
	case PARSE_FRAGMENT:
		return C_fragment;
	case PARSE_MALFORMED:
		return C_malformed;
	default:
		return C_truncated;
	}
}

#endif
