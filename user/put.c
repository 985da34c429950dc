/* SPDX-License-Identifier: GPL-2.0-only */
#include "put.h"

#define MILLION 1000000u

void put_pad(struct put *put, size_t column)
{
	while (put_length(put) < column && !put->overflow)
		put_char(put, ' ');
}

/* Two digits a division: half as many divisions, and they are what takes the time. */
void put_u64(struct put *put, u64 value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[20];
	size_t at = sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(&digits[at], &pairs[value % 100 * 2], 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(&digits[at], &pairs[value * 2], 2);
	} else {
		digits[--at] = (char)('0' + value);
	}
	put_bytes(put, &digits[at], sizeof(digits) - at);
}

void put_digits(struct put *put, u32 value, int digits)
{
	char text[10];

	for (int i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	put_bytes(put, text, (size_t)digits);
}

void put_grouped(struct put *put, u64 value)
{
	u64 unit = 1;

	while (value / unit >= 1000)
		unit *= 1000;
	put_u64(put, value / unit);
	while (unit > 1) {
		unit /= 1000;
		put_char(put, ',');
		put_digits(put, (u32)(value / unit % 1000), 3);
	}
}

void put_decimal(struct put *put, u64 millionths, int places)
{
	u32 unit = MILLION;

	for (int i = 0; i < places; i++)
		unit /= 10;
	/* half a unit up; a value so large that this wraps has no digits to round anyway */
	if (millionths + unit / 2 > millionths)
		millionths += unit / 2;
	put_u64(put, millionths / MILLION);
	if (!places)
		return;
	put_char(put, '.');
	put_digits(put, (u32)(millionths % MILLION) / unit, places);
}

void put_ratio(struct put *put, u64 millionths)
{
	u32 rest = (u32)(millionths % MILLION);
	int places = 6;

	put_u64(put, millionths / MILLION);
	if (!rest)
		return;
	for (; rest % 10 == 0; rest /= 10)
		places--;
	put_char(put, '.');
	put_digits(put, rest, places);
}

static void put_milliseconds(struct put *put, u64 ns)
{
	int places = ns < 10000 ? 3 : ns < NSEC_PER_MSEC ? 2 : ns < 100 * NSEC_PER_MSEC ? 1 : 0;

	put_decimal(put, ns, places); /* a ns is the millionth of a ms */
	PUT(put, " ms");
}

void put_duration(struct put *put, u64 ns)
{
	const u64 minute = 60 * NSEC_PER_SEC, hour = 60 * minute, day = 24 * hour;

	if (ns < NSEC_PER_SEC) {
		put_milliseconds(put, ns);
	} else if (ns < 10 * minute) {
		put_decimal(put, ns / 1000, ns < 10 * NSEC_PER_SEC ? 1 : 0);
		PUT(put, " s");
	} else if (ns < 2 * hour) {
		put_u64(put, ns / minute);
		PUT(put, " min");
	} else if (ns < 2 * day) {
		put_u64(put, ns / hour);
		PUT(put, " h");
	} else {
		put_u64(put, ns / day);
		PUT(put, " days");
	}
}

static void put_v4(struct put *put, const u8 *bytes)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			put_char(put, '.');
		put_u64(put, bytes[i]);
	}
}

static void put_hex_group(struct put *put, u32 group)
{
	static const char hex[] = "0123456789abcdef";
	int shift = 12;

	while (shift && !(group >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put_char(put, hex[group >> shift & 15]);
}

/* The longest run of zero groups, the first of equals, of two or more (RFC 5952 section 4.2). */
static int longest_zeros(const u32 *group, int *length)
{
	int best = -1, best_length = 1;

	for (int i = 0, run = 0; i < 8; i++) {
		run = group[i] ? 0 : run + 1;
		if (run > best_length) {
			best_length = run;
			best = i + 1 - run;
		}
	}
	*length = best < 0 ? 0 : best_length;
	return best;
}

static void put_v6(struct put *put, const u8 *bytes)
{
	u32 group[8];
	int zeros, length;

	for (int i = 0; i < 8; i++)
		group[i] = (u32)bytes[2 * i] << 8 | bytes[2 * i + 1];
	zeros = longest_zeros(group, &length);
	for (int i = 0; i < 8; i++) {
		if (i == zeros) {
			PUT(put, "::");
			i += length - 1;
			continue;
		}
		if (i && i != zeros + length)
			put_char(put, ':');
		put_hex_group(put, group[i]);
	}
}

void put_address(struct put *put, const struct address *address)
{
	u8 bytes[16];

	memcpy(bytes, address, sizeof(bytes));
	if (address_is_v4(address))
		put_v4(put, bytes + 12);
	else
		put_v6(put, bytes);
}

void put_endpoint(struct put *put, const struct address *address, u16 port)
{
	int v4 = address_is_v4(address);

	if (!v4)
		put_char(put, '[');
	put_address(put, address);
	if (!v4)
		put_char(put, ']');
	put_char(put, ':');
	put_u64(put, port);
}
