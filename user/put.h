/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing into a bounded buffer without formats: a million events a second
 * leave no time for printf. What does not fit is not written, and a flag says
 * so; so one check at the end of a line is enough.
 */
#ifndef TCPSHAKE_PUT_H
#define TCPSHAKE_PUT_H

#include <string.h>

#include "key.h"

struct put {
	char *start, *at, *end;
	int overflow;
};

INLINE struct put put_into(char *buffer, size_t size)
{
	return (struct put){ buffer, buffer, buffer + size, 0 };
}

INLINE void put_bytes(struct put *put, const char *bytes, size_t n)
{
	if (unlikely((size_t)(put->end - put->at) < n)) {
		put->overflow = 1;
		return;
	}
	memcpy(put->at, bytes, n);
	put->at += n;
}

INLINE void put_char(struct put *put, char c)
{
	put_bytes(put, &c, 1);
}

INLINE void put_str(struct put *put, const char *s)
{
	put_bytes(put, s, strlen(s));
}

/* For literals only: their length is known to the compiler. */
#define PUT(put, literal) put_bytes(put, "" literal, sizeof(literal) - 1)

INLINE size_t put_length(const struct put *put)
{
	return (size_t)(put->at - put->start);
}

/* Spaces up to `column`, counted from the start of the buffer. */
void put_pad(struct put *put, size_t column);

void put_u64(struct put *put, u64 value);
void put_digits(struct put *put, u32 value, int digits);   /* with leading zeros */
void put_grouped(struct put *put, u64 value);		   /* 48,210 */
void put_decimal(struct put *put, u64 millionths, int places); /* places up to 6, rounded */
void put_ratio(struct put *put, u64 millionths);	   /* 0.004: no trailing zeros */
void put_duration(struct put *put, u64 ns);		   /* 0.08 ms, 23.1 ms, 3.6 s, 60 s, 5 min */
void put_address(struct put *put, const struct address *address); /* RFC 5952; mapped: dotted */
void put_endpoint(struct put *put, const struct address *address, u16 port); /* [v6]:port */

#endif
