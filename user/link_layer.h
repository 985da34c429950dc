/* SPDX-License-Identifier: GPL-2.0-only */
/* The link headers of capture files: where behind them Ethernet or IP begins. */
#ifndef TCPSHAKE_LINK_LAYER_H
#define TCPSHAKE_LINK_LAYER_H

#include "parse.h"

#define LINKTYPE_RAW 101 /* bare IP in files; DLT_RAW is 12 or, on OpenBSD, 14 */

struct link_start {
	u32 at; /* not behind the captured bytes */
	enum link_first first;
	u32 ifindex;	     /* 0: the link header does not say */
	enum direction hook; /* HOOK_IN: came in, or the header does not say */
};

/*
 * Fills *start, all of it, and returns PARSE_TCP to go on; PARSE_NOT_TCP when
 * something other than IP follows; PARSE_TRUNCATED when the header is cut.
 */
typedef enum parse_result (*link_reader)(const u8 *bytes, u32 captured, struct link_start *start);

/* type: DLT_… of libpcap or LINKTYPE_… of files. NULL: it is not known here. */
link_reader link_reader_of(u32 type);

#endif
