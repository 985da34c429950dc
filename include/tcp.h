/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP on the wire (RFC 9293 section 3.1) and its arithmetic (section 3.4). */
#ifndef TCPSHAKE_TCP_H
#define TCPSHAKE_TCP_H

#include "base.h"

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

#define TCP_CONTROL (TCP_SYN | TCP_FIN | TCP_RST)

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WSCALE = 3,
	TCP_OPTION_SACK_OK = 4,
	TCP_OPTION_TIMESTAMPS = 8,
	TCP_OPTION_FAST_OPEN = 34,
};

#define TCP_HEADER_MIN 20
#define TCP_HEADER_MAX 60
#define TCP_WSCALE_MAX 14 /* RFC 7323 section 2.3 */
#define TCP_WINDOW_UNIT 65536u

/* a lies after b: the signed distance decides, as everywhere in TCP. */
INLINE int seq_after(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

INLINE int seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

/* low <= x <= high on the circle of sequence numbers. */
INLINE int seq_within(u32 x, u32 low, u32 high)
{
	return x - low <= high - low;
}

#endif
