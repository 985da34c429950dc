/* SPDX-License-Identifier: GPL-2.0-only */
#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define DECIMAL_MAX 1000000000000000000ULL

/* Reads digits at *text, at least one, and moves behind them. */
static int read_digits(const char **text, u64 most, u64 *value)
{
	const char *s = *text;
	u64 sum = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		u64 digit = (u64)(*s - '0');

		if (sum > (most - digit) / 10 || digit > most)
			return -EINVAL;
		sum = sum * 10 + digit;
	}
	*text = s;
	*value = sum;
	return 0;
}

int value_whole(const char *text, u64 most, u64 *value)
{
	u64 read;

	if (read_digits(&text, most, &read) || *text)
		return -EINVAL;
	*value = read;
	return 0;
}

/* Up to `digits` of a fraction as a whole number; any more that are not 0 count as one. */
static int read_fraction(const char *text, int digits, u64 *value)
{
	u64 sum = 0, more = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (digits > 0) {
			sum = sum * 10 + (u64)(*text - '0');
			digits--;
		} else if (*text != '0') {
			more = 1;
		}
	}
	while (digits-- > 0)
		sum *= 10;
	*value = sum + more;
	return 0;
}

int value_decimal(const char *text, int digits, u64 *value)
{
	u64 unit = 1, whole, fraction = 0;

	for (int i = 0; i < digits; i++)
		unit *= 10;
	if (read_digits(&text, DECIMAL_MAX / unit - 1, &whole))
		return -EINVAL;
	if (*text) {
		if (*text != '.' || read_fraction(text + 1, digits, &fraction))
			return -EINVAL;
	}
	*value = whole * unit + fraction;
	return 0;
}

int value_size(const char *text, u64 *bytes)
{
	int shift = 0;
	u64 number;

	if (read_digits(&text, ~0ULL >> 30, &number))
		return -EINVAL;
	switch (*text) {
	case 'K': case 'k': shift = 10; text++; break;
	case 'M': case 'm': shift = 20; text++; break;
	case 'G': case 'g': shift = 30; text++; break;
	}
	if (*text)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

static int read_range(const char **text, struct port_range *range)
{
	u64 first, last;

	if (read_digits(text, 65535, &first))
		return -EINVAL;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (read_digits(text, 65535, &last))
			return -EINVAL;
	}
	if (!first || last < first)
		return -EINVAL;
	range->first = (u16)first;
	range->last = (u16)last;
	return 0;
}

int value_ports(const char *text, struct port_range *range, u32 *count, u32 most)
{
	u32 n = *count;

	for (;;) {
		struct port_range one;

		if (read_range(&text, &one))
			return -EINVAL;
		if (n == most)
			return -ENOSPC;
		range[n++] = one;
		if (!*text)
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*count = n;
	return 0;
}

static struct address mask_of(unsigned int bits)
{
	u8 bytes[16] = { 0 };
	struct address mask;

	for (unsigned int i = 0; i < bits; i++)
		bytes[i / 8] |= (u8)(0x80 >> i % 8);
	memcpy(&mask, bytes, sizeof(mask));
	return mask;
}

/* One address or prefix, 0-terminated. */
static int read_host(char *text, struct host_prefix *host)
{
	char *slash = strchr(text, '/');
	struct address address;
	struct in_addr v4;
	u64 bits, most;

	if (slash)
		*slash = 0;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		address = address_v4(v4.s_addr);
		most = 32;
	} else if (inet_pton(AF_INET6, text, &address) == 1) {
		most = 128;
	} else {
		return -EINVAL;
	}
	bits = most;
	if (slash && value_whole(slash + 1, most, &bits))
		return -EINVAL;
	host->mask = mask_of((unsigned int)(128 - most + bits));
	for (int i = 0; i < 2; i++)
		host->value.word[i] = address.word[i] & host->mask.word[i];
	return 0;
}

int value_hosts(const char *text, struct host_prefix *host, u32 *count, u32 most)
{
	u32 n = *count;

	for (;;) {
		char one[INET6_ADDRSTRLEN + sizeof("/128")];
		size_t length = strcspn(text, ",");
		struct host_prefix prefix;

		if (!length || length >= sizeof(one))
			return -EINVAL;
		memcpy(one, text, length);
		one[length] = 0;
		if (read_host(one, &prefix))
			return -EINVAL;
		if (n == most)
			return -ENOSPC;
		host[n++] = prefix;
		text += length;
		if (!*text)
			break;
		text++;
	}
	*count = n;
	return 0;
}

int value_choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	return -EINVAL;
}
