/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files made byte by byte, and how the tests read them back. */
#ifndef TCPSHAKE_TESTS_MADE_FILE_H
#define TCPSHAKE_TESTS_MADE_FILE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture.h"
#include "packets.h"

#define MICRO 0xa1b2c3d4u
#define NANO  0xa1b23c4du
#define ORDER 0x1a2b3c4du

/* A file as it is being made, in this machine's byte order or the other. */
static u8 made[8192];
static size_t made_size;
static int swapped;

static struct capture *capture;
static struct segment seg;
static enum parse_result result;
static u64 now;
static char error[1024];

/* 10.0.0.1.51344 > 10.0.0.2.443: Flags [S], seq 1000, win 512, length 0 */
static const u8 ip_syn[] = {IPV4(40), TCP(5, SYN)};
static const u8 ether_syn[] = {ETHERNET(0x0800), IPV4(40), TCP(5, SYN)};

static inline void put(const void *bytes, size_t n)
{
	assert_true(made_size + n <= sizeof(made));
	memcpy(made + made_size, bytes, n);
	made_size += n;
}

static inline void put32(u32 value)
{
	if (swapped)
		value = __builtin_bswap32(value);
	put(&value, 4);
}

static inline void put16(u16 value)
{
	if (swapped)
		value = __builtin_bswap16(value);
	put(&value, 2);
}

static inline void begin_pcap(u32 magic, u32 link_type)
{
	made_size = 0;
	put32(magic);
	put16(2);
	put16(4);
	put32(0);
	put32(0);
	put32(65535);
	put32(link_type);
}

static inline void put_pcap(u32 sec, u32 fraction, const u8 *bytes, u32 captured, u32 length)
{
	put32(sec);
	put32(fraction);
	put32(captured);
	put32(length);
	put(bytes, captured);
}

static inline void begin_section(void)
{
	put32(0x0a0d0d0a);
	put32(28);
	put32(ORDER);
	put16(1);
	put16(0);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	put32(28);
}

/* unit: 6 micro-, 9 nanoseconds, 0x80 | n: 2^-n seconds */
static inline void put_interface(u16 link_type, u32 snap_length, u8 unit)
{
	put32(1);
	put32(32);
	put16(link_type);
	put16(0);
	put32(snap_length);
	put16(9);
	put16(1);
	put((u8[]){unit, 0, 0, 0}, 4);
	put32(0);
	put32(32);
}

static inline void put_block(u32 interface, u64 ticks, const u8 *bytes, u32 captured, u32 length)
{
	const u32 padding = -captured & 3;

	put32(6);
	put32(32 + captured + padding);
	put32(interface);
	put32((u32)(ticks >> 32));
	put32((u32)ticks);
	put32(captured);
	put32(length);
	put(bytes, captured);
	put("\0\0\0", padding);
	put32(32 + captured + padding);
}

static inline int open_made(const char *filter)
{
	char path[] = "/tmp/tcpshake-capture-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, made, made_size), made_size);
	close(fd);
	error[0] = 0;
	err = capture_open(&capture, path, filter, error, sizeof(error));
	assert_true(err ? strlen(error) > 0 && strstr(error, filter ? "filter" : path) : !error[0]);
	unlink(path);
	return err;
}

static inline int next(void)
{
	return capture_next(capture, &seg, &result, &now);
}

static inline void expect_syn(void)
{
	assert_int_equal(next(), 1);
	assert_int_equal(result, PARSE_TCP);
	assert_int_equal(seg.seq, 1000);
	assert_int_equal(seg.flags, TCP_SYN);
	assert_int_equal(seg.key.port[seg.sender], 51344);
	assert_int_equal(seg.time, now);
}

static inline void expect_end(void)
{
	assert_int_equal(next(), 0);
	assert_int_equal(next(), 0);
	assert_string_equal(capture_error(capture), "");
	capture_close(capture);
	capture = NULL;
}

#endif
