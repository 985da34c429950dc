/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers as lists of bytes, to be strung together into packets. The line that
 * tcpdump prints for a packet stands above it.
 */
#ifndef TCPSHAKE_TESTS_PACKETS_H
#define TCPSHAKE_TESTS_PACKETS_H

#define B16(x) (x) >> 8 & 0xff, (x) & 0xff
#define B32(x) B16((x) >> 16), B16((x) & 0xffff)

#define ZERO4 0, 0, 0, 0

/* 0x0800: IPv4, 0x86dd: IPv6, 0x8100: a tag follows */
#define ETHERNET(type) 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, B16(type)
#define TAG(id, type) B16(id), B16(type)

/* 10.0.0.1 > 10.0.0.2; words: of 4 bytes, 5 without options; total: with this header */
#define IPV4_FULL(words, total, fragment, protocol) \
	0x40 | (words), 0, B16(total), 0, 1, B16(fragment), 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define IPV4(total) IPV4_FULL(5, total, 0, 6)
#define MORE 0x2000

/* 2001:db8::1 > 2001:db8::2; payload: without this header */
#define IPV6(payload, next) \
	0x60, 0, 0, 0, B16(payload), next, 64, \
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, \
	0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
/* 8 bytes; PadN of 4 */
#define EXTENSION(next) next, 0, 1, 4, 0, 0, 0, 0
/* 24 bytes: its length byte counts eights beyond the first */
#define EXTENSION_OF_24(next) next, 2, 1, 20, ZERO4, ZERO4, ZERO4, ZERO4, ZERO4
/* 12 bytes: counts words of 4, less two */
#define AUTHENTICATION(next) next, 1, 0, 0, B32(1), B32(1)
#define FRAGMENT(next, offset_more) next, 0, B16(offset_more), 0, 0, 0, 1

/* 51344 > 443, seq 1000, ack 2000; words: of 4 bytes, 5 without options */
#define TCP(words, flags) \
	B16(51344), B16(443), B32(1000), B32(2000), (words) << 4, flags, B16(512), 0, 0, 0, 0

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define ECE 0x40
#define CWR 0x80

#define OPTIONS_OF_LINUX 2, 4, B16(1460), 4, 2, 8, 10, B32(1), B32(0), 1, 3, 3, 7 /* 20 bytes */

#endif
